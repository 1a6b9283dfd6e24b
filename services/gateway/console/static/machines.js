"use strict";
// Machines: what each of them holds against what of it is here, and which view is shown.

const SEES_MACHINES = ["super_admin", "hr", "department_head"];
const TENDS_MACHINES = ["super_admin", "hr"];
const LOOK = { here: 10000, soon: 2000, elsewhere: 60000 }; // milliseconds between looks

const fleet = {
  maySee: false,
  mayTend: false,
  rows: null, // as the server tells them; null until it has
  only: "all",
  key: null, // the machine that is open
  open: null, // what is shown of it
  timer: 0,
  look: 0, // the number of the last look: an older one that comes later is of no interest
  differ: false, // only days that differ
  allDays: false,
  acting: false,
};

const VERDICTS = [
  { id: "all", name: "Machines", tone: "none", has: () => true },
  { id: "missing", name: "Records missing", tone: "away", mark: "!", has: (row) => row.missing > 0 },
  { id: "unknown", name: "Nobody can say", tone: "late", mark: "?", has: (row) => row.missing === null },
  { id: "whole", name: "Nothing missing", tone: "good", mark: "✓", has: (row) => row.missing === 0 },
  { id: "warned", name: "Warnings", tone: "late", has: (row) => isWarned(row) },
  { id: "away", name: "No contact", tone: "away", has: (row) => ["away", "waiting_for_a_person"].includes(row.state) },
];
const isWarned = (row) => ["live", "polling", "catching_up"].includes(row.state) && row.status_text !== "";
const verdictOf = (row) => VERDICTS.find((one) => one.mark && one.has(row));

const STATES = {
  connecting: ["Connecting", "none"],
  waiting_for_a_call: ["Waits for its call", "none"],
  catching_up: ["Catching up", "good"],
  live: ["Live", "good"],
  polling: ["Polled", "good"],
  away: ["Away", "away"],
  waiting_for_a_person: ["Waits for a person", "away"],
  paused: ["Paused", "late"],
  not_wanted: ["Not wanted", "none"],
  imported_only: ["Files only", "none"],
};

// --- Which view is shown -----------------------------------------------------------------------------------------

function meetMachines(user) {
  const has = (roles) => user.roles.some((role) => roles.includes(role));
  fleet.maySee = has(SEES_MACHINES);
  fleet.mayTend = has(TENDS_MACHINES);
  $("views").hidden = !fleet.maySee;
  route();
}

function leaveMachines() {
  clearTimeout(fleet.timer);
  Object.assign(fleet, { maySee: false, mayTend: false, rows: null, open: null, key: null, only: "all" });
  fleet.look += 1;
  $("machine-list").replaceChildren();
  $("machine-counts").replaceChildren();
  closePause();
}

function route() {
  const [view, key] = location.hash.slice(1).split("/");
  const machines = fleet.maySee && view === "machines";
  const before = fleet.key;
  fleet.key = machines && key ? decoded(key) : null;
  if (fleet.key !== before) forgetOpen();
  $("people").hidden = machines;
  $("machines").hidden = !machines || fleet.key !== null;
  $("machine").hidden = !machines || fleet.key === null;
  for (const [id, current] of [["view-people", !machines], ["view-machines", machines]]) {
    if (current) $(id).setAttribute("aria-current", "page");
    else $(id).removeAttribute("aria-current");
  }
  if (!machines) document.title = state.title;
  else if (fleet.key === null) renderMachines();
  followMachines();
  return before;
}

window.addEventListener("hashchange", () => {
  if (!state.signedIn) return;
  const before = route();
  // Whoever goes by the keyboard goes on from where they are now.
  if (fleet.key !== null) $("machine-title").focus();
  else if (!$("machines").hidden) (linkTo(before) ?? $("machines-title")).focus();
});

$("skip").addEventListener("click", (event) => {
  if (!$("people").hidden) return;
  event.preventDefault(); // its own way leads to the table of people
  $(fleet.key === null ? "machines-title" : "machine-title").focus();
});

