"""The muster list on paper and as a table: black and white, names that can be read from afar, a box for each."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from html import escape
from itertools import groupby
from zoneinfo import ZoneInfo

from fastapi.responses import HTMLResponse, Response

from services.attendance.application.presence import MachineFreshness, PresentPerson, WhoIsIn, aged
from services.attendance.domain.presence import WORDS, Whereabouts
from shared.files.cells import as_text
from shared.kernel.errors import Unavailable, sentence
from shared.web.problems import respond

NO_DEPARTMENT = "No department"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def groups(found: WhoIsIn) -> list[tuple[str | None, list[PresentPerson]]]:
    """Who has to be called: all that are in and all that may be, by department and name."""
    called = [each for each in found.people if each.presence.where is not Whereabouts.OUT]
    return [(name, list(people)) for name, people in groupby(called, key=lambda each: each.facts.department)]


def table(found: WhoIsIn) -> Response:
    """The list as CSV, with a mark at its beginning by which spreadsheets know UTF-8."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(_COLUMNS)
    for department, people in groups(found):
        for each in people:
            facts = each.facts
            cells = [
                department or "",
                facts.code,
                facts.name,
                each.presence.where.value,
                each.since.isoformat(timespec="seconds") if each.since else "",
                each.presence.how.value,
                facts.machine or "",
                facts.phone or "",
                found.at.isoformat(timespec="seconds"),
            ]
            rows.writerow(map(as_text, cells))
    name = f"muster-{_local(found.at, found):%Y-%m-%d-%H%M}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def page(found: WhoIsIn) -> Response:
    """The list as a page of A4."""
    at = _local(found.at, found)
    called = groups(found)
    total = found.counts.present + found.counts.unknown
    body = [
        f"<h1>Muster list: {escape(found.place)}</h1>",
        f"<p class=when>{at:%A, %d %B %Y}, <b>{at:%H:%M:%S}</b> ({escape(found.zone)})</p>",
        f"<p class=sum><b>{total}</b> to find: {found.counts.present} in, {found.counts.unknown} perhaps in. "
        f"{found.counts.out} are out or were not seen.</p>",
    ]
    if found.trouble:
        body.append(f"<p class=warn>The newest scans may be missing: {escape(found.trouble)}.</p>")
    if behind := [m for m in found.machines if m.status == "active" and m.reports_by_itself and not m.is_connected]:
        names = sentence([escape(machine.name) for machine in behind])
        body.append(f"<p class=warn>Not in contact, so that scans may be missing: {names}; see below.</p>")
    for department, people in called:
        body.append(_group(department or NO_DEPARTMENT, people, at))
    if not called:
        body.append("<p class=sum>Nobody is known to be in.</p>")
    if found.strangers:
        body.append(_strangers(found))
    body.append(_machines(found))
    body.append("<p class=sign>Called by: <span></span> Time: <span></span> All found: <i></i></p>")
    return _html(f"Muster list {at:%Y-%m-%d %H:%M}", "".join(body), 200)


def unavailable(error: Unavailable) -> Response:
    """The page where no list can be made: what is known instead."""
    body = f"<h1>No muster list now</h1><p class=warn>{escape(error.message)}.</p><p>Use the last one on paper.</p>"
    retry = respond(error).headers["Retry-After"]
    return _html("No muster list now", body, 503, {"Retry-After": retry})


_COLUMNS = ("department", "employee_id", "name", "state", "since", "known_by", "machine", "phone", "list_made_at")


def _group(name: str, people: Sequence[PresentPerson], at: datetime) -> str:
    rows = "".join(_row(each, at) for each in people)
    head = f"<tr><th colspan=4>{escape(name)} ({len(people)})</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _row(each: PresentPerson, at: datetime) -> str:
    facts = each.facts
    perhaps = each.presence.where is Whereabouts.UNKNOWN
    seen = "" if each.since is None else f"{each.since:%H:%M}"
    if each.since is not None and each.since.date() != at.date():
        seen = f"{each.since:%d %b, %H:%M}"
    where = facts.machine_name or facts.machine or ""
    phone = f"<br>{escape(facts.phone)}" if facts.phone else ""
    return (
        f"<tr><td class=box><i></i></td><td class=name>{escape(facts.name)}{' <b>?</b>' if perhaps else ''}</td>"
        f"<td class=code>{escape(facts.code)}{phone}</td>"
        f"<td>{seen} {escape(where)}<br>{'perhaps in: ' if perhaps else ''}{escape(WORDS[each.presence.how])}</td></tr>"
    )


