"""The troubles of HTTP in our words, translated once."""

import ssl
from typing import Final, TypeVar

import httpx

from services.ingest.application.drivers import (
    Garbled,
    MachineTrouble,
    OtherMachine,
    ProtocolBroken,
    Unreachable,
    WrongCredentials,
)
from services.ingest.vendors.hikvision.documents import Refusal, lock_of

E = TypeVar("E", bound=BaseException)

SHOWN: Final = 2_048
"""Bytes kept of an answer that cannot be understood."""


def trouble_of(
    error: Exception, *, where: str, asked: str, connect_within: float, answer_within: float
) -> MachineTrouble:
    """What a failed request means. `where` is the address, `asked` the question in short."""
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
        return _not_connected(error, where=where, within=connect_within)
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        return Unreachable(f"the machine does not answer {asked} within {answer_within:g} s")
    if isinstance(error, httpx.RemoteProtocolError) and not is_hung_up(error):
        return Garbled(f"what answers {asked} does not speak HTTP: {error}")
    if isinstance(error, httpx.RemoteProtocolError):
        return Unreachable(f"the machine closed the connection instead of answering {asked}")
    return Unreachable("the connection broke")


def _not_connected(error: Exception, *, where: str, within: float) -> MachineTrouble:
    if (certificate := _cause(error, ssl.SSLCertVerificationError)) is not None:
        return OtherMachine(
            f"{where} shows another certificate than the one that is registered ({certificate.verify_message}): another"
            " machine answers, or this one has made itself a new certificate"
        )
    if _cause(error, ssl.SSLError) is not None:
        return ProtocolBroken(f"{where} does not speak HTTPS; its port for that is in its menu, usually 443")
    if isinstance(error, httpx.ConnectTimeout):
        return Unreachable(f"nothing answers at {where} within {within:g} s")
    if _cause(error, ConnectionRefusedError) is not None:
        return Unreachable(f"{where} refuses the connection: the machine is starting, or has another port")
    return Unreachable(f"{where} cannot be reached: {_root(error)}")


def is_hung_up(error: Exception) -> bool:
    """Whether the other side only closed the connection, as it may between two requests."""
    said = str(error)
    return isinstance(error, (httpx.ReadError, httpx.WriteError)) or (
        isinstance(error, httpx.RemoteProtocolError) and ("disconnected" in said or "peer closed" in said)
    )


def refused_us(username: str, body: bytes) -> WrongCredentials:
    """A password that was not taken. Nobody may try it again by himself: machines lock out who does."""
    lock = lock_of(body)
    if lock.locked:
        minutes = f" for {-(-lock.seconds // 60)} minutes" if lock.seconds else ""
        return WrongCredentials(
            f"the machine has locked our user {username!r} out{minutes}, after too many wrong passwords from somebody"
        )
    left = f"; {lock.tries} more before it locks the user out" if lock.tries is not None else ""
    return WrongCredentials(f"the machine refuses our user {username!r} or its password{left}")


def not_allowed(username: str, refusal: Refusal, asked: str) -> MachineTrouble:
    """A question that it does not answer."""
    if refusal.status == 403 and refusal.code.casefold() not in ("notsupport", "devicebusy"):
        return WrongCredentials(f"the machine does not let our user {username!r} ask for {asked}: {refusal}")
    return ProtocolBroken(f"the machine refuses to tell {asked}: {refusal}")


def _cause(error: BaseException, kind: type[E]) -> E | None:
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, kind):
            return found
        found = found.__cause__ or found.__context__
    return None


def _root(error: BaseException) -> str:
    """What the system said."""
    system = _cause(error, OSError)
    return (system.strerror if system is not None else None) or str(error)
