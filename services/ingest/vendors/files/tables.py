"""The rows of a table, CSV or a sheet of a workbook, to readings.

It is read twice: first to find out what is in its columns and what all of its dates say together about the order of
day and month, then for its scans.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import islice
from typing import Any, Final

from services.ingest.application.file_form import FileForm
from services.ingest.domain.reading import Reading, ScanType, Unreadable
from services.ingest.vendors.files.cells import NotReadable, badge_of, shown
from services.ingest.vendors.files.columns import Column, Columns, Layout, pairs
from services.ingest.vendors.files.dates import Order, Written, together, words, written
from services.ingest.vendors.files.delimited import Row
from services.ingest.vendors.files.said_dates import Ordered, Pattern
from services.ingest.vendors.files.said_dates import said as said_order
from services.ingest.vendors.files.states import type_of
from shared.kernel.errors import Malformed

HEADER_WITHIN: Final = 50
"""Rows among which the header is looked for."""
_NO_DAY: Final = 1905
"""A time alone is kept by spreadsheets as one of a day about 1900."""
_NOTHING: Final = "-–—:. "
"""Programs write `--:--` where there was no scan."""

Rows = Callable[[], Iterator[Row]]
"""The rows, from the first one on, each time anew."""
_Evidence = tuple[int, str, frozenset[Order]]
"""A row, a date in it, and the orders in which there is such a date."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, with what was found out about it."""

    rows: Rows
    layout: Layout
    header_at: int
    """The number of the header row; 0 without one."""
    dates: Ordered | Pattern
    date_format: str | None
    states: Mapping[str, str]
    zone: tzinfo

    @property
    def recognised(self) -> dict[str, Any]:
        """For people: what is read from where, and how."""
        columns: dict[str, list[str]] = {}
        for column in self.layout.columns:
            columns.setdefault(column.kind, []).append(column.name)
        return {
            "columns": {kind: ", ".join(names) for kind, names in columns.items()},
            "ignored": list(self.layout.ignored),
            "header_line": self.header_at or None,
            "date_format": self.date_format,
        }

    def readings(self) -> Iterator[Reading | Unreadable]:
        """Its scans, row by row."""
        for row in self.rows():
            if row.number > self.header_at:
                yield from self._read(row)

    def _read(self, row: Row) -> Iterator[Reading | Unreadable]:
        if row.broken:
            yield _unreadable(row, row.broken)
            return
        if _is_header(self.layout, row) or not any(cell.strip() for cell in row.cells):
            return
        cells = {column: _cell(row.cells, column.place) for column in self.layout.columns}
        badge = _only(cells, self.layout, "badge")
        filled = [column for column in _punches(self.layout) if cells[column].strip(_NOTHING)]
        if not filled:
            # Somebody who did not come that day has a row too, where in and out are columns.
            if not badge or not self.layout.of("in") + self.layout.of("out"):
                yield _unreadable(row, "no time" if badge else "no badge and no time")
            return
        try:
            badge = badge_of(badge)
            day = self._day(cells)
        except NotReadable as reason:
            yield _unreadable(row, str(reason))
            return
        yield from self._punched(row, badge, day, cells, filled)

    def _punched(
        self, row: Row, badge: str, day: Written | None, cells: Mapping[Column, str], filled: Sequence[Column]
    ) -> Iterator[Reading | Unreadable]:
        before: datetime | None = None
        rolled = False
        lost = ""
        """The in or out that cannot be read: with it nobody can say whether the next times alone are past midnight."""
        for column in filled:
            try:
                local, offset, text, alone = self._moment(cells[column], day)
            except NotReadable as reason:
                yield _unreadable(row, f"{column.name}: {reason}" if len(filled) > 1 else str(reason))
                lost = lost or (column.name if column.kind != "time" else "")
                continue
            if alone and lost and column.kind != "time":
                why = f"{shown(cells[column])} may be of this day or the next, as {lost} cannot be read"
                yield _unreadable(row, f"{column.name}: {why}")
                continue
            if alone and before is not None and local < before and (rolled or column.kind == "out"):
                local, rolled = local + timedelta(days=1), True  # out in the morning after the night
            before = local if column.kind != "time" else None
            said = column.kind.upper() if column.kind != "time" else _only(cells, self.layout, "state")
            state = self.states.get(said.casefold(), said)
            kind = type_of(said)
            yield Reading(
                badge=badge,
                device_time=text,
                local_time=local,
                offset=offset,
                state=state,
                type=kind if kind is not ScanType.UNKNOWN else type_of(state),
                verify=_only(cells, self.layout, "verify") or None,
                work_code=_only(cells, self.layout, "work_code") or None,
                raw={column.name: cell for column, cell in cells.items() if cell},
                position=row.number,
            )

    def _day(self, cells: Mapping[Column, str]) -> Written | None:
        text = _only(cells, self.layout, "date")
        return self.dates.written(text) if text else None

    def _moment(self, text: str, day: Written | None) -> tuple[datetime, timedelta | None, str, bool]:
        """The wall time, its offset, its text, and whether the cell was a time alone."""
        own = self.dates.written(text)
        if own.time is None:
            raise NotReadable(f"no time: {shown(text)}")
        alone = not own.dates or (day is not None and own.date(None)[0] < _NO_DAY)
        if alone and day is None:
            raise NotReadable(f"no date: {shown(text)}")
        from_day = alone and day is not None
        date = day.date(None) if from_day and day is not None else own.date(None)
        shown_text = f"{day.text} {text}" if from_day and day is not None else text
        return *together(shown_text, date, own.time, own.offset, self.zone), shown_text, alone