function decoded(key) {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

// --- Looking at what is the case ---------------------------------------------------------------------------------

async function followMachines() {
  clearTimeout(fleet.timer);
  if (!fleet.maySee) return;
  const look = ++fleet.look;
  const shown = fleet.key;
  try {
    if (shown === null || fleet.rows === null) {
      const rows = await readMachines();
      if (look !== fleet.look) return;
      fleet.rows = rows;
      tell($("machines-trouble"), "");
      renderMachines();
    }
    if (shown !== null) {
      const path = `/api/attendance/machines/${encodeURIComponent(shown)}/`;
      const [machine, found] = await Promise.all([call(path), call(`${path}reconciliation/`)]);
      if (look !== fleet.look) return;
      fleet.open = { ...machine, ...found };
      tell($("machine-trouble"), "");
      renderMachine();
    }
    if (!$("people").hidden) return;
    touched();
  } catch (problem) {
    if (look !== fleet.look) return;
    if (problem.status === 401) return showWelcome();
    const where = shown === null ? "machines-trouble" : "machine-trouble";
    tell($(where), `${shown === null ? "The machines" : `The machine ${shown}`} cannot be shown now: ${problem.message}`);
    $("machine-list").setAttribute("aria-busy", "false");
  } finally {
    if (look === fleet.look && fleet.maySee) {
      clearTimeout(fleet.timer);
      fleet.timer = setTimeout(lookAgain, untilNextLook());
    }
  }
}

function lookAgain() {
  clearTimeout(fleet.timer);
  if (document.visibilityState === "visible") followMachines();
  else fleet.timer = setTimeout(lookAgain, LOOK.elsewhere);
}

document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && followMachines());

function untilNextLook() {
  if (!$("people").hidden) return LOOK.elsewhere;
  return fleet.key !== null && fleet.open?.sync_asked_at ? LOOK.soon : LOOK.here;
}

let turned = 0;

// One of them came or went. A thousand that do so at once are looked at once.
function machinesTurned() {
  turned ||= setTimeout(() => {
    turned = 0;
    lookAgain();
  }, 1000);
}

async function readMachines() {
  const rows = [];
  for (let page = 1; ; page += 1) {
    const part = await call(`/api/attendance/machines/reconciliation/?page=${page}&page_size=100`);
    rows.push(...part.results);
    if (!part.next) return rows;
  }
}

// --- All of them -------------------------------------------------------------------------------------------------

// First what somebody has to look at.
const urgency = (row) => VERDICTS.indexOf(verdictOf(row));
const byUrgency = (a, b) => urgency(a) - urgency(b) || collator.compare(a.machine_id, b.machine_id);

function renderMachines() {
  if (!$("machines").hidden) document.title = "Machines · Muster";
  if (fleet.rows === null) return;
  const lacking = fleet.rows.filter((row) => row.missing > 0).length;
  $("lacking").hidden = !lacking;
  $("lacking").replaceChildren(
    String(lacking),
    element("span", "unseen", [" with records that are not here"]),
  );
  renderVerdicts();
  const kind = VERDICTS.find((one) => one.id === fleet.only);
  const shown = fleet.rows.filter(kind.has).sort(byUrgency);
  const focused = document.activeElement?.closest?.("#machine-list [data-machine]")?.dataset.machine;
  $("machine-list").replaceChildren(...shown.map(machineElement));
  $("machine-list").setAttribute("aria-busy", "false");
  if (focused !== undefined) linkTo(focused)?.focus({ preventScroll: true });
  $("no-machines").hidden = shown.length > 0;
  $("no-machines").textContent = fleet.rows.length
    ? "No machine is like that."
    : noMachines();
}

function noMachines() {
  if (!fleet.mayTend) return "There is no machine of your departments.";
  return "There are no machines yet. They are registered by POST /api/attendance/machines/, or by importing the file of one.";
}

