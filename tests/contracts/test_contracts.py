"""What travels between services can be read by those who come before and after."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import jsonschema
import msgspec
import pytest

from shared.contracts.catalogue import BY_TYPE, EVENTS, by_type
from shared.contracts.cloudevents import (
    BATCH_CONTENT_TYPE,
    CONTENT_TYPE,
    UnknownVersion,
    decode,
    decode_each,
    encode,
    encode_batch,
    join_batches,
)
from shared.contracts.event import Event, Version
from shared.contracts.people import PersonChanged
from shared.contracts.scans import ScanReceived
from shared.kernel.errors import Malformed
from tests.contracts.schemas import breaks, schema_of, stored

SAMPLES = Path(__file__).parent / "samples"
NOW = datetime(2024, 1, 15, 8, 0, tzinfo=UTC)

every_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.wire_type)
every_sample = pytest.mark.parametrize("file", sorted(SAMPLES.glob("*.json")), ids=lambda file: file.stem)


def sample(wire_type: str) -> dict[str, Any]:
    return json.loads((SAMPLES / f"{wire_type}.json").read_text("utf-8"))


def raw(*envelopes: dict[str, Any]) -> bytes:
    return json.dumps(list(envelopes) if len(envelopes) > 1 else envelopes[0]).encode()


def batch(*envelopes: Any) -> bytes:
    return json.dumps(list(envelopes)).encode()


def of_type(body: bytes) -> type[Event]:
    return BY_TYPE[json.loads(body)["type"]]


class TestSamples:
    @every_event
    def test_each_event_of_the_catalogue_has_one(self, event):
        assert (SAMPLES / f"{event.wire_type}.json").exists(), "add a sample, as it looks on the wire"

    @every_sample
    def test_each_is_read_by_todays_class(self, file):
        body = file.read_bytes()
        (envelope,) = decode(body, CONTENT_TYPE, of_type(body))
        assert envelope.source == type(envelope.data).source()
        assert envelope.data.subject() == json.loads(body).get("subject")

    @every_sample
    def test_each_is_written_again_without_a_difference(self, file):
        body = file.read_bytes()
        (envelope,) = decode(body, CONTENT_TYPE, of_type(body))
        again = json.loads(encode(envelope.data, id=envelope.id, time=envelope.time))
        old = json.loads(body)
        assert {**again, "data": None} == {**old, "data": None}
        # A member that came after the sample was taken appears with its default.
        assert {name: again["data"][name] for name in old["data"]} == json.loads(
            json.dumps(old["data"]).replace(".412Z", ".412000Z")
        )

    @every_sample
    def test_each_follows_the_published_schema(self, file):
        body = file.read_bytes()
        schema = schema_of(of_type(body))
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(json.loads(body)["data"], schema)

    @every_sample
    def test_members_that_a_reader_does_not_know_are_ignored(self, file):
        envelope = json.loads(file.read_bytes())
        envelope["traceparent"] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        envelope["data"]["of_next_year"] = {"deep": [1, 2, 3]}
        event = BY_TYPE[envelope["type"]]
        (read,) = decode(raw(envelope), CONTENT_TYPE, event)
        assert read.data == decode(file.read_bytes(), CONTENT_TYPE, event)[0].data

    @every_sample
    def test_a_member_that_is_missing_is_named(self, file):
        envelope = json.loads(file.read_bytes())
        needed = schema_of(BY_TYPE[envelope["type"]])["required"][0]
        del envelope["data"][needed]
        with pytest.raises(Malformed, match=needed):
            decode(raw(envelope), CONTENT_TYPE, BY_TYPE[envelope["type"]])


class TestSchemas:
    """They hold what other systems rely on. `python -m tests.contracts.schemas` writes them after an addition."""

    @every_event
    def test_nothing_that_readers_rely_on_has_changed(self, event):
        old = stored(event)
        assert old is not None, "new event: python -m tests.contracts.schemas"
        assert list(breaks(old, schema_of(event))) == []

    @every_event
    def test_the_copy_is_current(self, event):
        assert stored(event) == schema_of(event), "python -m tests.contracts.schemas"

    class Before(Event, frozen=True, kw_only=True):
        wire_type: ClassVar[str] = "a.b.c.v1"
        one: int
        two: str = ""
        version: Version

    def test_a_further_member_that_may_be_absent_is_no_break(self):
        class Now(self.Before, frozen=True, kw_only=True):
            three: int | None = None

        assert list(breaks(schema_of(self.Before), schema_of(Now))) == []

    def test_a_member_removed_is_one(self):
        class Now(Event, frozen=True, kw_only=True):
            one: int
            version: Version

        assert list(breaks(schema_of(self.Before), schema_of(Now))) == ["data.two is gone"]

    def test_a_member_of_another_type_is_one(self):
        class Now(self.Before, frozen=True, kw_only=True):
            one: str

        (problem,) = breaks(schema_of(self.Before), schema_of(Now))
        assert problem == "data.one: type was 'integer' and is 'string'"

    def test_a_further_member_that_must_be_there_is_one(self):
        class Now(self.Before, frozen=True, kw_only=True):
            three: int

        (problem,) = breaks(schema_of(self.Before), schema_of(Now))
        assert problem.startswith("data.three is required now")

    def test_a_member_that_may_now_be_absent_is_one(self):
        class Now(self.Before, frozen=True, kw_only=True):
            one: int = 0

        problems = list(breaks(schema_of(self.Before), schema_of(Now)))
        assert "data.one may be absent now; readers rely on it" in problems

    def test_a_change_inside_a_part_is_one(self):
        class Version(msgspec.Struct, frozen=True, array_like=True):
            epoch: int
            n: str

        class Now(self.Before, frozen=True, kw_only=True):
            version: Version

        (problem,) = breaks(schema_of(self.Before), schema_of(Now))
        assert problem.startswith("Version: prefixItems was")


class TestCatalogue:
    class One(Event, frozen=True, kw_only=True):
        wire_type: ClassVar[str] = "leave.request.approved.v1"

    class Two(Event, frozen=True, kw_only=True):
        wire_type: ClassVar[str] = "leave.request.approved.v1"

    def test_two_events_of_one_type_are_refused(self):
        with pytest.raises(ValueError, match=r"Two and One have the same wire type leave.request.approved.v1"):
            by_type([self.One, self.Two])

    @pytest.mark.parametrize(
        "wire_type", ["", "leave", "leave.request", "leave.request.v", "Leave.request.approved.v1"]
    )
    def test_a_type_without_a_version_is_refused(self, wire_type):
        nameless = type("Nameless", (Event,), {"wire_type": wire_type, "__annotations__": {}})
        with pytest.raises(ValueError, match=r"not of the form service.noun.verb.v1"):
            by_type([nameless])

    def test_a_newer_version_stands_beside_the_older(self):
        class Next(Event, frozen=True, kw_only=True):
            wire_type: ClassVar[str] = "leave.request.approved.v2"

        assert set(by_type([self.One, Next])) == {"leave.request.approved.v1", "leave.request.approved.v2"}


class TestReading:
    def test_an_event_of_an_unknown_version_is_refused_by_name(self):
        newer = sample("ingest.scan.received.v1") | {"type": "ingest.scan.received.v9", "data": {"all": "different"}}
        with pytest.raises(
            UnknownVersion, match=r"'ingest.scan.received.v9' where ingest.scan.received.v1 was expected"
        ):
            decode(raw(newer), CONTENT_TYPE, ScanReceived)

    def test_an_unknown_version_is_refused_even_where_it_looks_the_same(self):
        newer = sample("ingest.scan.received.v1") | {"type": "ingest.scan.received.v2"}
        with pytest.raises(UnknownVersion):
            decode(raw(newer), CONTENT_TYPE, ScanReceived)
        with pytest.raises(UnknownVersion):
            decode(batch(newer), BATCH_CONTENT_TYPE, ScanReceived)

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"type": 7}', b'{"id":"1","data":{}}'],
        ids=["empty", "cut off", "array", "null", "not UTF-8", "nested too deep", "type no text", "no type"],
    )
    def test_what_is_no_event_is_malformed_and_nothing_worse(self, body):
        with pytest.raises(Malformed):
            decode(body, CONTENT_TYPE, ScanReceived)
        with pytest.raises(Malformed):
            decode(body + b" 1", BATCH_CONTENT_TYPE, ScanReceived)

    @pytest.mark.parametrize(
        ("member", "value"),
        [
            ("at", "2024-01-15T08:00:00"),
            ("local_time", "2024-01-15T08:00:00Z"),
            ("scan_id", "7"),
            ("machine_id", "3"),
            ("machine_id", 3.5),
            ("machine_id", True),
            ("quality", "good"),
            ("badge", 42),
            ("badge", None),
        ],
    )
    def test_a_member_of_another_type_is_malformed_and_named(self, member, value):
        event = sample("ingest.scan.received.v1")
        event["data"][member] = value
        with pytest.raises(Malformed, match=member):
            decode(raw(event), CONTENT_TYPE, ScanReceived)

    def test_the_character_that_no_database_holds_is_refused(self):
        event = sample("attendance.person.changed.v1")
        event["data"]["name"] = "a\0b"
        with pytest.raises(Malformed, match=r"U\+0000"):
            decode(raw(event), CONTENT_TYPE, PersonChanged)

    def test_text_that_only_looks_like_that_character_is_not(self):
        event = sample("attendance.person.changed.v1")
        event["data"]["name"] = r"a\u0000b"
        assert decode(raw(event), CONTENT_TYPE, PersonChanged)[0].data.name == r"a\u0000b"

    def test_an_empty_batch_is_no_event(self):
        assert list(decode(b"[]", BATCH_CONTENT_TYPE, ScanReceived)) == []

    def test_zero_and_the_empty_text_are_values(self):
        event = sample("ingest.scan.received.v1")
        event["data"] |= {"badge": "0", "state": "", "machine_id": 0}
        (read,) = decode(raw(event), CONTENT_TYPE, ScanReceived)
        assert (read.data.badge, read.data.state, read.data.machine_id) == ("0", "", 0)


class TestOneBadEventOfABatch:
    def envelopes(self) -> list[dict[str, Any]]:
        return [{**sample("ingest.scan.received.v1"), "id": f"event-{n}"} for n in range(5)]

    @pytest.mark.parametrize(
        ("spoil", "reason"),
        [
            (lambda e: {**e, "type": "ingest.scan.received.v7"}, "v7"),
            (lambda e: {**e, "data": {}}, "scan_id"),
            (lambda e: {**e, "data": {**e["data"], "badge": "\0"}}, "U+0000"),
            (lambda e: {**e, "time": "yesterday"}, "time"),
        ],
        ids=["unknown version", "empty data", "U+0000", "no time"],
    )
    def test_it_comes_back_alone_with_its_id_and_the_reason(self, spoil, reason):
        envelopes = self.envelopes()
        envelopes[2] = spoil(envelopes[2])
        body = batch(*envelopes)
        with pytest.raises(Malformed):
            decode(body, BATCH_CONTENT_TYPE, ScanReceived)
        good, bad = decode_each(body, BATCH_CONTENT_TYPE, ScanReceived)
        assert [envelope.id for envelope in good] == ["event-0", "event-1", "event-3", "event-4"]
        ((part, its_id, why),) = bad
        assert (json.loads(part), its_id) == (envelopes[2], "event-2")
        assert reason in why

    def test_something_that_is_no_object_at_all_comes_back_without_an_id(self):
        good, bad = decode_each(batch(self.envelopes()[0], 7), BATCH_CONTENT_TYPE, ScanReceived)
        assert len(good) == 1
        assert [(part, its_id) for part, its_id, _ in bad] == [(b"7", "")]

    @pytest.mark.parametrize("body", [b"", b"not json", b"{}", b"[1,", b"[" * 100_000])
    def test_a_body_that_is_no_batch_comes_back_whole(self, body):
        good, bad = decode_each(body, BATCH_CONTENT_TYPE, ScanReceived)
        assert good == []
        ((part, its_id, _),) = bad
        assert (part, its_id) == (body, "")

    def test_a_bad_single_event_comes_back_alone(self):
        spoilt = {**sample("ingest.scan.received.v1"), "data": None}
        good, bad = decode_each(raw(spoilt), CONTENT_TYPE, ScanReceived)
        assert good == []
        assert [its_id for _, its_id, _ in bad] == [spoilt["id"]]


def test_a_batch_is_read_as_it_was_written():
    (envelope,) = decode(raw(sample("ingest.scan.received.v1")), CONTENT_TYPE, ScanReceived)
    body = encode_batch(((f"e{n}", envelope.data) for n in range(500)), time=NOW)
    read = decode(body, BATCH_CONTENT_TYPE, ScanReceived)
    assert [one.id for one in read] == [f"e{n}" for n in range(500)]
    assert {one.time for one in read} == {NOW}
    assert all(one.data == envelope.data for one in read)
    assert {one["specversion"] for one in json.loads(body)} == {"1.0"}


def test_batches_are_joined_in_their_order():
    (envelope,) = decode(raw(sample("ingest.scan.received.v1")), CONTENT_TYPE, ScanReceived)
    bodies = [encode_batch(((f"{batch}.{n}", envelope.data) for n in range(batch)), time=NOW) for batch in (2, 0, 1, 3)]
    read = decode(join_batches(bodies), BATCH_CONTENT_TYPE, ScanReceived)
    assert [one.id for one in read] == ["2.0", "2.1", "1.0", "3.0", "3.1", "3.2"]
    assert list(decode(join_batches([b"[]", b"[]"]), BATCH_CONTENT_TYPE, ScanReceived)) == []


def test_a_version_of_a_later_epoch_is_newer_whatever_its_number():
    assert Version(epoch=2, n=1) > Version(epoch=1, n=999)
    assert Version(epoch=1, n=10) > Version(epoch=1, n=9)
