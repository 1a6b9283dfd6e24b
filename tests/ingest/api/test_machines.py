import asyncio
import base64
import json
from dataclasses import replace
from typing import Any, ClassVar

import httpx
import jsonschema
import pytest

from services.ingest.domain.machine import Status
from shared.contracts.machines import MachineChanged
from shared.web.scope import Scope
from tests.ingest.conftest import Ingest

MACHINES = "/api/attendance/machines/"
GATE = {"machine_id": "gate-1", "name": "Main gate", "machine_type": "generic", "location": "Hall A", "department": 3}


async def registered(hr: httpx.AsyncClient, **values: object) -> dict[str, object]:
    answer = await hr.post(MACHINES, json={**GATE, **values})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_machine_is_registered_with_every_field_that_clients_know(hr: httpx.AsyncClient) -> None:
    machine = await registered(hr, ip_address="10.0.0.7", port=4370)
    assert (
        machine.items()
        >= {
            "machine_id": "gate-1",
            "name": "Main gate",
            "machine_type": "generic",
            "ip_address": "10.0.0.7",
            "port": 4370,
            "location": "Hall A",
            "department": 3,
            "department_name": None,
            "status": "active",
            "is_connected": False,
            "last_sync": None,
            "config": {},
            "zone": "Asia/Dhaka",
        }.items()
    )
    assert {"id", "created_at", "updated_at"} <= set(machine)


@pytest.mark.parametrize(
    ("change", "department", "name"),
    [
        ({"department": 2}, 2, None),
        ({"department": 3}, 3, "Cutting"),
        ({"department": 2, "department_name": "Sewing"}, 2, "Sewing"),
        ({"department": "Sewing"}, None, "Sewing"),
        ({"department": None}, None, ""),
        ({"name": "Gate"}, 3, "Cutting"),
    ],
    ids=str,
)
async def test_a_departments_name_is_that_which_was_said_with_it_or_none(
    hr: httpx.AsyncClient, change: dict[str, object], department: int | None, name: str | None
) -> None:
    await registered(hr, department_name="Cutting")
    changed = (await hr.patch(f"{MACHINES}gate-1/", json=change)).json()
    assert (changed["department"], changed["department_name"]) == (department, name)


async def test_a_machine_is_found_by_its_id_and_by_its_code(hr: httpx.AsyncClient) -> None:
    machine = await registered(hr)
    by_id = await hr.get(f"{MACHINES}{machine['id']}/")
    by_code = await hr.get(f"{MACHINES}gate-1/")
    assert by_id.json() == by_code.json() == machine
    missing = await hr.get(f"{MACHINES}99999/")
    assert (missing.status_code, missing.json()["error"]) == (404, "there is no machine '99999'")


