"use strict";
// One machine: how it is, what it holds and what of that is here by day, and what may be done with it.

const DAYS_AT_FIRST = 31;

function forgetOpen() {
  Object.assign(fleet, { open: null, differ: false, allDays: false, awaited: false });
  $("machine-sum").hidden = true;
  $("machine-body").hidden = true;
  $("machine-acts").hidden = true;
  $("machine-title").textContent = fleet.key ?? "";
  $("machine-about").textContent = "";
  $("machine-said").textContent = "";
  tell($("act-trouble"), "");
  tell($("machine-trouble"), "");
  closePause();
}

function renderMachine() {
  const one = fleet.open;
  document.title = `${one.name} · Muster`;
  $("machine-title").textContent = one.name;
  $("machine-about").textContent = [one.machine_id, one.machine_type, one.location, `registered in ${one.zone}`]
    .filter(Boolean).join(" · ");
  renderActs(one);
  // What was said of a reading holds while it goes on.
  if (fleet.awaited && !one.sync_asked_at) $("machine-said").textContent = "";
  fleet.awaited = Boolean(one.sync_asked_at);
  showVerdict($("machine-verdict"), one);
  $("machine-figures").replaceChildren(...figuresOf(one));
  $("machine-health").replaceChildren(...healthOf(one));
  $("machine-reading").replaceChildren(...readingOf(one.last_reading));
  $("counted").hidden = !one.last_count;
  if (one.last_count) $("machine-counted").replaceChildren(...countOf(one.last_count));
  $("days-as-of").textContent = one.last_reading
    ? `In its log: as of ${clockTime(one.last_reading.began_at, one.zone)}, when it was last read whole` : "";
  renderDays(one.days);
  $("machine-sum").hidden = false;
  $("machine-body").hidden = false;
}

function renderActs(one) {
  const paused = one.state === "paused";
  const reached = !["not_wanted", "imported_only"].includes(one.state);
  $("machine-acts").hidden = !fleet.mayTend || !reached;
  $("read-again").hidden = paused || !one.may_be_read_again;
  $("pause").hidden = paused;
  $("resume").hidden = !paused;
  if (paused) closePause();
  $("pause-until-label").textContent = `Until, on its clock (${one.zone})`;
}

function healthOf(one) {
  return [
    fact("State", [statePill(one.state), one.status_text ? ` ${sentence(one.status_text)}` : ""]),
    fact("Last contact", moment(one.last_contact_at)),
    fact("Last scan", moment(one.last_scan_at)),
    fact("Its clock", clockOf(one)),
    fact("Records", fullnessOf(one)),
    fact("All is here up to", one.reported_until ? moment(one.reported_until) : "nobody can say"),
    ...(one.sync_asked_at ? [fact("To be read again", ["asked for ", moment(one.sync_asked_at)])] : []),
    ...(one.received.uncounted
      ? [fact("Of no known day", `${number(one.received.uncounted)} scans from before days were counted`)]
      : []),
  ];
}

function clockOf(one) {
  if (one.clock_offset_seconds === null) return "never measured";
  const seconds = Math.abs(one.clock_offset_seconds);
  const by = inWords(seconds);
  const how = seconds < 1 ? "right to the second" : `${by} ${one.clock_offset_seconds > 0 ? "ahead" : "behind"}`;
  return one.clock_measured_at ? [`${how}, measured `, moment(one.clock_measured_at)] : how;
}

const SPANS = [[172800, 86400, "days"], [7200, 3600, "h"], [120, 60, "min"]]; // from, of seconds each

function inWords(seconds) {
  const [, each, unit] = SPANS.find(([from]) => seconds >= from) ?? [];
  return each ? `${number(Math.round(seconds / each))} ${unit}` : `${seconds.toFixed(1)} s`;
}

// A time on the machine's clock, as its days are.
function clockTime(instant, zone) {
  return new Date(instant).toLocaleString(undefined, {
    month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone,
  });
}

function fullnessOf(one) {
  if (one.records_on_machine === null) return one.last_contact_at ? "it has not told" : "there was no contact with it";
  if (!one.record_capacity) return number(one.records_on_machine);
  const share = one.records_on_machine / one.record_capacity;
  const meter = element("meter");
  Object.assign(meter, { max: 1, high: 0.8, value: share });
  meter.setAttribute("aria-hidden", "true");
  const percent = share.toLocaleString(undefined, { style: "percent", maximumFractionDigits: 1 });
  return [`${number(one.records_on_machine)} of ${number(one.record_capacity)} (${percent}) `, meter];
}

function readingOf(reading) {
  if (!reading) return [fact("When", "never to its end")];
  const names = ["Read", "New", "Known before", "Written twice", "Quarantined", "Unreadable"];
  const values = ["read", "new", "known", "repeated", "quarantined", "unreadable"];
  return [
    fact("When", moment(reading.ended_at)),
    fact("It said that it holds", number(reading.records_on_machine)),
    ...values.map((name, place) => fact(names[place], number(reading[name]))),
  ];
}

