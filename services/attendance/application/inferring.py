"""Days of people whose shifts their scans decide, because nobody said them (see decision 23).

What shift a date has follows from the scans that may be of it, of the date before or of the date after; its window
follows from the shifts of these three dates. So a scan has a say in the windows of three dates to both sides, and in no
others: whoever computes a day for a new scan computes those, too, and all of them from everything that is stored.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from services.attendance.application.directory import Directory
from services.attendance.application.holders import Assignment, Claim, Holder, PersonDay, SiteWithoutZone
from services.attendance.application.plans import Planning
from services.attendance.application.rulebook import Rulebook
from services.attendance.domain.clocks import instant
from services.attendance.domain.corrections import Correction, as_said
from services.attendance.domain.explain_inference import inference_as_data, inference_in_words
from services.attendance.domain.frame import Frame
from services.attendance.domain.inference import Beside, Candidate, Inferred, candidates, infer
from services.attendance.domain.scans import Scan
from services.attendance.domain.shift import EARLIEST_START, LATEST_END, Shift
from services.attendance.domain.window import Slot, frame_of, without_shift

Placed = tuple[Frame, Assignment]
Spans = Mapping[PersonDay, tuple[int, int, Sequence[Claim]]]

ONE_DAY = timedelta(days=1)
STEPS = (-3, -2, -1, 0, 1, 2, 3)
"""The dates around a scan's that it has a say in."""


class Evidence(Protocol):
    """What is read of the dates around."""

    async def scans_of(self, spans: Spans) -> dict[PersonDay, list[Scan]]:
        """All countable scans of each key: its window in seconds since 1970, and the badges that were the person's."""

    async def corrections_around(self, spans: Mapping[PersonDay, tuple[int, int]]) -> dict[PersonDay, list[Correction]]:
        """The corrections in force of each key that has any, by its window; nothing is written."""


@dataclass(slots=True, kw_only=True)
class Inferring:
    """What the scans of one person say of their dates."""

    planning: Planning
    holder: Holder
    zone: Callable[[int], str]
    """Of a site."""
    scans: dict[date, Sequence[Scan]]
    """Those that may be of a date, whatever shift it has; of two dates before and after each that is asked for, too."""
    corrections: dict[date, Sequence[Correction]]
    _slots: dict[tuple[date, date | None], Slot] = field(default_factory=dict)

    def placed(self, day: date) -> Placed | None:
        """The frame of a date, and the assignment; None where the person has no days."""
        at = _place(self.holder, day, self.zone)
        if at is None:
            return None
        place, zone = at
        before, own, after = (self._slot(day + timedelta(days=step), place) for step in (-1, 0, 1))
        # How sure the neighbours are is no fact of this date, and frames are remembered by their slots.
        slots = (before._replace(confidence=None), own, after._replace(confidence=None))
        frame = frame_of(day, zone, own.settings, slots)
        if own.confidence is not None and not self._seen(day, frame):
            frame = without_shift(frame, own.settings)
        return frame, place

    def known_of(self, day: date, frame: Frame) -> bool:
        """Whether the date has a scan or a correction in this window."""
        corrected = self.corrections.get(day, ())
        return self._seen(day, frame) or any(each.at is None for each in corrected)

    def sentences(self, day: date) -> list[str]:
        """Why the date has its shift; nothing where scans do not decide it."""
        return [] if (facts := self._facts(day)) is None else list(inference_in_words(*facts))

    def data(self, day: date) -> dict[str, object] | None:
        """The same as data."""
        return None if (facts := self._facts(day)) is None else inference_as_data(*facts)

    def _facts(self, day: date) -> tuple[Inferred, Sequence[Candidate], date, str] | None:
        at = _place(self.holder, day, self.zone)
        shifts = () if at is None else self.planning.choices(self.holder, day, at[0])
        if at is None or not shifts:
            return None
        place, zone = at
        asked = (self._evidence(day), day, zone, shifts, self._beside(day, place))
        return infer(*asked), candidates(*asked), day, zone

    def _slot(self, day: date, fallback: Assignment) -> Slot:
        key = (day, fallback.span.since)  # where the person was nowhere, it is as in the place beside
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = self._found(day, fallback)
        return slot

    def _found(self, day: date, fallback: Assignment) -> Slot:
        at = _place(self.holder, day, self.zone)
        place = fallback if at is None else at[0]
        said = self.planning.slot(self.holder, day, place)
        shifts = self.planning.choices(self.holder, day, place)
        if at is None or not shifts:
            return said
        return infer(self._evidence(day), day, at[1], shifts, self._beside(day, place)).slot(said.settings)

    def _evidence(self, day: date) -> Sequence[Scan]:
        around = (day - ONE_DAY, day, day + ONE_DAY)
        scans = [scan for one in around for scan in self.scans.get(one, ())]
        corrections = {each.id: each for one in around for each in self.corrections.get(one, ())}
        return as_said(scans, corrections.values())

    def _beside(self, day: date, fallback: Assignment) -> Beside:
        return self._may_have(day - ONE_DAY, fallback), self._may_have(day + ONE_DAY, fallback)

    def _may_have(self, day: date, fallback: Assignment) -> Sequence[Shift]:
        """The shift that somebody said or, where nobody did, those to choose from."""
        place = self.holder.assignment_on(day) or fallback
        slot = self.planning.slot(self.holder, day, place)
        if slot.shift is not None:
            return (slot.shift,)
        return self.planning.choices(self.holder, day, place)

    def _seen(self, day: date, frame: Frame) -> bool:
        moments = [scan.at for scan in self.scans.get(day, ())]
        moments += [each.at for each in self.corrections.get(day, ()) if each.at is not None]
        return any(frame.start <= at < frame.end for at in moments)