async def test_the_document_says_what_the_list_answers(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    await registered(hr)
    document = ingest.service.app.openapi()  # type: ignore[attr-defined]
    answer = document["paths"][MACHINES]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    rows = (await hr.get(MACHINES)).json()
    jsonschema.validate(rows, answer)
    assert set(rows[0]) == set(answer["items"]["properties"]) == set(answer["items"]["required"])


async def test_what_is_one_machines_id_is_never_anothers_code(hr: httpx.AsyncClient) -> None:
    first = await registered(hr)
    following = str(first["id"] + 1)
    numbered = await registered(hr, machine_id=following)
    third = await registered(hr, machine_id="gate-3")
    assert following not in (str(third["id"]), str(first["id"]))
    assert (await hr.get(f"{MACHINES}{following}/")).json() == numbered
    assert (await hr.get(f"{MACHINES}{third['id']}/")).json() == third
    code = {"machine_id": str(third["id"]), "machine_type": "generic"}
    for refused in (await hr.post(MACHINES, json=code), await hr.patch(f"{MACHINES}gate-1/", json=code)):
        assert refused.status_code == 409
        assert "is the id of the machine 'gate-3'" in refused.json()["error"]


async def test_every_change_is_told_with_the_full_state_and_a_rising_version(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    machine = await registered(hr)
    await hr.patch(f"{MACHINES}gate-1/", json={"name": "Gate"})
    await hr.put(f"{MACHINES}gate-1/", json={**machine, "status": "maintenance"})
    await hr.delete(f"{MACHINES}gate-1/")
    await ingest.parts.relay.drain()
    told = ingest.bus.events(MachineChanged)
    assert [event.version.n for event in told] == [1, 2, 3, 4]
    assert [event.name for event in told] == ["Main gate", "Gate", "Main gate", "Main gate"]
    assert [event.status for event in told][2] == "maintenance"
    assert [event.removed for event in told] == [False, False, False, True]
    assert told[0].zone == "Asia/Dhaka"


async def test_a_machine_that_comes_back_is_itself_again(hr: httpx.AsyncClient) -> None:
    machine = await registered(hr, serial="S1")
    await hr.delete(f"{MACHINES}gate-1/")
    assert (await hr.get(f"{MACHINES}gate-1/")).status_code == 404
    again = await registered(hr, serial="S1")
    assert again["id"] == machine["id"]


async def test_what_a_page_does_not_know_stays_when_it_puts_a_whole_record(hr: httpx.AsyncClient) -> None:
    await registered(hr, zone="Asia/Tokyo", installed_on="2020-02-01")
    answer = await hr.put(f"{MACHINES}gate-1/", json={"machine_id": "gate-1", "name": "G", "machine_type": "generic"})
    assert answer.json().items() >= {"zone": "Asia/Tokyo", "installed_on": "2020-02-01", "location": "Hall A"}.items()


class TestSecrets:
    async def test_they_are_never_read_back(self, hr: httpx.AsyncClient) -> None:
        machine = await registered(hr, machine_type="fake", config={"password": "s3cret", "speed": 3})
        assert machine["config"] == {"password": "********", "speed": 3}
        assert "s3cret" not in (await hr.get(MACHINES)).text

    async def test_sent_back_hidden_they_stay(self, hr: httpx.AsyncClient, ingest: Ingest) -> None:
        machine = await registered(hr, machine_type="fake", config={"password": "s3cret"})
        await hr.put(f"{MACHINES}gate-1/", json={**machine, "config": {"password": "********", "speed": 4}})
        (stored,) = await ingest.parts.registry.all()
        assert stored.config == {"password": "s3cret", "speed": 4}

    @pytest.mark.parametrize(
        "change",
        [
            {"ip_address": "10.0.0.9"},
            {"port": 4371},
            {"ip_address": None},
            {"machine_type": "generic"},
            {"ip_address": "10.0.0.9", "config": {"password": "********"}},
        ],
        ids=["address", "port", "no address", "type", "address and hidden"],
    )
    async def test_they_are_not_sent_to_another_address(
        self, hr: httpx.AsyncClient, ingest: Ingest, change: dict[str, Any]
    ) -> None:
        await registered(hr, machine_type="fake", ip_address="10.0.0.7", port=4370, config={"password": "s3cret"})
        for refused in (
            await hr.patch(f"{MACHINES}gate-1/", json=change),
            await hr.post(f"{MACHINES}test/", json={**GATE, "machine_type": "fake", **change}),
        ):
            assert refused.status_code == 400
            assert [error["pointer"] for error in refused.json()["errors"]] == ["config/password"]
        (stored,) = await ingest.parts.registry.all()
        assert (stored.ip_address, stored.port, stored.config) == ("10.0.0.7", 4370, {"password": "s3cret"})

    async def test_said_again_they_go_to_another_address(self, hr: httpx.AsyncClient, ingest: Ingest) -> None:
        await registered(hr, machine_type="fake", ip_address="10.0.0.7", config={"password": "s3cret"})
        change = {"ip_address": "10.0.0.9", "config": {"password": "s3cret"}}
        assert (await hr.patch(f"{MACHINES}gate-1/", json=change)).status_code == 200
        assert (await hr.patch(f"{MACHINES}gate-1/", json={"ip_address": "10.0.0.9"})).status_code == 200

    @pytest.mark.parametrize(
        ("kind", "config", "change"),
        [
            ("fake", {"tls": True}, {}),
            ("hikvision", {"https": True}, {}),
            ("suprema", {}, {"https": False}),
            ("suprema", {}, {"verify": False}),
            ("generic", {"login": {"send": "{password}"}, "connection": {"side": "client"}},
                {"login": {"send": "{password}"}, "connection": {"side": "server", "allow": ["10.0.0.9"]}}),
        ],
    )  # fmt: skip
    async def test_they_are_not_sent_by_a_way_where_others_may_read_them(
        self, hr: httpx.AsyncClient, ingest: Ingest, kind: str, config: dict[str, Any], change: dict[str, Any]
    ) -> None:
        there = {"machine_type": kind, "ip_address": "10.0.0.7", "port": 4370}
        await registered(hr, **there, config={"password": "s3cret", **config})
        hidden = {"config": {"password": "********", **change}}
        for refused in (
            await hr.patch(f"{MACHINES}gate-1/", json=hidden),
            await hr.post(f"{MACHINES}test/", json={**GATE, **there, **hidden}),
        ):
            assert refused.status_code == 400, refused.text
            assert [error["pointer"] for error in refused.json()["errors"]] == ["config/password"]
        (stored,) = await ingest.parts.registry.all()
        assert stored.config == {"password": "s3cret", **config}
        said = await hr.patch(f"{MACHINES}gate-1/", json={"config": {"password": "s3cret", **change}})
        assert said.status_code == 200, said.text

    async def test_what_only_the_machine_shows_stays_wherever_it_is(
        self, hr: httpx.AsyncClient, ingest: Ingest
    ) -> None:
        config = {"push_key": "of-the-machine", "push": True}
        await registered(hr, machine_type="zkteco", ip_address="10.0.0.7", serial="AB12", config=config)
        assert (await hr.patch(f"{MACHINES}gate-1/", json={"ip_address": "10.0.0.9"})).status_code == 200
        (stored,) = await ingest.parts.registry.all()
        assert stored.config == config


class TestPlaces:
    TERMINAL: ClassVar[dict[str, Any]] = {"machine_type": "zkteco", "ip_address": "10.0.0.7"}

    async def test_what_is_no_address_is_refused(self, hr: httpx.AsyncClient) -> None:
        refused = await hr.post(MACHINES, json={**GATE, "ip_address": "http://10.0.0.7"})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "ip_address")
        assert "URL" in refused.json()["error"]

    async def test_two_machines_of_a_type_are_not_at_one_place(self, hr: httpx.AsyncClient) -> None:
        await registered(hr, **self.TERMINAL)
        second = {**GATE, **self.TERMINAL, "machine_id": "gate-2", "port": 4370}  # the port that is meant without one
        for refused in (await hr.post(MACHINES, json=second), await hr.post(f"{MACHINES}test/", json=second)):
            assert refused.status_code == 409, refused.text
            assert "gate-1 is at this address and port" in refused.json()["error"]
        assert (await hr.post(MACHINES, json={**second, "port": 4371})).status_code == 201
        moved = await hr.patch(f"{MACHINES}gate-2/", json={"port": None})
        assert moved.status_code == 409

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ("10.9.9.9", "::ffff:10.9.9.9"),
            ("FE80:0::1", "fe80::1"),
            ("gate.local", "gate.local."),
            ("gate.local", "GATE.local"),
        ],
    )
    async def test_a_place_is_one_however_its_address_is_written(
        self, hr: httpx.AsyncClient, first: str, second: str
    ) -> None:
        await registered(hr, **{**self.TERMINAL, "ip_address": first})
        other = {**GATE, **self.TERMINAL, "machine_id": "gate-2", "ip_address": second}
        refused = await hr.post(MACHINES, json=other)
        assert (refused.status_code, "gate-1 is at this address" in refused.text) == (409, True)

    async def test_an_address_is_kept_in_one_way_and_written_in_another_it_is_no_change(
        self, hr: httpx.AsyncClient
    ) -> None:
        machine = await registered(hr, machine_type="fake", ip_address="2001:DB8:0::7", config={"password": "s3cret"})
        assert machine["ip_address"] == "2001:db8::7"
        same = await hr.patch(f"{MACHINES}gate-1/", json={"ip_address": "2001:db8:0:0::7"})
        assert (same.status_code, same.json()["ip_address"]) == (200, "2001:db8::7")

    async def test_one_that_is_out_of_use_leaves_its_place_to_its_successor(self, hr: httpx.AsyncClient) -> None:
        await registered(hr, **self.TERMINAL, status="inactive")
        await registered(hr, **self.TERMINAL, machine_id="gate-2")
        assert (await hr.patch(f"{MACHINES}gate-1/", json={"name": "Old"})).status_code == 200
        assert (await hr.patch(f"{MACHINES}gate-1/", json={"status": "active"})).status_code == 409

    async def test_what_shared_a_place_before_this_was_looked_at_can_be_changed(
        self, hr: httpx.AsyncClient, ingest: Ingest
    ) -> None:
        await registered(hr, **self.TERMINAL)
        await registered(hr, **self.TERMINAL, machine_id="gate-2", status="inactive")
        async with ingest.parts.registry.work() as work:
            machine = await work.machine("gate-2", Scope.everything())
            assert machine is not None
            await work.save(replace(machine, status=Status.ACTIVE, ip_address="10.0.0.7"))
        assert (await hr.patch(f"{MACHINES}gate-2/", json={"name": "Back"})).status_code == 200

    @pytest.mark.parametrize(
        "values",
        [
            {"machine_type": "generic"},
            {"machine_type": "suprema", "config": {"password": "x", "device_id": "2"}},
            {"machine_type": "generic", "config": {"profile": "mqtt-json", "connection": {"side": "mqtt"},
                "mqtt": {"topic": "gate/2"}}},
        ],
    )  # fmt: skip
    async def test_where_several_can_be_behind_one_address_they_may(
        self, hr: httpx.AsyncClient, values: dict[str, Any]
    ) -> None:
        there = {"ip_address": "10.0.0.7", "port": 443}
        first = {**values, "config": {**values["config"], "device_id": "1"}} if "suprema" in str(values) else values
        await registered(hr, **there, **first)
        await registered(hr, **there, **values, machine_id="gate-2")


