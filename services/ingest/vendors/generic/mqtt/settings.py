"""What can be said about a broker, and what a machine publishes there."""

import ssl
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

PORT: Final = 1883
TLS_PORT: Final = 8883


def _filter(text: str) -> str:
    levels = text.split("/")
    if "\0" in text or levels[0] == "$share":
        raise ValueError("is no topic of a reader")
    if any(len(level) > 1 and set("+#") & set(level) for level in levels) or "#" in levels[:-1]:
        raise ValueError("+ stands for a whole level, and # for the last ones: gate/+/send, gate/#")
    return text


def _certificate(text: str) -> str:
    if text:
        try:
            ssl.create_default_context(cadata=text)
        except (ssl.SSLError, ValueError) as error:
            raise ValueError("is no certificate in PEM form") from error
    return text


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("has characters that cannot be printed")
    return text


class Broker(BaseModel):
    """How to reach what a machine publishes. The broker's address and port are the machine's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    topic: Annotated[str, AfterValidator(_filter)] = Field(
        min_length=1, max_length=200, description="Where it publishes; + and # as in MQTT"
    )
    username: Annotated[str, AfterValidator(_printable)] | None = Field(
        default=None, max_length=200, description="With the config's password"
    )
    client_id: Annotated[str, AfterValidator(_printable)] | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="By which the broker knows us again, and keeps what comes while we are away; no other program may"
        " have the same. Else muster- and the machine_id",
    )
    keep_alive: int = Field(default=60, ge=5, le=3600, description="Seconds after which the broker misses us")
    tls: bool = False
    certificate: Annotated[str, AfterValidator(_certificate)] = Field(
        default="",
        max_length=65_536,
        description="With tls: the certificate that it must show, or its issuer's, as PEM; else one that the system"
        " trusts, for its name",
    )

    def context(self) -> ssl.SSLContext | None:
        """Whom to believe that it is the broker."""
        if not self.tls:
            return None
        if not self.certificate:
            return ssl.create_default_context()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(cadata=self.certificate)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context
