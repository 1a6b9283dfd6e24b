"""What every service's application does by itself: callers, health, figures, request ids."""

import asyncio
from datetime import timedelta

import pytest

from shared.kernel.errors import Denied, Unavailable
from shared.web.callers import needs
from shared.web.scope import Caller


class TestCallers:
    @pytest.mark.parametrize(
        "header",
        [{}, {"authorization": ""}, {"authorization": "Bearer"}, {"authorization": "Bearer "},
         {"authorization": "Basic YTpi"}, {"authorization": "Bearer nonsense"}],
        ids=str,
    )  # fmt: skip
    async def test_without_a_valid_token_nobody_gets_in(self, client, header):
        response = await client.get("/me", headers=header)
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
        assert response.json()["error"]

    async def test_a_token_says_who_is_calling_and_how_far_they_see(self, client, signed):
        response = await client.get("/me", headers=signed(roles=frozenset({"employee"}), person=3))
        assert response.json() == {"user": 7, "roles": ["employee"], "reach": "own"}

    async def test_the_scheme_is_read_in_any_case(self, client, signed):
        header = signed()["authorization"].replace("Bearer", "bEARER")
        assert (await client.get("/me", headers={"authorization": header})).status_code == 200

    async def test_a_token_that_has_run_out_is_refused(self, client, signed, clock):
        header = signed()
        clock.present += timedelta(hours=1)
        assert (await client.get("/me", headers=header)).status_code == 401

    async def test_a_route_for_several_roles_needs_one_of_them(self):
        who = Caller(user=1, username="x", roles=frozenset({"trainer"}))
        with pytest.raises(Denied, match="needs the role hr or department_head; you are trainer"):
            await needs("hr", "department_head")(who)

    @pytest.mark.parametrize(
        ("roles", "status"),
        [("hr", 200), ("super_admin", 200), ("hr employee", 200), ("department_head", 403),
         ("employee", 403), ("trainer", 403), ("device", 403), ("", 403)],
    )  # fmt: skip
    async def test_a_route_for_hr_lets_only_them_and_a_super_admin_pass(self, client, signed, roles, status):
        response = await client.get("/hr", headers=signed(roles=frozenset(roles.split())))
        assert response.status_code == status
        if status == 403:
            assert "this needs the role hr; you are" in response.json()["error"]


class TestHealth:
    async def test_a_service_that_needs_nothing_is_ready(self, client):
        assert (await client.get("/health/ready")).json() == {"status": "ok", "service": "tried", "checks": {}}

    async def test_it_says_which_of_what_it_needs_is_away_and_is_alive_all_the_same(self, client, checks):
        async def well() -> None:
            return

        async def away() -> None:
            raise Unavailable("the broker is blocked: memory alarm")

        async def broken() -> None:
            raise RuntimeError("no idea")

        checks |= {"database": well, "bus": away, "other": broken}
        response = await client.get("/health/ready")
        assert (response.status_code, response.headers["retry-after"]) == (503, "2")
        assert response.json() == {
            "status": "unavailable",
            "service": "tried",
            "checks": {
                "database": "ok",
                "bus": "the broker is blocked: memory alarm",
                "other": "RuntimeError: no idea",
            },
        }
        assert (await client.get("/health/live")).status_code == 200

    async def test_what_does_not_answer_is_away_within_the_time_even_where_it_cannot_be_cancelled(self, client, checks):
        async def stubborn() -> None:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                await asyncio.sleep(0.2)
                raise

        checks |= {"one": stubborn, "two": stubborn}
        began = asyncio.get_running_loop().time()
        response = await client.get("/health/ready")
        assert response.json()["checks"]["one"] == "no answer within 2 s"
        assert asyncio.get_running_loop().time() - began < 3

    async def test_figures_are_in_the_form_that_prometheus_reads(self, client):
        response = await client.get("/metrics")
        assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert "process_" in response.text or "python_info" in response.text

    async def test_health_needs_no_token(self, client):
        for path in ("/health/live", "/health/ready", "/metrics"):
            assert (await client.get(path)).status_code == 200


class TestRequestIds:
    async def test_a_request_is_given_an_id(self, client):
        first, second = [(await client.get("/health/live")).headers["x-request-id"] for _ in range(2)]
        assert first != second

    @pytest.mark.parametrize("given", ["abc-123", "x" * 64])
    async def test_the_callers_own_id_is_kept(self, client, given):
        response = await client.get("/nowhere", headers={"x-request-id": given})
        assert response.headers["x-request-id"] == response.json()["request_id"] == given

    @pytest.mark.parametrize("given", ["", "x" * 65, "a\tb"])
    async def test_an_id_that_would_do_harm_in_a_log_is_replaced(self, client, given):
        assert (await client.get("/nowhere", headers={"x-request-id": given})).headers["x-request-id"] != given