class TestConcurrency:
    async def test_a_stale_etag_is_refused_and_nothing_changes(self, hr: httpx.AsyncClient) -> None:
        await registered(hr)
        etag = (await hr.get(f"{MACHINES}gate-1/")).headers["etag"]
        first = await hr.patch(f"{MACHINES}gate-1/", json={"name": "A"}, headers={"If-Match": etag})
        second = await hr.patch(f"{MACHINES}gate-1/", json={"name": "B"}, headers={"If-Match": etag})
        assert (first.status_code, second.status_code) == (200, 412)
        assert (await hr.get(f"{MACHINES}gate-1/")).json()["name"] == "A"

    @pytest.mark.parametrize("etag", ['"another"', "no-quotes", '"99999999999999999999"'])
    async def test_an_etag_that_no_machine_ever_had_is_stale(self, hr: httpx.AsyncClient, etag: str) -> None:
        await registered(hr)
        refused = await hr.patch(f"{MACHINES}gate-1/", json={"name": "A"}, headers={"If-Match": etag})
        assert refused.status_code == 412

    async def test_an_idempotency_key_registers_once(self, hr: httpx.AsyncClient) -> None:
        headers = {"Idempotency-Key": "k1"}
        first = await hr.post(MACHINES, json=GATE, headers=headers)
        second = await hr.post(MACHINES, json=GATE, headers=headers)
        assert (second.status_code, second.json()) == (201, first.json())
        other = await hr.post(MACHINES, json={**GATE, "name": "Other"}, headers=headers)
        assert other.status_code == 422

    async def test_the_same_code_or_serial_twice_is_a_conflict(self, hr: httpx.AsyncClient) -> None:
        await registered(hr, serial="S1")
        assert (await hr.post(MACHINES, json=GATE)).status_code == 409
        same = await hr.post(MACHINES, json={**GATE, "machine_id": "gate-2", "serial": "S1"})
        assert (same.status_code, same.json()["error"]) == (409, "the serial number 'S1' belongs to gate-1")