function countOf(counted) {
  return [
    fact("When", moment(counted.at)),
    fact("Of the days", `${counted.first.slice(0, 10)} to ${counted.last.slice(0, 10)}`),
    fact("Records", number(counted.records_on_machine)),
    fact("Scans here", number(counted.received)),
  ];
}

// More scans here of a day that was not over when its log was read came since, and are no difference.
const cameSince = (day) => !day.was_over && day.received > day.on_machine;
const differs = (day) => day.on_machine !== null && day.on_machine !== day.received && !cameSince(day);

function renderDays(days) {
  const differing = days.filter(differs);
  if (!differing.length) fleet.differ = false;
  $("days-differ").hidden = !differing.length;
  $("days-differ").textContent = `Only days that differ (${number(differing.length)})`;
  $("days-differ").setAttribute("aria-pressed", String(fleet.differ));
  const chosen = fleet.differ ? differing : days;
  const shown = fleet.allDays ? chosen : chosen.slice(0, DAYS_AT_FIRST);
  $("days").replaceChildren(...shown.map(dayElement));
  $("days-all").hidden = shown.length === chosen.length;
  $("days-all").textContent = `Show all ${number(chosen.length)} days`;
  $("no-days").hidden = days.length > 0;
  $("no-days").textContent = "No scan of it is here, and its log was not read to its end. Its days appear once there is one or the other.";
}

function dayElement(day) {
  const said = new Date(`${day.day}T12:00`).toLocaleDateString(undefined, {
    weekday: "short", year: "numeric", month: "short", day: "numeric",
  });
  const line = element("tr", day.missing > 0 ? "lacks" : "", [
    cell("", [element("span", "name", [said])]),
    figure("In its log", number(day.on_machine)),
    figure("Here", number(day.received)),
    figure("Quarantined", number(day.quarantined)),
    cell("", [differenceOf(day)]),
  ]);
  line.setAttribute("role", "row");
  line.dataset.day = day.day;
  return line;
}

function differenceOf(day) {
  if (day.on_machine === null) return element("span", "detail", ["not read whole"]);
  if (day.missing === null) return pill("late", "?", "nobody can say");
  if (day.missing > 0) return pill("away", "!", `${number(day.missing)} missing`);
  if (cameSince(day)) return element("span", "detail", [`${number(day.received - day.on_machine)} since it was read`]);
  if (day.received > day.on_machine) return pill("none", "+", `${number(day.received - day.on_machine)} more here`);
  return element("span", "detail", ["none"]);
}

$("days-differ").addEventListener("click", () => {
  fleet.differ = !fleet.differ;
  renderDays(fleet.open.days);
});
$("days-all").addEventListener("click", () => {
  fleet.allDays = true;
  renderDays(fleet.open.days);
  $("days").querySelector("tr")?.scrollIntoView({ block: "nearest" });
  $("days-title").focus();
});

// --- What one may do ---------------------------------------------------------------------------------------------

$("read-again").addEventListener("click", () => act("sync/", null, (answer) => sentence(answer.will)));
$("resume").addEventListener("click", async () => {
  if (await act("resume/", null, () => "It is not paused any more.")) $("read-again").focus();
});

$("pause").addEventListener("click", () => {
  const opens = $("pause-form").hidden;
  closePause();
  if (!opens) return;
  $("machine-said").textContent = "";
  $("pause-form").hidden = false;
  $("pause").setAttribute("aria-expanded", "true");
  $("pause-reason").focus();
});
$("pause-cancel").addEventListener("click", cancelPause);
$("pause-form").addEventListener("keydown", (event) => event.key === "Escape" && cancelPause());
$("pause-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const until = $("pause-until").value || null;
  if ($("pause-until").validity.badInput) {
    tell($("pause-error"), "Complete the date and time until which it is paused, or leave them empty.");
    $("pause-until").focus();
    return;
  }
  const done = await act("pause/", { reason: $("pause-reason").value, until }, () => "It is paused.", $("pause-error"));
  if (done) $("resume").focus();
});

function cancelPause() {
  closePause();
  $("pause").focus();
}

function closePause() {
  $("pause-form").hidden = true;
  $("pause-form").reset();
  tell($("pause-error"), "");
  $("pause").setAttribute("aria-expanded", "false");
}

// Whether it was done. What it led to is looked at right away; what went wrong is said, and nothing is thrown away.
async function act(what, body, said, trouble = $("act-trouble")) {
  const key = fleet.key;
  if (fleet.acting) return false;
  fleet.acting = true;
  $("machine-acts").setAttribute("aria-busy", "true");
  try {
    const answer = await call(`/api/attendance/machines/${encodeURIComponent(key)}/${what}`, posting(body));
    if (key !== fleet.key) return false;
    for (const id of ["act-trouble", "pause-error"]) tell($(id), "");
    await followMachines();
    $("machine-said").textContent = said(answer);
    return true;
  } catch (problem) {
    if (problem.status === 401) showWelcome();
    else if (key === fleet.key) {
      $("machine-said").textContent = "";
      tell(trouble, sentence(problem.message));
    }
    return false;
  } finally {
    fleet.acting = false;
    $("machine-acts").setAttribute("aria-busy", "false");
  }
}
