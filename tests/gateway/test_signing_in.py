"""Signing in, refreshing, signing out: over HTTP, on PostgreSQL."""

from tests.gateway.fakes import Gateway


async def test_signing_in_answers_with_tokens_and_the_user(gateway: Gateway) -> None:
    granted = await gateway.sign_in()
    assert set(granted) == {"access", "refresh", "user"}
    assert granted["user"]["username"] == "admin"
    assert granted["user"]["roles"] == ["super_admin"]