@pytest.mark.parametrize(
    ("values", "status", "named"),
    [
        ({"machine_type": "teapot"}, 400, "machine_type"),
        ({"zone": "Mars/Olympus"}, 400, "zone"),
        ({"port": 70000}, 400, "port"),
        ({"port": "4370"}, 400, "port"),
        ({"colour": "red"}, 400, "colour"),
        ({"machine_id": "a/b"}, 400, "machine_id"),
        ({"machine_id": ""}, 400, "machine_id"),
        ({"machine_id": "reconciliation"}, 400, "machine_id"),
        ({"status": "asleep"}, 400, "status"),
        ({"machine_type": "simulated", "config": {"people": -1}}, 422, "config/people"),
    ],
)
async def test_a_wrong_value_is_refused_by_name(
    hr: httpx.AsyncClient, values: dict[str, object], status: int, named: str
) -> None:
    answer = await hr.post(MACHINES, json={**GATE, **values})
    assert answer.status_code == status
    assert named in [item["pointer"] for item in answer.json()["errors"]]
    assert named in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("", {**GATE, "machine_id": "a/b"},
            "machine_id: is to have 1 to 100 characters, without a slash, line breaks and the like"),
        ("", {**GATE, "machine_type": "zkteco", "config": {"com_key": 7}},
            "config/com_key: is not known here; is it misspelt? You may mean comm_key."),
        ("gate-1/sync/", {"since": "soon"}, "since: is no date and time, such as 2026-11-22T08:00"),
        ("gate-1/sync/", {"since": "1066-10-14T09:00"}, "since: is to be of a year from 1990 to 2200"),
        ("gate-1/pause/", {"until": 7.5e300}, "until: is no date and time, such as 2026-11-22T08:00"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_as_people_say_it(
    hr: httpx.AsyncClient, path: str, body: dict[str, Any], said: str
) -> None:
    answer = await hr.post(f"{MACHINES}{path}", json=body)
    assert answer.status_code in (400, 422)
    assert answer.json()["error"].endswith(said)


class TestList:
    @pytest.fixture(autouse=True)
    async def _five(self, hr: httpx.AsyncClient) -> None:
        for number, kind in enumerate(["generic", "simulated", "zkteco", "simulated", "generic"], 1):
            department = {"department": number} if number < 4 else {"department_name": "Sewing"}
            await registered(
                hr,
                machine_id=f"m{number}",
                name=f"Machine {6 - number}",
                machine_type=kind,
                department=None,
                location="",
            )
            await hr.patch(f"{MACHINES}m{number}/", json=department)

    async def codes(self, client: httpx.AsyncClient, **parameters: object) -> list[str]:
        answer = await client.get(MACHINES, params=parameters)
        assert answer.status_code == 200, answer.text
        return [machine["machine_id"] for machine in answer.json()]

    async def test_is_a_bare_array_with_the_total_in_a_header(self, hr: httpx.AsyncClient) -> None:
        answer = await hr.get(MACHINES, params={"limit": 2})
        assert [machine["machine_id"] for machine in answer.json()] == ["m1", "m2"]
        assert answer.headers["x-total-count"] == "5"

    @pytest.mark.parametrize("ordering", ["machine_id", "-name", "created_at", "-last_sync", "machine_type"])
    async def test_the_links_lead_through_all_of_it_once(self, hr: httpx.AsyncClient, ordering: str) -> None:
        url, seen = f"{MACHINES}?limit=2&ordering={ordering}", []
        while url:
            answer = await hr.get(url)
            seen += [machine["machine_id"] for machine in answer.json()]
            url = answer.headers["link"].split(">")[0].strip("<") if "link" in answer.headers else ""
        assert sorted(seen) == ["m1", "m2", "m3", "m4", "m5"]

    @pytest.mark.parametrize("place", [[], [1, 1], ["m1", "x"], ["m1", True], [{}, 1], ["m1", 1, 1]])
    async def test_a_cursor_of_ones_own_making_is_refused(self, hr: httpx.AsyncClient, place: list[Any]) -> None:
        made_up = base64.urlsafe_b64encode(json.dumps(["machine_id", False, *place]).encode()).decode()
        answer = await hr.get(MACHINES, params={"cursor": made_up})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "cursor")

    async def test_pages_come_in_the_envelope(self, hr: httpx.AsyncClient) -> None:
        page = (await hr.get(MACHINES, params={"page": 2, "page_size": 2})).json()
        assert (page["count"], [machine["machine_id"] for machine in page["results"]]) == (5, ["m3", "m4"])

    async def test_filters_search_and_ordering(self, hr: httpx.AsyncClient) -> None:
        assert await self.codes(hr, machine_type="simulated") == ["m2", "m4"]
        assert await self.codes(hr, department="sewing") == ["m4", "m5"]
        assert await self.codes(hr, department="2") == ["m2"]
        assert await self.codes(hr, is_connected="true") == []
        assert await self.codes(hr, status="active", search="machine 1") == ["m5"]
        assert await self.codes(hr, ordering="-machine_id", limit=1) == ["m5"]
        assert await self.codes(hr, search="100%") == []

    @pytest.mark.parametrize(
        "parameters",
        [{"colour": "red"}, {"ordering": "config"}, {"status": "x"}, {"is_connected": "maybe"}, {"limit": "0"}],
    )
    async def test_an_unknown_parameter_or_value_is_refused_by_name(
        self, hr: httpx.AsyncClient, parameters: dict[str, str]
    ) -> None:
        answer = await hr.get(MACHINES, params=parameters)
        assert answer.status_code == 400
        assert next(iter(parameters)) in answer.json()["error"]

    async def test_the_scope_of_the_caller_decides_what_is_there(self, ingest: Ingest) -> None:
        async with ingest.client("department_head", units=(1, 3)) as head:
            assert await self.codes(head) == ["m1", "m3"]
            assert (await head.get(f"{MACHINES}m2/")).status_code == 404
        async with ingest.client("employee") as nobody:
            assert await self.codes(nobody) == []