def opened(rows: Rows, form: FileForm, zone: tzinfo, *, unit: str = "line") -> Table:
    """Find out what a table is. Reads all of it once. `unit` is what its rows are called.

    Raises:
        Malformed: it names no badge and time, or its dates can be read in more than one way.
    """
    columns, order = Columns(form.columns), said_order(form.date_format, form.day_first)
    states = {name.casefold(): state for name, state in pairs(form.states or "", parameter="states")}
    layout, at = _found(columns, list(islice(rows(), HEADER_WITHIN)), unit)
    if states and not layout.of("state") + layout.of("in") + layout.of("out"):
        detail = f"no column is a state; those that are not read: {', '.join(layout.ignored) or 'none'}"
        raise Malformed(f"states: {detail}", fields={"states": detail})
    if isinstance(order, Pattern):
        return Table(rows, layout, at, order, order.pattern, states, zone)
    found = order or _surveyed(rows, layout, at, unit)
    return Table(rows, layout, at, Ordered(found), found.value if found else None, states, zone)


def header_of(columns: Columns, head: Sequence[Row]) -> tuple[Layout, int] | None:
    """The header among these rows, and the number of its row."""
    for place, row in enumerate(head):
        below = [later.cells for later in head[place + 1 :]]
        if not row.broken and (layout := columns.layout(row.cells, below)):
            return layout, row.number
    return None


def _found(columns: Columns, head: Sequence[Row], unit: str) -> tuple[Layout, int]:
    if not head:
        raise Malformed("the file is empty")
    if columns.by_number:
        layout = columns.numbered()
        return layout, _titles(layout, head)
    if found := header_of(columns, head):
        return found
    for row in head:
        if lacking := columns.lacking(row.cells):
            raise Malformed(f"{unit} {row.number} {lacking}", fields={"columns": "not found"})
    shown_rows = max(head, key=lambda row: len([cell for cell in row.cells if cell.strip()]))
    seen = ", ".join(repr(cell.strip()) for cell in shown_rows.cells[:20] if cell.strip())
    what = (
        "has all of the columns that are named, and a badge and a time"
        if columns.said
        else ("names a badge and a time")
    )
    raise Malformed(
        f"no row among the first {HEADER_WITHIN} {what}; {unit} {shown_rows.number} has {seen or 'nothing'}."
        " Say what is where, by name or by number: columns=badge=1,time=2,state=3",
        fields={"columns": "not found"},
    )


