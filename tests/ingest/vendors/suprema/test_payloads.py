"""Payloads of real servers read as their notes say."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.ingest.domain.reading import Reading, Unreadable
from services.ingest.vendors.suprema.codes import Outcome
from services.ingest.vendors.suprema.documents import document_of
from services.ingest.vendors.suprema.events import event_of, reading_of, told_in
from services.ingest.vendors.suprema.times import stamp_of

pytestmark = pytest.mark.real_data


def payload(real_data: Path) -> dict[str, Any]:
    return json.loads((real_data / "payloads" / "suprema_biostar2.json").read_bytes())


def test_a_message_of_the_socket_is_a_scan_by_face(real_data: Path) -> None:
    event = told_in(document_of(json.dumps(payload(real_data)["ws_event"]).encode()))
    assert event is not None
    made = reading_of(event, zone=ZoneInfo("Asia/Tehran"), meaning="utc", keys={})
    assert isinstance(made, Reading)
    assert (made.badge, made.verify, made.state, made.record_no) == ("5000001", "face", "0", None)
    assert (event.device, event.index) == ("542341360", "642091")


def test_rows_are_a_scan_a_refusal_noise_and_one_of_an_old_server(real_data: Path) -> None:
    events = [event_of(row) for row in payload(real_data)["search_rows"]]
    assert [event.outcome for event in events] == [Outcome.GRANTED, Outcome.DENIED, Outcome.NOBODY, Outcome.UNKNOWN]
    made = [reading_of(event, zone=ZoneInfo("Asia/Riyadh"), meaning="utc", keys={}) for event in events]
    assert [type(one) for one in made] == [Reading, type(None), type(None), Unreadable]
    assert [event.number for event in events] == [399603, 399590, 399588, None]
    assert events[3].user == "1001"


def test_a_row_whose_machine_is_three_hours_ahead_shows_it(real_data: Path) -> None:
    event = event_of(payload(real_data)["search_rows"][0])
    ahead = stamp_of(event.time).utc - stamp_of(event.arrived).utc
    assert timedelta(hours=3) <= ahead < timedelta(hours=3, minutes=1)
