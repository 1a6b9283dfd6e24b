"""What is known of a machine's clock, over REST; having it set is in `tests/ingest/test_clocks.py`."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from services.ingest.domain.clock_line import Kind, Measurement
from services.ingest.storage.clock_measurements import PostgresClockMeasurements
from tests.ingest.application.watched import GATE, MACHINES
from tests.ingest.conftest import Ingest

NOW = datetime.now(UTC).replace(microsecond=0)
LOST = -9_000 * 86_400.0


def ago(hours: float, seconds: float, kind: Kind = Kind.MEASURED, by: str = "") -> Measurement:
    return Measurement(at=NOW - timedelta(hours=hours), offset=timedelta(seconds=seconds), kind=kind, by=by)


async def measured(ingest: Ingest, hr: httpx.AsyncClient, *points: Measurement, **more: Any) -> int:
    machine = (await hr.post(MACHINES, json={**GATE, "zone": "Asia/Dhaka", **more})).json()
    if points:
        await PostgresClockMeasurements(ingest.parts.database).keep(machine["id"], points)
    return int(machine["id"])


async def clock(client: httpx.AsyncClient, **params: str) -> dict[str, Any]:
    answer = await client.get(f"{MACHINES}gate/clock/", params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_clock_that_was_never_measured_says_so(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    await measured(ingest, hr)
    found = await clock(hr)
    assert found["sentence"] == "its clock was never measured"
    assert (found["drift_seconds_per_day"], found["since"], found["jumps"], found["measurements"]) == (
        None,
        None,
        [],
        [],
    )


async def test_the_line_the_jumps_and_the_measurements_are_shown(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    drift = [ago(hours, 4 - 2 * hours / 24) for hours in range(48, -1, -1)]
    await measured(ingest, hr, ago(60, LOST), ago(49, LOST), ago(49, LOST, Kind.SET, "anna"), *drift)
    found = await clock(hr)
    assert found["drift_seconds_per_day"] == pytest.approx(2)
    assert "it is 4 s ahead and gains 2.0 s a day; it will be a minute wrong in about 28 days" in found["sentence"]
    assert abs(datetime.fromisoformat(found["minute_wrong_at"]) - NOW - timedelta(days=28)) < timedelta(hours=1)
    assert datetime.fromisoformat(found["since"]) == NOW - timedelta(hours=48)
    (jump,) = found["jumps"]
    assert (jump["by"], jump["set_by_muster"], jump["seconds"]) == ("anna", True, -LOST)
    assert jump["sentence"].startswith("set by Muster for anna on ")
    assert len(found["measurements"]) == 52
    assert [one["by"] for one in found["measurements"] if one["kind"] == "set"] == ["anna"]


async def test_what_held_is_told_by_what_the_machine_showed_and_by_our_time(
    ingest: Ingest, hr: httpx.AsyncClient
) -> None:
    await measured(ingest, hr, ago(60, LOST), ago(49, LOST), ago(48.9, 0), ago(1, 1))
    true = NOW - timedelta(hours=55)
    shown = (true + timedelta(hours=6, seconds=LOST)).replace(tzinfo=None)
    unescaped = true.astimezone(timezone(timedelta(hours=6))).isoformat().replace("+", " ")
    for at in (shown.isoformat(), true.isoformat(), unescaped):
        found = await clock(hr, at=at)
        (held,) = found["held"]
        assert (held["release_with_offset_seconds"], held["proven"]) == (-LOST, True)
        assert datetime.fromisoformat(held["at"]) == true
        assert f'"offset_seconds": {-LOST:.0f}' in found["proof"]
    assert (await clock(hr, at="2015-05-05T05:05:05"))["held"] == []


@pytest.mark.parametrize("at", ["yesterday", "0001-01-01", "9999-12-31T23:59:59Z", "", "2026-13-01T00:00:00"])
async def test_what_is_no_time_is_refused(ingest: Ingest, hr: httpx.AsyncClient, at: str) -> None:
    await measured(ingest, hr, ago(2, 0))
    answer = await hr.get(f"{MACHINES}gate/clock/", params={"at": at})
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (400, ["at"])


async def test_who_may_see_the_machine_may_see_its_clock_and_hr_alone_sets_it(
    ingest: Ingest, hr: httpx.AsyncClient
) -> None:
    await measured(ingest, hr, department=7)
    async with (
        ingest.client("department_head", units=(7,)) as head,
        ingest.client("department_head", units=(8,)) as other,
    ):
        assert (await head.get(f"{MACHINES}gate/clock/")).status_code == 200
        assert (await other.get(f"{MACHINES}gate/clock/")).status_code == 404
        assert (await head.post(f"{MACHINES}gate/clock/")).status_code == 403
    assert (await hr.post(f"{MACHINES}nobody/clock/")).status_code == 404


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "not possible with machines of the type fake"),
        ({"machine_type": "suprema", "ip_address": "127.0.0.1"}, "not possible with machines of the type suprema"),
        ({"machine_type": "zkteco"}, "nobody can be in contact with it"),
        ({"machine_type": "zkteco", "ip_address": "127.0.0.1", "status": "maintenance"}, "it is maintenance"),
        ({"machine_type": "zkteco", "serial": "S1", "config": {"push": True}}, "only where `set_clock` in its config"),
        (
            {"machine_type": "hikvision", "serial": "S1", "config": {"push": True, "push_key": "k"}},
            "it only calls us",
        ),
    ],
)
async def test_why_it_cannot_be_set_is_said(
    ingest: Ingest, hr: httpx.AsyncClient, more: dict[str, Any], why: str
) -> None:
    await measured(ingest, hr, **more)
    answer = await hr.post(f"{MACHINES}gate/clock/")
    assert answer.status_code == 409, answer.text
    assert why in answer.json()["detail"]
    assert why in (await clock(hr))["cannot_be_set"]


async def test_a_paused_machine_is_left_alone(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    await measured(ingest, hr, machine_type="zkteco", ip_address="127.0.0.1")
    assert (await hr.post(f"{MACHINES}gate/pause/")).status_code == 200
    answer = await hr.post(f"{MACHINES}gate/clock/")
    assert (answer.status_code, "paused by anna" in answer.json()["detail"]) == (409, True)


async def test_what_is_long_ago_and_what_is_far_too_much_is_forgotten(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    clocks = PostgresClockMeasurements(ingest.parts.database)
    one = await measured(ingest, hr, *(ago(hours, 0) for hours in range(10)))
    other = await measured(ingest, hr, *(ago(hours, 0) for hours in range(5)), machine_id="other")
    await clocks.forget(before=NOW - timedelta(hours=8, minutes=30))
    assert [len(await clocks.of(each)) for each in (one, other)] == [9, 5]
    await PostgresClockMeasurements(ingest.parts.database, most=5).forget(before=NOW - timedelta(days=1))
    assert [len(await clocks.of(each)) for each in (one, other)] == [5, 5]
    assert min(kept.at for kept in await clocks.of(one)) == NOW - timedelta(hours=4)


async def test_the_same_measurement_is_kept_once(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    id_ = await measured(ingest, hr, ago(1, 0.25), ago(1, 0.25))
    clocks = PostgresClockMeasurements(ingest.parts.database)
    await clocks.keep(id_, [ago(1, 0.25)])
    assert await clocks.of(id_) == [ago(1, 0.25)]
