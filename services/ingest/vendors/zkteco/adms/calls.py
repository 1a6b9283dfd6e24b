"""What a machine calls, however its firmware spells it: `/iclock/cdata.aspx/?sn=…&Table=ATTLOG`. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

LONGEST_VALUE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The endpoint and the parameters of a call; names in lower case."""

    endpoint: str
    parameters: Mapping[str, str]

    @property
    def serial(self) -> str:
        return self.parameters.get("sn", "")

    @property
    def table(self) -> str:
        return self.parameters.get("table", "").upper()


def asked(endpoint: str, query: bytes) -> Asked:
    """The call behind the part of a path after `/iclock/`, and a query string as it came."""
    name = endpoint.strip("/").lower().removesuffix(".aspx").strip("/")
    return Asked(endpoint=name, parameters=dict(_parameters(query)))


def text_of(raw: bytes) -> str:
    r"""A text that a person may have written: UTF-8, else GBK, which Chinese units send; other bytes as `\xNN`."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("gbk")
    except UnicodeDecodeError:
        return raw.decode("utf-8", errors="backslashreplace")


def _parameters(query: bytes) -> list[tuple[str, str]]:
    pairs = []
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        if name.strip():
            # A plus is a blank, as machines send it; none has one in a serial number or a table.
            pairs.append((text_of(unquote_to_bytes(name)).strip().lower(), _value(value)))
    return pairs


def _value(raw: bytes) -> str:
    return text_of(unquote_to_bytes(raw.replace(b"+", b" "))).strip()[:LONGEST_VALUE]
