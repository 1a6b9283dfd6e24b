"use strict";
// Signing in, the table of a day, and scans as they happen.

const MOST_SCANS = 60;
const HERE = "muster-signed-in"; // whether there is a cookie to try; scripts cannot see it
const RETRY = { first: 500, most: 10000 };

const state = {
  date: null, // the day that is shown
  today: null, // the business date, as the server says
  zone: undefined, // of the site; until it is known, of whoever looks
  rows: new Map(), // employee_id → row
  only: "all",
  find: "",
  socket: null,
  retry: RETRY.first,
  retryTimer: 0,
  title: document.title, // of the day
  updatedAt: null,
  signedIn: false,
};

// --- Signing in and out ----------------------------------------------------------------------------------------

async function start() {
  if (!localStorage.getItem(HERE)) return showWelcome();
  try {
    await enter(await call("/api/auth/me/"));
  } catch (problem) {
    if (problem.status === 0 || problem.status >= 500) {
      showWelcome(problem.message);
      setTimeout(() => !state.signedIn && start(), 3000);
    } else showWelcome();
  }
}

function showWelcome(message = "") {
  state.signedIn = false;
  state.date = null;
  clearTimeout(state.retryTimer);
  state.socket?.close();
  state.socket = null;
  leaveMachines();
  $("board").hidden = true;
  $("welcome").hidden = false;
  tell($("sign-in-error"), message);
  if (!message) $("username").focus();
}

$("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  const [username, password] = [form.username.value, form.password.value];
  if (!username || !password) {
    tell($("sign-in-error"), "Enter the username and the password.");
    (username ? form.password : form.username).focus();
    return;
  }
  button.disabled = true;
  try {
    const { user } = await post("/api/auth/login/", { username, password });
    form.reset();
    tell($("sign-in-error"), "");
    await enter(user);
  } catch (problem) {
    tell($("sign-in-error"), capital(problem.message));
    form.password.select();
  } finally {
    button.disabled = false;
  }
});

$("sign-out").addEventListener("click", async () => {
  await call("/api/auth/logout/", { method: "POST" }).catch(() => null);
  localStorage.removeItem("muster-refreshed");
  localStorage.removeItem(HERE);
  $("scans").replaceChildren();
  $("no-scans").hidden = false;
  state.rows.clear();
  showWelcome();
});

async function enter(user) {
  state.signedIn = true;
  localStorage.setItem(HERE, "yes");
  $("who").textContent = user.employee_name ?? user.username;
  $("welcome").hidden = true;
  $("board").hidden = false;
  skeleton();
  meetMachines(user);
  await followToday();
  connect();
}

// --- The day ---------------------------------------------------------------------------------------------------

async function followToday() {
  try {
    const status = await call("/api/attendance/system-status/");
    const following = state.date === null || state.date === state.today;
    state.today = status.business_date;
    state.zone = status.timezone;
    if (following) state.date = state.today;
  } catch (problem) {
    state.date ??= localDate();
    if (problem.status === 401) return showWelcome();
  }
  $("date").value = state.date;
  await loadDay();
}

let loading = null;
let again = false;

// One load at a time: what is asked meanwhile becomes one more after it.
async function loadDay() {
  if (loading) {
    again = true;
    return loading;
  }
  loading = readDay().finally(() => {
    loading = null;
    if (again) {
      again = false;
      setTimeout(loadDay, 1000);
    }
  });
  return loading;
}

async function readDay() {
  const date = state.date;
  try {
    const rows = await call(`/api/attendance/daily-attendance/summary/?date=${encodeURIComponent(date)}`);
    if (date !== state.date) return;
    state.rows = new Map(rows.map((row) => [row.employee_id, row]));
    tell($("trouble"), "");
    touched();
    render();
  } catch (problem) {
    if (problem.status === 401) return showWelcome();
    tell($("trouble"), `The day cannot be shown now: ${problem.message}`);
    if (!state.rows.size) $("rows").replaceChildren();
    $("rows").setAttribute("aria-busy", "false");
    setTimeout(() => state.signedIn && loadDay(), 5000);
  }
}

