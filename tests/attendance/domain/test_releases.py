"""When a released scan counts, and how that is said."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.attendance.domain.explain import explain
from services.attendance.domain.releases import AS_SAID, Correction, Moment, Quarantined, Release, moment_of
from shared.kernel.errors import Invalid
from tests.attendance.domain.build import frame, scan

NOW = datetime(2024, 7, 15, 12, tzinfo=UTC)


def quarantined(local: str, zone: str = "Europe/Berlin") -> Quarantined:
    """A scan at a wall-clock time of a zone."""
    local_at = datetime.fromisoformat(local)
    at = local_at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return Quarantined(UUID(int=1), local_at, at, "1", "IN", 1, zone)


def moment(correction: Correction, local: str = "2000-01-01 00:27:05") -> Moment:
    return moment_of(quarantined(local), correction, now=NOW)


@pytest.mark.parametrize(
    ("correction", "wall_time", "at"),
    [
        pytest.param(
            Correction(at=datetime.fromisoformat("2024-07-15T08:00:07.9+06:00")),
            "2024-07-15 04:00:07",
            "2024-07-15T02:00:07Z",
            id="an instant, to the second",
        ),
        pytest.param(
            Correction(local_time=datetime(2024, 7, 15, 8)),
            "2024-07-15 08:00:00",
            "2024-07-15T06:00:00Z",
            id="the wall clock in summer",
        ),
        pytest.param(
            Correction(local_time=datetime(2024, 1, 15, 8)),
            "2024-01-15 08:00:00",
            "2024-01-15T07:00:00Z",
            id="the wall clock in winter",
        ),
        pytest.param(
            Correction(local_time=datetime(2023, 10, 29, 2, 30)),
            "2023-10-29 02:30:00",
            "2023-10-29T00:30:00Z",
            id="of an hour that comes twice the first",
        ),
        pytest.param(
            Correction(offset=datetime(2024, 7, 15, 8) - datetime(2000, 1, 1)),
            "2024-07-15 08:27:05",
            "2024-07-15T06:27:05Z",
            id="an offset moves the wall clock, so winter and summer do not matter",
        ),
    ],
)
def test_a_correction_says_when_a_scan_was(correction: Correction, wall_time: str, at: str) -> None:
    assert moment(correction) == (datetime.fromisoformat(at), datetime.fromisoformat(wall_time))


def test_without_a_correction_a_scan_was_when_the_machine_said() -> None:
    assert moment(AS_SAID, "2024-07-15 18:00:00.5") == (
        datetime(2024, 7, 15, 16, tzinfo=UTC),
        datetime(2024, 7, 15, 18),
    )


@pytest.mark.parametrize(
    ("correction", "why"),
    [
        pytest.param(AS_SAID, "at: 1999-12-31 23:27:05 lies before 2001; say when the scan really was", id="as said"),
        pytest.param(
            Correction(local_time=datetime(2024, 3, 31, 2, 30)),
            "local_time: 2024-03-31 02:30:00 does not exist in Europe/Berlin: the clocks skipped it",
            id="an hour that was skipped",
        ),
        pytest.param(Correction(at=NOW + timedelta(days=1, seconds=1)), "at: 2024-07-16 12:00:01 lies in", id="future"),
        pytest.param(Correction(local_time=datetime(2024, 7, 16, 15)), "local_time: 2024-07-16 15:00:00", id="its day"),
        pytest.param(Correction(offset=timedelta(days=1)), "offset_seconds: 2000-01-02 00:27:05 lies", id="too little"),
        pytest.param(Correction(offset=timedelta(days=-800_000)), "offset_seconds: leads from 2000", id="out of years"),
        pytest.param(Correction(at=datetime.max.replace(tzinfo=UTC)), "at: 9999-12-31", id="the last second"),
        pytest.param(Correction(local_time=datetime(1, 1, 1)), "local_time: 0001-01-01", id="the first second"),
    ],
)
def test_a_time_that_cannot_be_is_refused_by_name(correction: Correction, why: str) -> None:
    with pytest.raises(Invalid) as refused:
        moment(correction)
    assert refused.value.message.startswith(why)


def test_the_account_of_a_scan_says_who_released_it_from_when_and_why() -> None:
    def ruling(id_: UUID, said: datetime, meant: datetime) -> Release:
        return Release(id_, "1", said, meant.astimezone(UTC), meant, "a flat battery", 2, "hana", NOW, 1)

    morning, noon, evening = scan("08:00"), scan("12:00"), scan("18:00 future")
    at_eight, at_noon = datetime(2024, 1, 15, 8), datetime(2024, 1, 15, 12)
    releases = {
        morning.id: ruling(morning.id, datetime(2000, 1, 1, 0, 27, 5), at_eight),
        noon.id: ruling(noon.id, at_noon, at_noon),
        evening.id: ruling(evening.id, datetime(2024, 1, 15, 18), datetime(2024, 1, 14, 18)),
    }

    accounts = explain([morning, noon, evening], frame(), releases=releases).accounts

    assert [account.why.partition("; ")[2] for account in accounts] == [
        "corrected by hana from 2000-01-01 00:27:05, which the machine said (reason: a flat battery)",
        "released by hana at the time that the machine said (reason: a flat battery)",
        "corrected by hana to 2024-01-14 18:00:00, where it counts (reason: a flat battery)",
    ]