@pytest.mark.parametrize("role", ["department_head", "employee", "trainer", "device"])
async def test_only_hr_changes_machines(ingest: Ingest, hr: httpx.AsyncClient, role: str) -> None:
    await registered(hr)
    async with ingest.client(role, units=(3,)) as client:
        answers = [
            await client.post(MACHINES, json={**GATE, "machine_id": "x"}),
            await client.put(f"{MACHINES}gate-1/", json=GATE),
            await client.patch(f"{MACHINES}gate-1/", json={"name": "x"}),
            await client.delete(f"{MACHINES}gate-1/"),
            await client.post(f"{MACHINES}gate-1/test/"),
            await client.post("/api/attendance/scans/import/?machine=gate-1", content=b""),
        ]
    assert [answer.status_code for answer in answers] == [403] * 6


OPEN = {
    "/metrics",
    "/openapi.json",
    "/iclock/{endpoint:path}",
    "/{push_key}/iclock/{endpoint:path}",
    "/UserServer/user",
    "/hikvision/events/{serial}",
    "/hikvision/events/{serial}/{push_key}",
    "/api/ingest/scans",
}
"""Routes that are in no document and need no token: for operators, and for machines, which have none."""


async def test_what_needs_no_token_is_known_by_name(ingest: Ingest) -> None:
    def paths(routes: list[Any]) -> set[str]:
        found = [{route.path} if hasattr(route, "path") else paths(route.original_router.routes) for route in routes]
        return set().union(*found)

    app: Any = ingest.service.app
    assert paths(app.routes) - set(app.openapi()["paths"]) == OPEN