const KINDS = [
  { id: "all", name: "People", tone: "none", has: () => true },
  { id: "present", name: "Present", tone: "good", has: (row) => row.status.startsWith("Present") },
  { id: "late", name: "Late", tone: "late", has: (row) => row.status === "Present-Late" },
  { id: "leave", name: "On leave", tone: "leave", has: (row) => row.status.startsWith("Leave") },
  { id: "absent", name: "Absent", tone: "away", has: (row) => row.status === "Absent" && row.state !== "expected" },
  { id: "expected", name: "Expected", tone: "none", has: (row) => row.status === "Absent" && row.state === "expected" },
];

const STATUS = {
  "Present-OnTime": ["P", "On time", "good"],
  "Present-Considered": ["P", "Considered on time", "good"],
  "Present-Late": ["L", "Late", "late"],
  Absent: ["A", "Absent", "away"],
  Holiday: ["H", "Holiday", "leave"],
  Weekend: ["W", "Weekend", "none"],
};

const MEANING = {
  "Present-OnTime": "Was there by the time that counts as safe.",
  "Present-Considered": "Came after the time that counts as safe, within the minutes that are considered on time.",
  "Present-Late": "Came after the minutes that are considered on time.",
};

function statusOf(row) {
  if (row.status === "Absent" && row.state === "expected") return ["–", "Expected", "none"];
  if (row.status.startsWith("Leave-")) return ["V", `Leave: ${row.status.slice(6)}`, "leave"];
  return STATUS[row.status] ?? ["?", row.status, "none"];
}

function render() {
  const shown = [...state.rows.values()].filter(wanted).sort(byName);
  $("rows").replaceChildren(...shown.map(rowElement));
  $("rows").setAttribute("aria-busy", "false");
  renderFrame(shown.length);
}

function renderFrame(shown) {
  renderCounts();
  const isToday = state.date === state.today;
  const said = new Date(`${state.date}T12:00`).toLocaleDateString(undefined, {
    weekday: "long", year: "numeric", month: "long", day: "numeric",
  });
  $("day-title").textContent = said;
  $("zone").textContent = [
    state.zone && `Times are those of ${state.zone}.`, "Hours are decimal: 6.80 are 6 h 48 min.",
  ].filter(Boolean).join(" ");
  state.title = `${isToday ? "Today" : said} · Muster`;
  if (!$("people").hidden) document.title = state.title;
  $("to-today").hidden = isToday || !state.today;
  const nobody = $("nobody");
  nobody.hidden = shown > 0;
  nobody.textContent = state.rows.size
    ? "Nobody here is like that."
    : "There are no people on this day. They come from a list: muster people import FILE";
}

function renderCounts() {
  const rows = [...state.rows.values()];
  for (const kind of KINDS) {
    const number = rows.reduce((sum, row) => sum + (kind.has(row) ? 1 : 0), 0);
    let tile = $(`count-${kind.id}`);
    if (!tile) {
      tile = element("button", `count ${kind.tone}`, [
        element("span", "figure"),
        element("span", "name", kind.id === "all" ? [kind.name] : [element("span", "swatch"), kind.name]),
      ]);
      tile.id = `count-${kind.id}`;
      tile.type = "button";
      tile.addEventListener("click", () => {
        state.only = state.only === kind.id ? "all" : kind.id;
        render();
      });
      $("counts").append(tile);
    }
    tile.firstChild.textContent = String(number);
    tile.setAttribute("aria-pressed", String(state.only === kind.id));
  }
}

function wanted(row) {
  if (!KINDS.find((kind) => kind.id === state.only).has(row)) return false;
  if (!state.find) return true;
  const text = `${row.employee_name} ${row.employee_id} ${row.department ?? ""}`.toLocaleLowerCase();
  return state.find.split(/\s+/).every((word) => text.includes(word));
}

const collator = new Intl.Collator(undefined, { numeric: true });
const byName = (a, b) =>
  collator.compare(a.employee_name, b.employee_name) || collator.compare(a.employee_id, b.employee_id);

