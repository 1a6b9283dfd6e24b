"""What decides who hears the password of a generic machine."""

from typing import Any

import pytest

from services.ingest.vendors.generic.password import how_the_password_goes

TALKS = {
    "profile": "csv",
    "password": "s3cret",
    "connection": {"side": "client"},
    "login": {"send": "PASS {password}\n"},
}
BROKER = {
    "profile": "mqtt-json",
    "password": "s3cret",
    "connection": {"side": "mqtt"},
    "mqtt": {"topic": "gate/#", "username": "muster", "tls": True},
}


@pytest.mark.parametrize(
    ("config", "change"),
    [
        (TALKS, {"connection": {"side": "server"}}),
        (TALKS, {"connection": {"side": "client", "bind": "0.0.0.0"}}),
        (TALKS, {"connection": {"side": "client", "allow": ["10.0.0.0/8"]}}),
        (TALKS, {"login": {"send": "HELLO\n"}}),
        (TALKS, {"login": None, "heartbeat": {"send": "I AM {password}\n"}}),
        (BROKER, {"mqtt": {**BROKER["mqtt"], "tls": False}}),  # type: ignore[dict-item]
        (BROKER, {"mqtt": {"topic": "gate/#", "tls": True}}),
        ({**TALKS, "framing": {"kind": "teapot"}}, {}),
    ],
)
def test_it_changes_with_who_may_hear_it(config: dict[str, Any], change: dict[str, Any]) -> None:
    assert how_the_password_goes(config) != how_the_password_goes({**TALKS, **config, "framing": None, **change})


@pytest.mark.parametrize(
    ("config", "change"),
    [
        (TALKS, {"password": "other"}),
        (TALKS, {"times": ["iso"]}),
        (TALKS, {"connection": {"side": "client", "silence": 60}}),
        (BROKER, {"mqtt": {**BROKER["mqtt"], "keep_alive": 30}}),  # type: ignore[dict-item]
        ({**TALKS, "login": None}, {"connection": {"side": "server"}}),  # it is said to nobody
    ],
)
def test_it_stays_with_all_else(config: dict[str, Any], change: dict[str, Any]) -> None:
    assert how_the_password_goes(config) == how_the_password_goes({**config, **change})