def _titles(layout: Layout, head: Sequence[Row]) -> int:
    """The last of the rows at the top that have no time where there is one: titles, and a header."""
    last = 0
    for row in head:
        if any(character.isdigit() for column in _punches(layout) for character in _cell(row.cells, column.place)):
            break
        last = row.number
    return last


def _surveyed(rows: Rows, layout: Layout, header_at: int, unit: str) -> Order | None:
    """The order that reads all dates; None where no date depends on it.

    Raises:
        Malformed: there are several such orders, or none.
    """
    possible = frozenset(Order)
    narrowed: list[_Evidence] = []
    columns = (*_punches(layout), *layout.of("date"))
    for row in rows():
        if row.number <= header_at:
            continue
        for column in columns:
            text = _cell(row.cells, column.place)
            try:
                date = written(text)
            except NotReadable:
                continue
            orders = frozenset(date.dates)
            if not orders or date.certain or (narrowed and possible <= orders):
                continue
            narrowed.append((row.number, text, orders))
            if not possible & orders:
                raise _against(narrowed, unit)
            possible &= orders
    if len(possible) > 1 and narrowed:
        raise _unclear(narrowed[0], possible, unit)
    return next(iter(possible)) if narrowed else None


def _unclear(first: _Evidence, possible: frozenset[Order], unit: str) -> Malformed:
    number, text, _ = first
    dates = {order: written(text).dates[order] for order in Order if order in possible}
    meanings = " or ".join(
        f"{year:04}-{month:02}-{day:02} ({words(order)})" for order, (year, month, day) in dates.items()
    )
    say = " or ".join(f"date_format={order}" for order in dates)
    return Malformed(
        f"{shown(text)} in {unit} {number} may be {meanings}, and no other date of the file says which: say {say}",
        fields={"date_format": "needed, as the file does not show it"},
    )


def _against(narrowed: Sequence[_Evidence], unit: str) -> Malformed:
    number, text, orders = narrowed[-1]
    other = next(each for each in narrowed if not each[2] & orders or each is narrowed[-2])
    return Malformed(
        f"{shown(other[1])} in {unit} {other[0]} can only be {_or(other[2])}, and {shown(text)} in {unit} {number} only"
        f" {_or(orders)}: say date_format, and what does not fit it is kept as unreadable",
        fields={"date_format": "needed, as the file contradicts itself"},
    )


def _or(orders: frozenset[Order]) -> str:
    return " or ".join(words(order) for order in Order if order in orders)


def _punches(layout: Layout) -> tuple[Column, ...]:
    return tuple(column for column in layout.columns if column.kind in ("time", "in", "out"))


def _is_header(layout: Layout, row: Row) -> bool:
    """A header that is printed on every page."""
    return bool(layout.header) and all(
        _cell(row.cells, column.place) == column.name.strip() for column in layout.columns
    )


def _only(cells: Mapping[Column, str], layout: Layout, kind: str) -> str:
    found = layout.of(kind)
    return cells[found[0]] if found else ""


def _cell(cells: Sequence[str], place: int) -> str:
    """The text of a cell, without what spreadsheets put around a text that they are not to touch: `="007"`, `'007`."""
    cell = cells[place].strip() if place < len(cells) else ""
    if cell.startswith('="') and cell.endswith('"') and len(cell) > 2:
        cell = cell[2:-1].strip()
    return cell.removeprefix("'")


def _unreadable(row: Row, reason: str) -> Unreadable:
    return Unreadable(reason=reason, raw=row.raw.encode("utf-8", errors="replace"), position=row.number)