function rowElement(row) {
  const [letter, words, tone] = statusOf(row);
  const blank = !row.check_in && !row.check_out && !row.working_hours;
  const line = element("tr", blank ? "blank" : "", [
    cell("", [
      element("span", "name", [row.employee_name]),
      element("span", "detail", [[row.employee_id, row.department].filter(Boolean).join(" · ")]),
    ]),
    statusCell(row, pill(tone, letter, words)),
    figure("In", row.check_in),
    figure("Out", row.check_out),
    figure("Hours", hours(row.working_hours)),
    figure("Overtime", hours((row.overtime ?? 0) + (row.extra_overtime ?? 0))),
  ]);
  line.setAttribute("role", "row");
  line.dataset.employee = row.employee_id;
  const scans = (row.scans ?? []).map((scan) => `${scan.time} ${scan.type}`).join(", ");
  if (scans) line.title = `Scans: ${scans}`;
  return line;
}

function statusCell(row, shown) {
  const made = cell("", [shown]);
  if (row.status in MEANING) made.title = MEANING[row.status];
  return made;
}

function figure(label, value) {
  const made = cell(value ? "number" : "number nothing", [value || "–"]);
  made.dataset.label = label;
  return made;
}

function cell(className, children) {
  const made = element("td", className, children);
  made.setAttribute("role", "cell");
  return made;
}

const hours = (value) => (value ? value.toFixed(2) : "");

function skeleton() {
  if (state.rows.size) return;
  const line = () => element("tr", "skeleton", Array.from({ length: 6 }, () => element("td", "", [element("span")])));
  $("rows").setAttribute("aria-busy", "true");
  $("rows").replaceChildren(...Array.from({ length: 8 }, line));
}

// --- What happens now ------------------------------------------------------------------------------------------

function connect() {
  clearTimeout(state.retryTimer);
  if (!state.signedIn || state.socket) return;
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
  state.socket = socket;
  let greeted = false;
  socket.addEventListener("message", (event) => {
    const frame = JSON.parse(event.data);
    if (!greeted) {
      greeted = true;
      if (state.retry !== RETRY.first) followToday(); // something may have been missed meanwhile
      state.retry = RETRY.first;
      connection("live");
    }
    hear(frame);
  });
  socket.addEventListener("close", async (event) => {
    if (state.socket !== socket) return;
    state.socket = null;
    if (!state.signedIn) return;
    connection("away");
    const wait = state.retry * (0.75 + Math.random() / 2);
    state.retry = Math.min(state.retry * 2, RETRY.most);
    if (event.code === 4401) {
      try {
        await refreshed();
      } catch (problem) {
        if (problem.status === 401) return showWelcome("You have been signed out.");
      }
    }
    state.retryTimer = setTimeout(connect, wait);
  });
}

function hear(frame) {
  touched();
  if (frame.type === "scan_received") addScan(frame);
  else if (frame.type === "attendance_updated") {
    tellWays(frame.data);
    updateRow(frame.data);
  }
  else if (frame.type === "resync") followToday();
  else if (frame.type === "error_occurred" || frame.type === "machine_disconnected") addNotice(frame);
  if (frame.type === "machine_connected" || frame.type === "machine_disconnected") machinesTurned();
}

let frameDue = false;

function updateRow(data) {
  if (data.date !== state.date) return;
  const row = { ...state.rows.get(data.employee_id), ...data };
  state.rows.set(row.employee_id, row);
  const old = $("rows").querySelector(`tr[data-employee="${CSS.escape(row.employee_id)}"]`);
  if (!wanted(row)) old?.remove();
  else {
    const line = rowElement(row);
    line.classList.add("fresh");
    if (old) old.replaceWith(line);
    else insertSorted(line, row);
  }
  if (frameDue) return;
  frameDue = true;
  requestAnimationFrame(() => {
    frameDue = false;
    renderFrame($("rows").childElementCount);
  });
}

function insertSorted(line, row) {
  const after = [...$("rows").children].find((other) => {
    const its = state.rows.get(other.dataset.employee);
    return its && byName(its, row) > 0;
  });
  $("rows").insertBefore(line, after ?? null);
}