function renderVerdicts() {
  for (const kind of VERDICTS) {
    let tile = $(`machines-${kind.id}`);
    if (!tile) {
      tile = element("button", `count ${kind.tone}`, [
        element("span", "figure"),
        element("span", "name", kind.id === "all" ? [kind.name] : [element("span", "swatch"), kind.name]),
      ]);
      tile.id = `machines-${kind.id}`;
      tile.type = "button";
      tile.addEventListener("click", () => {
        fleet.only = fleet.only === kind.id ? "all" : kind.id;
        renderMachines();
      });
      $("machine-counts").append(tile);
    }
    tile.firstChild.textContent = number(fleet.rows.filter(kind.has).length);
    tile.setAttribute("aria-pressed", String(fleet.only === kind.id));
  }
}

function machineElement(row) {
  const link = element("a", "name", [row.name]);
  link.href = `#machines/${encodeURIComponent(row.machine_id)}`;
  const verdict = element("p", "verdict");
  showVerdict(verdict, row);
  const item = element("li", "", [
    element("div", "title", [link, element("span", "detail", [row.machine_id]), statePill(row.state)]),
    verdict,
    ...(row.status_text ? [statusLine(row)] : []),
    element("dl", "figures", figuresOf(row)),
  ]);
  item.dataset.machine = row.machine_id;
  return item;
}

// What is the matter although it is in contact, or why it is not.
function statusLine(row) {
  if (!isWarned(row)) return element("p", "detail", [sentence(row.status_text)]);
  const sign = pill("late", "!", "");
  sign.classList.add("sign");
  return element("p", "verdict warning", [sign, element("span", "", [sentence(row.status_text)])]);
}

const linkTo = (key) =>
  key === null ? null : $("machine-list").querySelector(`[data-machine="${CSS.escape(key)}"] a`);

function showVerdict(place, row) {
  const { tone, mark } = verdictOf(row);
  const sign = pill(tone, mark, "");
  sign.classList.add("sign");
  place.replaceChildren(sign, element("span", "", [sentence(row.sentence)]));
}

function statePill(name) {
  const [words, tone] = STATES[name] ?? [name, "none"];
  return element("span", `way ${tone}`, [words]);
}

function figuresOf(row) {
  return [
    fact("Holds", number(row.records_on_machine)),
    fact("Handed over", handedOver(row)),
    fact("Scans here", scansHere(row)),
    fact("Quarantined", number(row.received.quarantined)),
    fact("Unreadable", number(row.received.unreadable)),
    fact("Gaps", row.gaps ? capital(row.gaps) : "none known"),
    fact("Log last read whole", row.last_reading ? moment(row.last_reading.ended_at) : "never"),
  ];
}

// What a machine hands over need not be scans: doors that open are in the logs of some, and scans that were written twice.
function handedOver(row) {
  const others = row.records_received - row.received.scans - row.received.unreadable;
  if (row.records_received === null || others <= 0) return number(row.records_received);
  return `${number(row.records_received)}, of which ${number(others)} no scans, or the same again`;
}

function scansHere(row) {
  const ofFiles = row.received.scans - row.received.from_machine;
  if (ofFiles <= 0 || row.state === "imported_only") return number(row.received.scans);
  return `${number(row.received.scans)}, of which ${number(ofFiles)} not known to be from it itself`;
}

// --- Small things ------------------------------------------------------------------------------------------------

const number = (value) => (value === null || value === undefined ? "–" : value.toLocaleString());

function fact(name, value) {
  const told = Array.isArray(value) ? value : [value];
  return element("div", "", [element("dt", "", [name]), element("dd", "", told)]);
}

// A time of the site, with what it is in UTC for whoever asks.
function moment(instant) {
  if (!instant) return "never";
  const at = new Date(instant);
  const told = element("time", "", [
    at.toLocaleString(undefined, {
      year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
      timeZone: state.zone,
    }),
  ]);
  told.dateTime = instant;
  told.title = `${instant} · ${state.zone ?? "your own time zone"}`;
  return told;
}