async def test_without_a_token_every_route_is_closed(ingest: Ingest) -> None:
    async with ingest.client() as client:
        client.headers.pop("authorization")
        paths = ingest.service.app.openapi()["paths"]  # type: ignore[attr-defined]
        for path, methods in paths.items():
            for method in methods:
                some = path.replace("{key}", "1").replace("{number}", "1").replace("{kind}/{serial}", "a/b")
                answer = await client.request(method, some, json={})
                assert answer.status_code == (200 if path.startswith("/health/") else 401), path


class TestTest:
    async def test_each_step_comes_with_its_result_and_time(self, hr: httpx.AsyncClient) -> None:
        await registered(hr, machine_type="simulated")
        answer = (await hr.post(f"{MACHINES}gate-1/test/")).json()
        assert (answer["machine_id"], answer["is_connected"], answer["last_sync"]) == ("gate-1", True, None)
        assert [(step["step"], step["ok"]) for step in answer["steps"]] == [("settings", True), ("today", True)]
        assert answer["steps"][0]["result"] == "40 people"
        assert all(step["ms"] >= 0 for step in answer["steps"])


async def test_of_several_that_are_registered_at_once_at_one_place_one_is(hr: httpx.AsyncClient) -> None:
    body = {"machine_type": "zkteco", "ip_address": "10.9.9.9", "zone": "UTC"}
    answers = await asyncio.gather(*(hr.post(MACHINES, json={**body, "machine_id": f"m{n}"}) for n in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
