"""Every error that leaves a route is a problem with the right status and a sentence in `error`."""

import pytest

from shared.kernel import errors
from shared.web.problems import STATUS

CATEGORIES = [
    ("Invalid", 422),
    ("Malformed", 400),
    ("Denied", 403),
    ("Unauthenticated", 401),
    ("NotFound", 404),
    ("Conflict", 409),
    ("Stale", 412),
    ("Unavailable", 503),
    ("TooMany", 429),
]


def test_every_category_has_a_status():
    every = {one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.MusterError)}
    assert set(STATUS) == every - {errors.MusterError}
    assert {kind.__name__: status for kind, status in STATUS.items()} == dict(CATEGORIES)


@pytest.mark.parametrize(("name", "status"), CATEGORIES)
async def test_a_category_becomes_its_status_and_a_problem(client, name, status):
    response = await client.get(f"/raise/{name}")
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (body["status"], body["detail"], body["error"]) == (status, *["what is wrong, in a sentence"] * 2)
    assert body["errors"] == [{"pointer": "month", "detail": "13 is not a month"}]
    assert {"type", "title"} <= set(body)
    assert body["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize(("name", "header"), [("Unavailable", "5"), ("TooMany", "5")])
async def test_what_is_worth_trying_again_says_when(client, name, header):
    assert (await client.get(f"/raise/{name}")).headers["retry-after"] == header


@pytest.mark.parametrize(("seconds", "header"), [(0, "1"), (0.2, "1"), (1.01, "2"), (90, "90")])
async def test_a_fraction_of_a_second_is_rounded_up_and_never_zero(client, seconds, header):
    assert (await client.get(f"/raise-later/{seconds}")).headers["retry-after"] == header


async def test_nobody_is_told_how_to_identify(client):
    assert (await client.get("/raise/Unauthenticated")).headers["www-authenticate"] == "Bearer"


async def test_a_bug_is_a_500_that_tells_nothing_but_the_request_id(client):
    response = await client.get("/raise/bug", headers={"x-request-id": "find-me"})
    assert response.status_code == 500
    assert "hunter2" not in response.text
    assert "division" not in response.text
    assert response.json()["error"] == "something went wrong inside Muster; the log has the details"
    assert response.json()["request_id"] == "find-me"


async def test_an_error_of_ours_that_is_more_special_takes_the_nearest_category(client):
    class DayLocked(errors.Conflict):
        pass

    from shared.web.problems import status_of

    assert status_of(DayLocked("x")) == 409


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/nowhere", 404, "there is nothing at /nowhere"),
        ("DELETE", "/bookings", 405, "DELETE is not possible at /bookings"),
    ],
)
async def test_an_address_or_a_method_that_does_not_exist_is_a_problem(client, method, path, status, said):
    response = await client.request(method, path)
    assert (response.status_code, response.json()["error"]) == (status, said)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{", "body: is no JSON"),
        (b"", "body: is missing: this needs a body of JSON"),
        (b"[]", "body: is to be an object"),
        (b'{"name": "x"}', "days: is missing"),
        (b'{"name": "x", "days": "many"}', "days: is to be a whole number"),
        (b'{"name": 7, "days": 7}', "name: is to be text"),
        (b'{"name": "\\ud800", "days": 7}', "surrogate"),
        (b"\xff\xfe", "JSON"),
    ],
)
async def test_a_body_that_cannot_be_read_is_malformed_and_says_where(client, body, named):
    response = await client.post("/bookings", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert named in response.json()["error"]


async def test_a_part_of_the_address_that_cannot_be_read_is_named(client):
    response = await client.get("/raise-later/soon")
    assert (response.status_code, response.json()["error"]) == (400, "seconds: is to be a number")


@pytest.mark.parametrize("path", ["/raise/a%00b", "/items/?search=%00", "/items/?search=a%00"])
async def test_the_character_that_no_database_holds_is_refused_at_the_door(client, path):
    response = await client.get(path)
    assert (response.status_code, "U+0000" in response.json()["error"]) == (400, True)
