"""Signing in, staying signed in and signing out: over HTTP, on PostgreSQL."""

import asyncio
import base64
import time
from datetime import timedelta
from statistics import median
from typing import Any

import pytest

from services.gateway.application.passwords import Passwords
from services.gateway.application.users import Users
from services.gateway.storage.accounts import PostgresStore
from services.gateway.wiring import HISTORY, ensure_administrator
from shared.contracts.cloudevents import CONTENT_TYPE, decode
from shared.contracts.users import UserChanged
from shared.kernel.errors import Invalid
from shared.storage.database import Database
from shared.storage.migrations import drift
from tests.gateway.fakes import NOON, PASSWORD, Gateway, TurnableClock, person, quick_passwords, until


def bearer(granted: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {granted['access']}"}


@pytest.mark.parametrize("path", ["/api/auth/token/", "/api/auth/login/", "/api/auth/token"])
async def test_signing_in_answers_with_tokens_and_sets_cookies_that_scripts_cannot_read(
    gateway: Gateway, path: str
) -> None:
    answer = await gateway.http.post(path, json={"username": "Admin ", "password": PASSWORD})
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"access", "refresh", "user"}
    assert body["user"]["username"] == "admin"
    assert body["user"]["roles"] == ["super_admin"]
    assert answer.headers["cache-control"] == "no-store"
    cookies = sorted(answer.headers.get_list("set-cookie"))
    assert cookies[0].startswith(f"muster_access={body['access']};")
    assert cookies[1].startswith(f"muster_refresh={body['refresh']};")
    assert all("HttpOnly" in cookie for cookie in cookies)
    assert "SameSite=lax" in cookies[0]
    assert "SameSite=strict" in cookies[1]
    assert "Path=/api/auth/" in cookies[1]


async def test_the_user_is_shown_with_the_person_that_they_are(gateway: Gateway) -> None:
    await gateway.bus.tell(person(7), time=NOON)
    await gateway.user("ole", "employee", person=7)

    async def told() -> bool:
        return (await gateway.sign_in("ole"))["user"]["employee_id"] == "EMP007"

    await until(told)
    user = (await gateway.http.get("/api/auth/me/", headers=await gateway.bearer("ole"))).json()
    assert user["employee_name"] == "Ole Hansen"
    assert user["role"] == "employee"


