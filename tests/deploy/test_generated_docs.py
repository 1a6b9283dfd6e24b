"""The generated documents are right, and current."""

import json
from typing import Any

import jsonschema
import pytest
import yaml

from deploy.docs import DOCUMENTS, SAMPLES, main, stale, write
from shared.contracts.catalogue import EVENTS

EVENTS_FILE = "docs/events.asyncapi.yaml"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return yaml.safe_load(DOCUMENTS[EVENTS_FILE]())


def at(document: Any, reference: str) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [reference for inner in value.values() for reference in references(inner)]
    return [reference for inner in value for reference in references(inner)] if isinstance(value, list) else []


def test_the_documents_in_the_repository_are_current():
    assert stale() == {}


def test_a_document_that_is_not_current_fails_the_check_and_is_named(tmp_path, capsys):
    write(tmp_path)
    assert main(["--check"], root=tmp_path) == 0
    file = tmp_path / EVENTS_FILE
    file.write_text(file.read_text("utf-8").replace("badge", "card"), "utf-8")
    assert EVENTS_FILE in stale(tmp_path)
    assert main(["--check"], root=tmp_path) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"{EVENTS_FILE} is not what the code says; run `make docs`")
    assert said.out == ""


def test_a_document_that_is_missing_is_stale(tmp_path):
    assert set(stale(tmp_path)) == set(DOCUMENTS)


def test_every_event_has_a_channel_on_its_routing_key_and_a_message_alone_and_in_batches(document):
    assert set(document["channels"]) == {event.wire_type for event in EVENTS}
    for event in EVENTS:
        channel = document["channels"][event.wire_type]
        assert channel["address"] == event.wire_type
        assert channel["bindings"]["amqp"]["exchange"]["name"] == "muster.events"
        kinds = {at(document, message["$ref"])["contentType"] for message in channel["messages"].values()}
        assert kinds == {"application/cloudevents+json", "application/cloudevents-batch+json"}


def test_every_reference_leads_somewhere(document):
    found = references(document)
    assert len(found) > 4 * len(EVENTS)
    for reference in found:
        assert at(document, reference)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.wire_type)
def test_the_payload_schemas_accept_the_sample_alone_and_in_a_batch_and_no_other_event(document, event):
    sample = json.loads((SAMPLES / f"{event.wire_type}.json").read_text("utf-8"))
    for name, payload in ((event.__name__, sample), (f"{event.__name__}Batch", [sample, sample])):
        schema = {**document["components"]["messages"][name]["payload"], "components": document["components"]}
        validator = jsonschema.Draft7Validator(schema)
        validator.check_schema(schema)
        validator.validate(payload)
        assert not validator.is_valid({**sample, "type": "some.other.event.v1"})
        assert not validator.is_valid([])


def test_what_stands_below_a_member_in_the_code_describes_it_in_the_document(document):
    person = document["components"]["schemas"]["PersonChanged"]["properties"]
    assert person["code"]["description"] == 'The company\'s own code, "EMP001".'
    assert document["components"]["schemas"]["ScanReceived"]["properties"]["scan_id"]["description"].startswith(
        "Made of"
    )


def test_what_an_event_is_that_nobody_keeps_says_so(document):
    assert "It reaches who listens at that moment" in document["channels"]["ingest.machine.connected.v1"]["description"]
    assert "It reaches who listens at that moment" not in document["channels"]["ingest.scan.received.v1"]["description"]


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    return json.loads(DOCUMENTS["docs/openapi.json"]())


class TestApi:
    def test_it_shows_every_service_and_misses_none(self, api):
        assert "x-missing" not in api["info"]
        for path in (
            "/api/auth/token/",
            "/api/attendance/machines/",
            "/api/attendance/timesheet/",
            "/api/leave/status/",
            "/api/reports/status/",
        ):
            assert path in api["paths"]

    def test_every_reference_leads_somewhere(self, api):
        for reference in references(api):
            assert at(api, reference)

    def test_every_operation_says_what_it_is(self, api):
        for path, operations in api["paths"].items():
            for method, operation in operations.items():
                assert operation.get("summary"), f"{method} {path}"

    def test_what_the_environment_says_changes_nothing(self, api, monkeypatch):
        monkeypatch.setenv("MUSTER_TIMEZONE", "Asia/Dhaka")
        monkeypatch.setenv("MUSTER_ORIGINS", "https://hr.example.com")
        monkeypatch.setenv("MUSTER_DATABASE_URL", "postgresql://other@127.0.0.1:1/other")
        assert json.loads(DOCUMENTS["docs/openapi.json"]()) == api
