"""The troubles of HTTP and of the socket in our words, translated once."""

import ssl
from typing import Final, TypeVar

import httpx

from services.ingest.application.drivers import Garbled, MachineTrouble, OtherMachine, ProtocolBroken, Unreachable

E = TypeVar("E", bound=BaseException)

SHOWN: Final = 2_048
"""Bytes kept of an answer that cannot be understood."""


def trouble_of(
    error: Exception, *, where: str, asked: str, pinned: bool, connect_within: float, answer_within: float
) -> MachineTrouble:
    """What a failed request means. `pinned` where a certificate is registered."""
    refused = _cause(error, ssl.SSLError) is not None or _cause(error, ConnectionRefusedError) is not None
    if refused or isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
        return _not_connected(error, where=where, pinned=pinned, within=connect_within)
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        return Unreachable(f"the BioStar server does not answer {asked} within {answer_within:g} s")
    if isinstance(error, httpx.RemoteProtocolError) and not is_hung_up(error):
        return Garbled(f"what answers {asked} does not speak HTTP: {error}")
    if isinstance(error, httpx.RemoteProtocolError):
        return Unreachable(f"the BioStar server closed the connection instead of answering {asked}")
    return Unreachable("the connection broke")


def _not_connected(error: Exception, *, where: str, pinned: bool, within: float) -> MachineTrouble:
    if (certificate := _cause(error, ssl.SSLCertVerificationError)) is not None:
        return _not_trusted(where, certificate.verify_message, pinned=pinned)
    if _cause(error, ssl.SSLError) is not None:
        return ProtocolBroken(f"{where} does not speak HTTPS; where it shall not, set `https` in its config to false")
    if isinstance(error, httpx.ConnectTimeout):
        return Unreachable(f"nothing answers at {where} within {within:g} s")
    if _cause(error, ConnectionRefusedError) is not None:
        return Unreachable(f"{where} refuses the connection: the BioStar server is starting, or has another port")
    return Unreachable(f"{where} cannot be reached: {_root(error)}")


def _not_trusted(where: str, why: str, *, pinned: bool) -> MachineTrouble:
    if pinned:
        return OtherMachine(
            f"{where} shows another certificate than the one that is registered ({why}): another server answers, or"
            " this one was given a new certificate"
        )
    return OtherMachine(
        f"{where} shows a certificate that nobody known vouches for ({why}), as servers do that sign their own: put it"
        f" into `certificate` in its config, as `openssl s_client -connect {where} -showcerts` prints it"
    )


def is_hung_up(error: Exception) -> bool:
    """Whether the other side only closed the connection, as it may between two requests."""
    said = str(error)
    return isinstance(error, (httpx.ReadError, httpx.WriteError)) or (
        isinstance(error, httpx.RemoteProtocolError) and ("disconnected" in said or "peer closed" in said)
    )


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