@pytest.mark.parametrize(
    ("username", "password"),
    [("admin", "wrong password"), ("nobody", PASSWORD), ("", ""), ("admin", PASSWORD + " "), ("a\x00b", PASSWORD)],
)
async def test_what_is_wrong_is_not_said(gateway: Gateway, username: str, password: str) -> None:
    answer = await gateway.http.post("/api/auth/token/", json={"username": username, "password": password})
    assert answer.status_code == 401
    assert answer.json()["error"] == "username or password is wrong"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"username": 1, "password": 2}', b"\xff", b'{"username":'])
async def test_what_cannot_be_read_is_malformed(gateway: Gateway, body: bytes) -> None:
    answer = await gateway.http.post("/api/auth/token/", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_too_many_failures_are_told_to_wait_and_nobody_else_is(gateway: Gateway) -> None:
    wrong = {"username": "admin", "password": "wrong password"}
    answers = [await gateway.http.post("/api/auth/token/", json=wrong) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 300
    await gateway.user("hr", "hr")
    await gateway.sign_in("hr")
    gateway.clock.turn(timedelta(minutes=6))
    await gateway.sign_in()


async def test_an_unknown_user_takes_as_long_as_a_wrong_password() -> None:
    hashed = Passwords()
    await hashed.prepare()
    own = await hashed.hash(PASSWORD)

    async def takes(password_hash: str | None) -> float:
        started = time.perf_counter()
        await hashed.verify("wrong password", password_hash)
        return time.perf_counter() - started

    known, unknown = [], []
    for _ in range(5):
        known.append(await takes(own))
        unknown.append(await takes(None))
    assert 0.5 < median(unknown) / median(known) < 2


async def test_a_refresh_token_is_good_once_and_its_second_use_ends_the_session(gateway: Gateway) -> None:
    first = await gateway.sign_in()
    second = await refreshed(gateway, first["refresh"])
    third = await refreshed(gateway, second["refresh"])
    assert len({first["refresh"], second["refresh"], third["refresh"]}) == 3
    stolen = await gateway.http.post("/api/auth/token/refresh/", json={"refresh": first["refresh"]})
    assert stolen.status_code == 401
    for token in (second["refresh"], third["refresh"]):
        answer = await gateway.http.post("/api/auth/token/refresh/", json={"refresh": token})
        assert answer.status_code == 401
    await until_status(gateway, third, 401)
    await gateway.sign_in()


async def test_of_two_refreshes_at_once_one_wins(gateway: Gateway) -> None:
    refresh = (await gateway.sign_in())["refresh"]
    answers = await asyncio.gather(
        *(gateway.http.post("/api/auth/refresh/", json={"refresh": refresh}) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]


async def test_an_access_token_refreshes_nothing(gateway: Gateway) -> None:
    granted = await gateway.sign_in()
    for token in (granted["access"], "rubbish"):
        answer = await gateway.http.post("/api/auth/refresh/", json={"refresh": token})
        assert answer.status_code == 401
    gateway.http.cookies.clear()
    assert (await gateway.http.post("/api/auth/refresh/")).status_code == 401


async def test_a_browser_refreshes_by_its_cookie_but_not_for_a_foreign_page(gateway: Gateway) -> None:
    cookie = {"Cookie": f"muster_refresh={(await gateway.sign_in())['refresh']}"}
    foreign = await gateway.http.post("/api/auth/refresh/", headers={**cookie, "Origin": "https://evil.example"})
    assert foreign.status_code == 403
    own = await gateway.http.post("/api/auth/refresh/", headers={**cookie, "Origin": gateway.url})
    assert own.status_code == 200


async def test_access_runs_out_and_so_does_an_unused_session(gateway: Gateway) -> None:
    granted = await gateway.sign_in()
    gateway.clock.turn(timedelta(minutes=16))
    assert (await gateway.http.get("/api/auth/me/", headers=bearer(granted))).status_code == 401
    granted = await refreshed(gateway, granted["refresh"])
    gateway.clock.turn(timedelta(days=15))
    answer = await gateway.http.post("/api/auth/refresh/", json={"refresh": granted["refresh"]})
    assert answer.status_code == 401


async def test_signing_out_ends_the_session_at_once(gateway: Gateway) -> None:
    granted = await gateway.sign_in()
    answer = await gateway.http.post("/api/auth/logout/", headers=bearer(granted))
    assert answer.status_code == 204
    assert all("Max-Age=0" in cookie for cookie in answer.headers.get_list("set-cookie"))
    await until_status(gateway, granted, 401)
    again = await gateway.http.post("/api/auth/refresh/", json={"refresh": granted["refresh"]})
    assert again.status_code == 401


async def test_changing_the_password_ends_all_other_sessions(gateway: Gateway) -> None:
    here, elsewhere = await gateway.sign_in(), await gateway.sign_in()
    body = {"old_password": PASSWORD, "new_password": "something else entirely"}
    wrong = await gateway.http.post(
        "/api/auth/change-password/", json={**body, "old_password": "wrong"}, headers=bearer(here)
    )
    assert wrong.status_code == 403
    answer = await gateway.http.post("/api/auth/change-password/", json=body, headers=bearer(here))
    assert answer.status_code == 200
    await until_status(gateway, elsewhere, 401)
    assert (await gateway.http.get("/api/auth/me/", headers=bearer(answer.json()))).status_code == 200
    old = await gateway.http.post("/api/auth/token/", json={"username": "admin", "password": PASSWORD})
    assert old.status_code == 401
    await gateway.sign_in(password="something else entirely")


async def test_a_changed_role_withdraws_tokens_that_say_the_old_one(gateway: Gateway) -> None:
    user = await gateway.user("hr", "hr")
    granted = await gateway.sign_in("hr")
    admin = await gateway.bearer()
    changed = await gateway.http.patch(f"/api/users/{user}/", json={"roles": ["employee"]}, headers=admin)
    assert changed.json()["roles"] == ["employee"]
    await until_status(gateway, granted, 401)
    assert (await refreshed(gateway, granted["refresh"]))["user"]["roles"] == ["employee"]


async def test_a_disabled_user_can_do_nothing(gateway: Gateway) -> None:
    user = await gateway.user("hr", "hr")
    granted = await gateway.sign_in("hr")
    admin = await gateway.bearer()
    await gateway.http.patch(f"/api/users/{user}/", json={"is_active": False}, headers=admin)
    await until_status(gateway, granted, 401)
    assert (await gateway.http.post("/api/auth/refresh/", json={"refresh": granted["refresh"]})).status_code == 401
    again = await gateway.http.post("/api/auth/token/", json={"username": "hr", "password": PASSWORD})
    assert again.status_code == 401


async def test_users_are_made_listed_and_changed(gateway: Gateway) -> None:
    admin = await gateway.bearer()
    body = {"username": "Ann", "password": PASSWORD, "roles": ["department_head"], "units": [3, 4], "person": 9}
    made = await gateway.http.post("/api/users/", json=body, headers=admin)
    assert made.status_code == 201
    assert made.headers["location"] == f"/api/users/{made.json()['id']}/"
    assert made.json()["units"] == [3, 4]
    one_role = await gateway.http.patch(made.headers["location"], json={"role": "employee"}, headers=admin)
    assert one_role.json()["roles"] == ["employee"]
    both = {"role": "employee", "roles": ["employee"]}
    assert (await gateway.http.patch(made.headers["location"], json=both, headers=admin)).status_code == 400
    taken = await gateway.http.post("/api/users/", json={**body, "username": "ann"}, headers=admin)
    assert taken.status_code == 409
    listed = await gateway.http.get("/api/users/?limit=1", headers=admin)
    assert listed.headers["x-total-count"] == "2"
    assert [user["username"] for user in listed.json()] == ["admin"]
    following = listed.headers["link"].split(">")[0].strip("<")
    assert [user["username"] for user in (await gateway.http.get(following, headers=admin)).json()] == ["Ann"]
    found = await gateway.http.get("/api/users/?search=an&page=1", headers=admin)
    assert found.json()["count"] == 1
    path = made.headers["location"]
    for etag in ('"99"', '"another"', '"99999999999999999999"'):
        stale = await gateway.http.patch(path, json={"units": []}, headers={**admin, "If-Match": etag})
        assert stale.status_code == 412
    fresh = await gateway.http.patch(
        path, json={"units": [], "person": None}, headers={**admin, "If-Match": one_role.headers["etag"]}
    )
    assert fresh.json()["units"] == []
    assert fresh.json()["person"] is None
    assert (await gateway.http.get("/api/users/999999/", headers=admin)).status_code == 404
    assert (await gateway.http.get("/api/users/?serch=x", headers=admin)).status_code == 400
    made_up = base64.urlsafe_b64encode(b'["username",false,"ann","x"]').decode()
    assert (await gateway.http.get("/api/users/", params={"cursor": made_up}, headers=admin)).status_code == 400


async def test_a_user_asked_for_twice_with_one_key_is_made_once(gateway: Gateway) -> None:
    headers = {**(await gateway.bearer()), "Idempotency-Key": "k-1"}
    body = {"username": "ann", "password": PASSWORD}
    first, second = [await gateway.http.post("/api/users/", json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    other = await gateway.http.post("/api/users/", json={**body, "username": "bob"}, headers=headers)
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"password": "short"}, 422),
        ({"password": "x" * 129}, 422),
        ({"username": "with space"}, 422),
        ({"username": ""}, 422),
        ({"roles": ["king"]}, 422),
        ({"roles": "hr"}, 400),
        ({"unknown": 1}, 400),
        ({"password": "aaaaaaaa"}, 201),
        ({"password": "x" * 128}, 201),
    ],
)
async def test_what_a_user_must_be(gateway: Gateway, change: dict[str, Any], status: int) -> None:
    body = {"username": "ann", "password": PASSWORD, **change}
    answer = await gateway.http.post("/api/users/", json=body, headers=await gateway.bearer())
    assert answer.status_code == status, answer.text


async def test_the_last_super_admin_stays_one(gateway: Gateway) -> None:
    admin = await gateway.sign_in()
    path = f"/api/users/{admin['user']['id']}/"
    for change in ({"roles": ["hr"]}, {"is_active": False}):
        assert (await gateway.http.patch(path, json=change, headers=bearer(admin))).status_code == 409
    await gateway.user("second", "super_admin")
    assert (await gateway.http.patch(path, json={"roles": ["hr"]}, headers=bearer(admin))).status_code == 200


async def test_each_change_of_a_user_is_published_with_a_rising_version(gateway: Gateway) -> None:
    admin = await gateway.bearer()
    user = await gateway.user("ann", "employee")
    await gateway.http.patch(f"/api/users/{user}/", json={"roles": ["hr"]}, headers=admin)

    def told() -> list[UserChanged]:
        bodies = [m.body for m in gateway.bus.published if m.type == UserChanged.wire_type]
        return [e.data for body in bodies for e in decode(body, CONTENT_TYPE, UserChanged) if e.data.user_id == user]

    await until(lambda: len(told()) == 2)
    before, after = sorted(told(), key=lambda event: event.version)
    assert (before.roles, after.roles) == (["employee"], ["hr"])
    assert before.version < after.version


async def test_what_was_done_is_written_down_without_any_password(gateway: Gateway) -> None:
    user = await gateway.user("ann", "employee")
    headers = {**(await gateway.bearer()), "X-Request-ID": "me-again"}
    await gateway.http.patch(f"/api/users/{user}/", json={"password": "a new password"}, headers=headers)
    async with gateway.database.fast() as pg:
        rows = await pg.fetch("SELECT action, subject, detail::text, request_id FROM audit ORDER BY id")
    assert [row["action"] for row in rows] == ["user_created", "user_created", "sign_in", "user_changed"]
    assert rows[-1]["request_id"] == "me-again"
    assert not any("a new password" in row["detail"] for row in rows)


async def test_the_first_administrator_is_made_once(migrated: Any) -> None:
    database, clock = Database(migrated(HISTORY), schema="gateway"), TurnableClock()
    users = Users(PostgresStore(database), quick_passwords(), clock)
    with pytest.raises(Invalid):
        await users.ensure_administrator("short")
    made = await asyncio.gather(*(users.ensure_administrator(None) for _ in range(3)))
    passwords = [password for password in made if password]
    assert len(passwords) == 1
    assert len(passwords[0]) >= 20
    assert await users.ensure_administrator("another password") is None
    assert await users.administrator_has(passwords[0])
    assert not await users.administrator_has("another password")
    assert await ensure_administrator(database, clock, None) is None
    await database.close()


async def test_the_migrations_lead_to_the_tables(migrated: Any) -> None:
    assert await drift(migrated(HISTORY), HISTORY) is None


async def refreshed(gateway: Gateway, refresh: str) -> dict[str, Any]:
    answer = await gateway.http.post("/api/auth/token/refresh/", json={"refresh": refresh})
    assert answer.status_code == 200, answer.text
    gateway.http.cookies.clear()
    granted: dict[str, Any] = answer.json()
    return granted


async def until_status(gateway: Gateway, granted: dict[str, Any], status: int) -> None:
    async def is_so() -> bool:
        return (await gateway.http.get("/api/auth/me/", headers=bearer(granted))).status_code == status

    await until(is_so)