const WAYS = {
  IN: ["In", "good"], OUT: ["Out", "none"], BREAK_IN: ["Break in", "none"], BREAK_OUT: ["Break out", "none"],
  OVERTIME_IN: ["Overtime in", "late"], OVERTIME_OUT: ["Overtime out", "late"], UNKNOWN: ["Scan", "none"],
};

function addScan(frame) {
  const { data } = frame;
  const time = element("time", "", [siteTime(new Date(frame.timestamp))]);
  time.dateTime = data.scan_time;
  time.title = `${data.scan_time} · ${frame.timestamp}`;
  // Most machines say IN of every scan. Which way it was, the day knows, a moment later.
  const [words, tone] = wayOf(data.scan_type === "IN" ? "UNKNOWN" : data.scan_type);
  const name = data.employee_name ?? `Unknown badge ${data.badge}`;
  const item = prepend([
    time,
    element("div", "", [
      element("span", "name", [name]),
      element("span", "detail", [[data.department, frame.machine_id].filter(Boolean).join(" · ")]),
    ]),
    element("span", `way ${data.employee_name ? tone : "late"}`, [words]),
  ]);
  if (data.employee_id) item.dataset.employee = data.employee_id;
}

function wayOf(type) {
  return WAYS[type] ?? [type, "none"];
}

function tellWays(day) {
  for (const item of $("scans").querySelectorAll(`li[data-employee="${CSS.escape(day.employee_id)}"]`)) {
    const minute = item.querySelector("time").textContent.slice(0, 5);
    const scan = day.scans?.findLast(({ time }) => time === minute);
    if (!scan) continue;
    const [words, tone] = wayOf(scan.type);
    const way = item.querySelector(".way");
    way.className = `way ${tone}`;
    way.textContent = words;
  }
}

function addNotice(frame) {
  const time = element("time", "", [siteTime(new Date(frame.timestamp))]);
  prepend([
    time,
    element("div", "", [
      element("span", "name", [capital(frame.data.message)]),
      element("span", "detail", [frame.machine_id ?? frame.data.service ?? ""]),
    ]),
    element("span", "way away", ["Notice"]),
  ]);
}

function prepend(children) {
  const item = element("li", "fresh", children);
  const list = $("scans");
  list.prepend(item);
  while (list.childElementCount > MOST_SCANS) list.lastElementChild.remove();
  $("no-scans").hidden = true;
  return item;
}

function connection(now) {
  const words = { live: "Live", away: "Reconnecting…", connecting: "Connecting" }[now];
  $("connection").dataset.state = now;
  if ($("connection-text").textContent !== words) $("connection-text").textContent = words;
}

function touched() {
  state.updatedAt = new Date();
  $("updated").textContent = `updated ${siteTime(state.updatedAt)}`;
}

// --- Controls --------------------------------------------------------------------------------------------------

$("date").addEventListener("change", (event) => {
  if (!event.target.value) return;
  show(event.target.value);
});
$("to-today").addEventListener("click", () => show(state.today));
$("find").addEventListener("input", (event) => {
  state.find = event.target.value.trim().toLocaleLowerCase();
  render();
});

function show(date) {
  state.date = date;
  $("date").value = date;
  state.rows.clear();
  skeleton();
  loadDay();
}

// A new business date begins while the page is open; a page that was asleep has missed things.
setInterval(() => state.signedIn && state.date === state.today && checkDate(), 60000);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible" || !state.signedIn) return;
  state.retry = RETRY.first;
  if (!state.socket) connect();
});

async function checkDate() {
  const status = await call("/api/attendance/system-status/").catch(() => null);
  if (status && status.business_date !== state.today) await followToday();
}

// --- Small things ----------------------------------------------------------------------------------------------

// All times are the site's: whoever looks from elsewhere sees the clock on its wall.
const siteTime = (at) => at.toLocaleTimeString(undefined, { hour12: false, timeZone: state.zone });

function localDate() {
  const now = new Date();
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
}

start();
