"use strict";
// What every part of the page needs: talking to the server, and making elements. All text reaches the page as text, never as HTML.

const $ = (id) => document.getElementById(id);

// --- Talking to the server -------------------------------------------------------------------------------------

class Problem extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function request(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", headers: { Accept: "application/json" }, ...options });
  } catch {
    throw new Problem(0, "Muster cannot be reached. It is tried again by itself.");
  }
  if (answer.status === 204) return null;
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new Problem(answer.status, body?.error ?? `The server answered ${answer.status}.`);
  return body;
}

const posting = (body) => ({
  method: "POST",
  headers: { Accept: "application/json", "Content-Type": "application/json" },
  body: JSON.stringify(body ?? {}),
});

const post = (path, body) => request(path, posting(body));

// A refresh token is good once, so that the tabs of a browser take turns; the second finds a fresh cookie.
async function refreshed() {
  const turn = async () => {
    const last = Number(localStorage.getItem("muster-refreshed") ?? 0);
    if (Math.abs(Date.now() - last) < 5000) return;
    await post("/api/auth/refresh/");
    localStorage.setItem("muster-refreshed", String(Date.now()));
  };
  if (navigator.locks) await navigator.locks.request("muster-refresh", turn);
  else await turn();
}

async function call(path, options) {
  try {
    return await request(path, options);
  } catch (problem) {
    if (problem.status !== 401) throw problem;
    await refreshed();
    return request(path, options);
  }
}

// --- Small things ----------------------------------------------------------------------------------------------

function element(tag, className = "", children = []) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function tell(place, message) {
  place.hidden = !message;
  place.textContent = message;
}

// What is the case, in a colour, a sign and words: none of them alone has to be seen.
function pill(tone, sign, words) {
  const mark = element("b", "", [sign]);
  mark.setAttribute("aria-hidden", "true");
  return element("span", `status ${tone}`, [mark, words]);
}

const capital = (text) => text.charAt(0).toLocaleUpperCase() + text.slice(1);
const sentence = (text) => (text.endsWith(".") ? capital(text) : `${capital(text)}.`);
