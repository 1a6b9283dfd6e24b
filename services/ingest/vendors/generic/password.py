"""How the password of a generic machine goes to whom."""

from collections.abc import Mapping
from typing import Any

from services.ingest.vendors.generic.settings import GenericSettings, read
from services.ingest.vendors.generic.templates import places
from shared.kernel.errors import Invalid


def how_the_password_goes(config: Mapping[str, Any]) -> Mapping[str, object]:
    """What decides who hears it: who calls whom, whence, under what cover; empty where it is sent to nobody."""
    try:
        settings = read(config)
    except Invalid:  # an earlier version of us took it: who knows how it is meant
        return {name: value for name, value in config.items() if name != "password"}
    connection = settings.connection
    if connection is None:
        return {}
    place = {
        "connection/side": connection.side,
        "connection/bind": connection.bind,
        "connection/allow": connection.allow,
    }
    if connection.side == "mqtt":
        broker = settings.mqtt
        if broker is None or broker.username is None:
            return {}
        return {**place, "mqtt/tls": broker.tls, "mqtt/certificate": broker.certificate}
    said = {name: text for name, text in _sent(settings).items() if text and "password" in places(text)}
    return {**place, **said} if said else {}


def _sent(settings: GenericSettings) -> Mapping[str, str | None]:
    """The templates that may hold it."""
    return {
        "login/send": settings.login.send if settings.login else None,
        "heartbeat/send": settings.heartbeat.send if settings.heartbeat else None,
        "poll/request": settings.poll.request if settings.poll else None,
    }