async def inferring(
    reading: Evidence,
    planning: Planning,
    zone: Callable[[int], str],
    asked: Mapping[int, tuple[Holder, Iterable[date]]],
) -> dict[int, Inferring]:
    """What scans say of these dates of these people, by their ids; one statement reads all scans."""
    spans: dict[PersonDay, tuple[int, int, Sequence[Claim]]] = {}
    for person_id, (holder, dates) in asked.items():
        for day in sorted({one + timedelta(days=step) for one in dates for step in (-2, -1, 0, 1, 2)}):
            if (at := _place(holder, day, zone)) is not None:
                tz = ZoneInfo(at[1])
                widest = (instant(day, EARLIEST_START, tz), instant(day, LATEST_END, tz))
                spans[PersonDay(day, person_id)] = (*widest, holder.claims_on(day))
    scans = await reading.scans_of(spans) if spans else {}
    windows = {key: (start, end) for key, (start, end, _) in spans.items()}
    corrections = await reading.corrections_around(windows) if spans else {}
    people = {
        person_id: Inferring(planning=planning, holder=holder, zone=zone, scans={}, corrections={})
        for person_id, (holder, _) in asked.items()
    }
    for key in spans:
        people[key.person_id].scans[key.date] = scans[key]
        people[key.person_id].corrections[key.date] = corrections.get(key, ())
    return people


def _place(holder: Holder, day: date, zone: Callable[[int], str]) -> tuple[Assignment, str] | None:
    """Where the person was, and its zone. A site without one has no days yet: once it has, all are computed."""
    place = holder.assignment_on(day)
    try:
        return None if place is None else (place, zone(place.site_id))
    except SiteWithoutZone:
        return None


async def frame_of_day(
    reading: Evidence, rules: Rulebook, holder: Holder, place: Assignment, day: date
) -> tuple[Frame, Inferring | None]:
    """The frame of one day of somebody who was there, and what scans say of it where they may decide."""
    planning = rules.people.planning
    if not planning.may_infer(holder):
        return rules.frame_for(holder.person_id, place.site_id, day), None
    found = (await inferring(reading, planning, rules.zone, {holder.person_id: (holder, [day])}))[holder.person_id]
    placed = found.placed(day)
    return (rules.frame_for(holder.person_id, place.site_id, day) if placed is None else placed[0]), found


async def placed_by_scans(
    reading: Evidence, directory: Directory, keys: Iterable[PersonDay]
) -> dict[PersonDay, tuple[Placed, bool]]:
    """The place of each of these days, and whether anything is known of it; without those of who belonged nowhere."""
    dates: dict[int, list[date]] = {}
    for key in keys:
        dates.setdefault(key.person_id, []).append(key.date)
    asked = {person_id: (directory.people[person_id], its) for person_id, its in dates.items()}
    people = await inferring(reading, directory.planning, directory.zone, asked)
    found: dict[PersonDay, tuple[Placed, bool]] = {}
    for person_id, its in dates.items():
        for day in its:
            place = people[person_id].placed(day)
            if place is not None:
                found[PersonDay(day, person_id)] = place, people[person_id].known_of(day, place[0])
    return found