def _strangers(found: WhoIsIn) -> str:
    rows = "".join(
        f"<tr><td class=box><i></i></td><td class=name>{escape(badge)}</td><td class=code></td>"
        f"<td>{_local(last_at, found):%H:%M} {escape(machine or '')}</td></tr>"
        for badge, last_at, machine in found.strangers
    )
    head = f"<tr><th colspan=4>Badges that nobody holds, seen today ({len(found.strangers)})</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _machines(found: WhoIsIn) -> str:
    rows = "".join(
        f"<tr><td>{escape(m.name)} ({escape(m.code)})</td><td>{_freshness(m, found)}</td></tr>" for m in found.machines
    )
    head = "<tr><th colspan=2>How far the machines' scans are known</th></tr>"
    none = "<tr><td colspan=2>There is no machine here.</td></tr>"
    return f"<table class=small><thead>{head}</thead><tbody>{rows or none}</tbody></table>"


def _freshness(machine: MachineFreshness, found: WhoIsIn) -> str:
    contact = "in contact" if machine.is_connected else "NOT in contact"
    if machine.status != "active":
        contact = f"{contact}, {escape(machine.status)}"
    if machine.reported_until is None:
        return f"{contact}; how far is not known"
    until = _local(machine.reported_until, found)
    return f"{contact}; all scans to {until:%d %b %H:%M:%S}, {aged(found.at - machine.reported_until)} ago"


def _local(moment: datetime, found: WhoIsIn) -> datetime:
    return moment.astimezone(ZoneInfo(found.zone))


def _html(title: str, body: str, status: int, headers: dict[str, str] | None = None) -> Response:
    document = (
        f'<!doctype html><html lang=en><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>{body}</body></html>"
    )
    all_headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store", **(headers or {})}
    return HTMLResponse(document, status, all_headers)


_STYLE = """
@page { size: A4; margin: 12mm; @bottom-right { content: "page " counter(page) " of " counter(pages) } }
body { color: #000; background: #fff; font: 11pt/1.25 sans-serif; margin: 0 auto; max-width: 186mm }
h1 { font-size: 22pt; margin: 0 }
p { margin: 1mm 0 }
.when { font-size: 14pt }
.sum { font-size: 13pt }
.warn { border: 1mm solid #000; padding: 2mm; font-size: 14pt; font-weight: bold }
table { width: 100%; border-collapse: collapse; margin-top: 4mm }
thead { display: table-header-group }
tr { break-inside: avoid }
th { text-align: left; font-size: 14pt; border-bottom: 0.6mm solid #000; padding: 1mm 0 }
td { border-bottom: 0.2mm solid #000; padding: 1mm 2mm 1mm 0; vertical-align: middle; font-size: 9pt }
.box { width: 9mm }
i { display: inline-block; width: 6mm; height: 6mm; border: 0.5mm solid #000; vertical-align: middle }
.name { font-size: 17pt; font-weight: bold; overflow-wrap: anywhere }
.code { width: 32mm; font-size: 11pt }
td:last-child { width: 52mm }
.small td { width: auto }
.sign { margin-top: 10mm; font-size: 12pt }
.sign span { display: inline-block; width: 45mm; border-bottom: 0.3mm solid #000 }
@media screen { body { padding: 4mm } }
@media screen and (max-width: 600px) {
  h1 { font-size: 17pt; overflow-wrap: anywhere }
  table, thead, tbody, th { display: block }
  tr { display: grid; grid-template-columns: 10mm 1fr; align-items: center; border-bottom: 0.2mm solid #000 }
  thead tr, .small tr { display: block }
  thead tr { border: 0 }
  td, .code, td:last-child { display: block; width: auto; border: 0; padding: 0.5mm 0; font-size: 11pt }
  .box { grid-row: 1 / span 3; align-self: start; padding-top: 2mm }
  .code:empty { display: none }
  td ~ td { grid-column: 2 }
  .name { font-size: 15pt }
  .small td { padding: 1mm 0 0; font-size: 10pt }
  .sign span { display: block; margin: 6mm 0 3mm; width: auto }
}
"""
