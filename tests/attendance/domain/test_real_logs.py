"""Real punch logs: nothing is lost, nothing is impossible, and the order of arrival does not matter."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5
from zoneinfo import ZoneInfo

import pytest

from services.attendance.domain.boundary import by_business_date
from services.attendance.domain.day import Day, Flag, work_day
from services.attendance.domain.explain import explain
from services.attendance.domain.frame import Frame
from services.attendance.domain.inference import infer
from services.attendance.domain.scans import Quality, Scan, ScanType
from services.attendance.domain.settings import DEFAULTS, Resolver, settings_from
from services.attendance.domain.window import Slot, date_at, frame_of
from tests.attendance.domain.build import a_shift

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

ROTATING: Final = ("zk_in_rotating_2015_1_attlog.dat", "Asia/Kolkata")
OFFICE_ID: Final = ("zk_id_office_2017_2018_1_attlog.dat", "Asia/Jakarta")
OFFICE_CN: Final = ("zk_office_cn_2018_2021_attlog.dat", "Asia/Shanghai")
PADDED: Final = ("zk_office_cn_trailing_nul_2_attlog.dat", "Asia/Shanghai")
GLOG: Final = ("glog_tiny_ampm_2015_AGL_001.TXT", "Asia/Dhaka")
LOGS: Final = (ROTATING, OFFICE_ID, OFFICE_CN, PADDED, GLOG)

_TYPES: Final = {"0": ScanType.IN, "1": ScanType.OUT, "4": ScanType.OVERTIME_IN}

Log = tuple[str, str]
Evidence = Mapping[str, Mapping[UUID, Scan]]
Days = dict[tuple[str, date], Day]


@cache
def evidence(folder: Path, log: Log) -> Evidence:
    """The scans of each badge by their ids; what has no readable time is left out."""
    name, zone = log
    scans: dict[str, dict[UUID, Scan]] = defaultdict(dict)
    for badge, text, state in _glog(folder / "punches" / name) if log == GLOG else _attlog(folder / "punches" / name):
        try:
            wall = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
        except ValueError:
            continue
        id_ = uuid5(NAMESPACE_OID, f"{badge}|{text}|{state}")
        quality = Quality.OK if wall.year > 2010 else Quality.IMPLAUSIBLE_PAST
        scans[badge.strip()][id_] = Scan(
            int(wall.timestamp()), id_, _TYPES.get(state, ScanType.UNKNOWN), quality=quality
        )
    return scans


def _attlog(file: Path) -> Iterator[tuple[str, str, str]]:
    for line in file.read_text().rstrip("\0").splitlines():
        badge, text, _, state, *_ = line.split("\t")
        yield badge, text, state


def _glog(file: Path) -> Iterator[tuple[str, str, str]]:
    """Twelve hours, the day first, and words for keys, of which these lines have none."""
    for line in file.read_text().splitlines()[1:]:
        badge, moment = line.split("\t")[2], line.split("\t")[-1].strip()
        yield badge, datetime.strptime(moment, "%d-%m-%Y  %I:%M:%S%p").isoformat(sep=" "), ""


def days_of(scans: Mapping[str, Iterable[Scan]], zone: str, resolver: Resolver = Resolver.FIRST_LAST) -> Days:
    rules = settings_from({"resolver": resolver})
    return {
        (badge, on): work_day(its_scans, frame_of(on, zone, rules))
        for badge, all_scans in scans.items()
        for on, its_scans in by_business_date(all_scans, zone, rules.day_boundary).items()
    }


def values(stored: Evidence) -> dict[str, list[Scan]]:
    return {badge: list(scans.values()) for badge, scans in stored.items()}


@cache
def days(folder: Path, log: Log, resolver: Resolver = Resolver.FIRST_LAST) -> Days:
    """The days of a whole log without any schedule."""
    return days_of(values(evidence(folder, log)), log[1], resolver)


@pytest.mark.parametrize("resolver", Resolver)
@pytest.mark.parametrize(
    ("log", "stored", "quarantined"),
    [(ROTATING, 5_567, 0), (OFFICE_ID, 4_506, 0), (OFFICE_CN, 44_334, 8), (PADDED, 183, 0), (GLOG, 7, 0)],
)
def test_every_stored_scan_is_used_merged_quarantined_or_of_an_unknown_badge(
    real_data: Path, log: Log, stored: int, quarantined: int, resolver: Resolver
) -> None:
    scans = evidence(real_data, log)
    # Every tenth badge is nobody's yet.
    unknown = {badge for number, badge in enumerate(sorted(scans)) if number % 10 == 9}
    every = days(real_data, log, resolver)
    ids = [_ids(day) for (badge, _), day in every.items() if badge not in unknown]
    used, merged, aside = (sum(map(len, kind)) for kind in zip(*ids, strict=True))
    assert used + merged + aside + sum(len(scans[badge]) for badge in unknown) == stored
    assert len({id_ for its in ids for kind in its for id_ in kind}) == used + merged + aside
    assert sum(len(day.quarantined) for day in every.values()) == quarantined


@pytest.mark.parametrize("resolver", Resolver)
@pytest.mark.parametrize("log", LOGS)
def test_no_figure_is_impossible_and_long_spans_are_flagged(real_data: Path, log: Log, resolver: Resolver) -> None:
    for (_, on), day in days(real_data, log, resolver).items():
        are_possible(day, on, 24 * 60)


def are_possible(day: Day, on: date, window: int) -> None:
    """No figure of the day is negative or more than its window has minutes."""
    figures = (day.working, day.overtime, day.extra_overtime, day.late, day.early_departure, day.shortfall)
    assert all(0 <= figure <= window for figure in figures), (on, day)
    assert day.overtime + day.extra_overtime <= day.working
    arrival, departure = day.first_arrival, day.last_departure
    span = departure - arrival if arrival is not None and departure is not None else 0
    assert day.working <= max(span, 0)
    assert (Flag.LONG_SPAN in day.flags) == (span > 14 * 60)
    if len(day.used) == 1:
        assert day.working == 0


def test_the_rotating_log_has_76_spans_to_review(real_data: Path) -> None:
    found = days(real_data, ROTATING)
    assert len(found) == 2_357
    assert sum(Flag.LONG_SPAN in day.flags for day in found.values()) == 76


# Found by looking at when people of the rotating log come and go; nobody has written them down.
FOUND_SHIFTS: Final = (
    a_shift("09:00-18:00", name="General"),
    a_shift("07:00-19:00", name="Day", breaks=[]),
    a_shift("19:00-07:00", name="Night", breaks=[]),
    a_shift("11:00-20:00", name="Late"),
    a_shift("08:30-17:00", name="Early"),
    a_shift("07:00-16:00", name="Morning"),
)


def inferred_days(scans: Mapping[str, list[Scan]], zone: str) -> dict[tuple[str, date], tuple[Day, Frame]]:
    """Each day with its frame, by the shifts that the scans of each badge fit."""
    days = {}
    for badge, its in scans.items():

        @cache
        def slot_on(on: date, its: Iterable[Scan] = tuple(its)) -> Slot:
            return infer(its, on, zone, FOUND_SHIFTS).slot(DEFAULTS)

        under: dict[date, list[Scan]] = defaultdict(list)
        for scan in its:
            under[date_at(scan.instant, zone, slot_on)].append(scan)
        for on, day_scans in under.items():
            slots = (slot_on(on - timedelta(days=1)), slot_on(on), slot_on(on + timedelta(days=1)))
            frame = frame_of(on, zone, DEFAULTS, slots)
            days[badge, on] = (work_day(day_scans, frame), frame)
    return days


@cache
def inferred(folder: Path) -> dict[tuple[str, date], tuple[Day, Frame]]:
    """The days of the rotating log by the shifts that it shows."""
    return inferred_days(values(evidence(folder, ROTATING)), ROTATING[1])


def test_with_inferred_shifts_fourteen_spans_of_the_rotating_log_stay_to_be_reviewed(real_data: Path) -> None:
    days = inferred(real_data)
    assert sum(len(day.used) + len(day.merged) + len(day.quarantined) for day, _ in days.values()) == 5_567
    assert sum(frame.confidence is not None for _, frame in days.values()) == 1_658
    stay = [(day, frame) for day, frame in days.values() if Flag.LONG_SPAN in day.flags]
    assert len(stay) == 14
    # Ten are nights that are sure, and in their windows stands a departure of the night before, which is not. On the
    # other four dates people scan from early morning to the evening.
    after_a_night = [frame for day, frame in stay if frame.shift is not None and frame.shift.name == "Night"]
    assert len(after_a_night) == 10
    # A single scan late in a shift is a departure now; what has neither is as often unknown as before.
    assert sum(Flag.MISSING_CHECK_IN in day.flags for day, _ in days.values()) == 3
    assert sum(Flag.MISSING_CHECK_OUT in day.flags for day, _ in days.values()) == 251


def shuffled_and_twice(scans: Mapping[str, list[Scan]]) -> dict[str, list[Scan]]:
    """The same scans, each delivered twice, in no order."""
    chance = random.Random(2015)
    return {badge: chance.sample(its * 2, len(its) * 2) for badge, its in scans.items()}


@pytest.mark.parametrize("resolver", [Resolver.FIRST_LAST, Resolver.ALTERNATE])
@pytest.mark.parametrize("log", LOGS)
def test_neither_the_order_of_arrival_nor_double_delivery_changes_a_day(
    real_data: Path, log: Log, resolver: Resolver
) -> None:
    scans = shuffled_and_twice(values(evidence(real_data, log)))
    assert days_of(scans, log[1], resolver) == days(real_data, log, resolver)


@pytest.mark.parametrize("resolver", Resolver)
def test_every_real_day_can_be_explained_and_the_explanation_is_the_day(real_data: Path, resolver: Resolver) -> None:
    name, zone = OFFICE_CN
    rules = settings_from({"resolver": resolver})
    for badge, scans in list(values(evidence(real_data, (name, zone))).items())[:20]:
        for on, its_scans in by_business_date(scans, zone, DEFAULTS.day_boundary).items():
            frame = frame_of(on, zone, rules)
            result = explain(its_scans, frame)
            assert result.day == work_day(its_scans, frame), (badge, on)
            assert len(result.accounts) == len(its_scans)


def _ids(day: Day) -> tuple[tuple[UUID, ...], tuple[UUID, ...], tuple[UUID, ...]]:
    return day.used, day.merged, day.quarantined
