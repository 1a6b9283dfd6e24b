"""Lists: bare arrays with cursors, envelopes with pages, and nothing that a caller misspelt is ignored."""

import base64
import json
import re
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from shared.web.lists import json_response


async def test_a_list_is_a_bare_array_with_its_total(client):
    response = await client.get("/items/")
    assert [item["id"] for item in response.json()] == list(range(45, 35, -1))
    assert response.headers["x-total-count"] == "45"
    assert "x-total-count-exact" not in response.headers


@pytest.mark.parametrize("ordering", ["id", "-id", "name", "-name"])
@pytest.mark.parametrize("limit", [1, 7, 45, 100])
async def test_following_the_links_gives_everything_once_and_in_order(client, ordering, limit):
    url, seen, requests = f"/items/?limit={limit}&ordering={ordering}", [], 0
    while url:
        response = await client.get(url)
        seen += [item["id"] for item in response.json()]
        link = re.fullmatch(r'<([^>]+)>; rel="next"', response.headers.get("link", ""))
        url = link and link[1]
        requests += 1
    assert seen == (list(range(1, 46)) if ordering[0] != "-" else list(range(45, 0, -1)))
    assert requests == -(-45 // limit)


async def test_a_link_keeps_the_other_parameters_and_is_relative(client):
    response = await client.get("/items/?search=item&limit=2&ordering=name")
    assert re.match(r"</items/\?search=item&limit=2&ordering=name&cursor=[\w-]+>", response.headers["link"])


async def test_behind_a_gateway_a_link_leads_through_it(client):
    response = await client.get("/items/", headers={"x-forwarded-prefix": "/api/things"})
    assert response.headers["link"].startswith("</api/things/items/?")


async def test_with_a_page_it_is_an_envelope(client):
    first = (await client.get("/items/?page=1")).json()
    assert (first["count"], len(first["results"]), first["previous"]) == (45, 20, None)
    second = (await client.get(first["next"])).json()
    assert [item["id"] for item in second["results"]] == list(range(25, 5, -1))
    third = (await client.get(second["next"])).json()
    assert (len(third["results"]), third["next"]) == (5, None)
    assert (await client.get(third["previous"])).json() == second


async def test_a_page_beyond_the_last_is_empty(client):
    body = (await client.get("/items/?page=99&page_size=100")).json()
    assert (body["count"], body["results"], body["next"]) == (45, [], None)


async def test_a_search_for_blanks_is_no_search(client):
    assert (await client.get("/items/?search=%20%20")).headers["x-total-count"] == "45"
    assert (await client.get("/items/?search=item%2001")).headers["x-total-count"] == "1"


def cursor(value) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("statsu=active", "statsu"),
        ("status=active&status=away", "status"),
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=1.5", "limit"),
        ("limit=10001", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("limit=²", "limit"),
        ("page=0", "page"),
        ("page=x", "page"),
        ("page=" + "9" * 18, "page"),
        ("page=1&page_size=101", "page_size"),
        ("page=1&page_size=0", "page_size"),
        ("ordering=colour", "ordering"),
        ("ordering=--id", "ordering"),
        ("ordering=-", "ordering"),
        ("cursor=", "cursor"),
        ("cursor=!!!", "cursor"),
        ("cursor=é", "cursor"),
        ("cursor=" + cursor(7), "cursor"),
        ("cursor=" + cursor([]), "cursor"),
        ("cursor=" + cursor({"a": 1}), "cursor"),
        ("cursor=" + cursor(["name", False, "item 07"]), "cursor"),
        ("cursor=" + cursor(["id", False, 7]), "cursor"),
        ("cursor=" + base64.urlsafe_b64encode(b"[" * 30_000).decode(), "cursor"),
        ("cursor=" + cursor(["id", True]), "cursor"),
        ("cursor=" + cursor(["id", True, 7, 7]), "cursor"),
        ("cursor=" + cursor(["id", True, "7"]), "cursor"),
        ("cursor=" + cursor(["id", True, True]), "cursor"),
        ("cursor=" + cursor(["id", True, None]), "cursor"),
        ("cursor=" + cursor(["id", True, float("inf")]), "cursor"),
    ],
    ids=lambda text: text[:40],
)
async def test_a_parameter_that_is_unknown_or_cannot_be_read_is_a_400_that_names_it(client, query, named):
    response = await client.get(f"/items/?{query}")
    assert response.status_code == 400
    assert [item["pointer"] for item in response.json()["errors"]] == [named]
    assert named in response.json()["error"]


async def test_an_unknown_parameter_is_told_what_is_possible(client):
    said = (await client.get("/items/?colour=red")).json()["error"]
    assert said == (
        "unknown parameter colour; possible are cursor, limit, ordering, page, page_size, search and status"
    )


def test_json_holds_what_our_values_are_made_of():
    value = {"at": datetime(2024, 1, 15, 8, tzinfo=UTC), "on": date(2024, 1, 15), "id": UUID(int=1), "hours": 8.5}
    assert bytes(json_response(value).body) == (
        b'{"at":"2024-01-15T08:00:00Z","on":"2024-01-15","id":"00000000-0000-0000-0000-000000000001","hours":8.5}'
    )
