"""Where one record of a stream ends and the next begins: what can be said about it."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from services.ingest.vendors.generic.checksums import Checksum

MOST: Final = 65_536
"""Bytes of a frame, whatever the config says."""


def _hex(text: str) -> str:
    try:
        known = bytes.fromhex(text)
    except ValueError:
        known = b""
    if not known or len(known) > 16:
        raise ValueError("write one to sixteen bytes as hexadecimal digits, such as 0d0a")
    return text


Hex = Annotated[str, AfterValidator(_hex)]


class _Framing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    longest: int = Field(default=4096, ge=1, le=MOST, description="Bytes of a frame; what is longer is no record")


class Lines(_Framing):
    """Text lines, with LF or CRLF. Empty ones are passed over."""

    kind: Literal["lines"]


class Delimited(_Framing):
    """Each frame ends with the same bytes."""

    kind: Literal["delimited"]
    end: Hex


class Enclosed(_Framing):
    """Each frame has a start and an end, such as STX and ETX, and perhaps a checksum after its end."""

    kind: Literal["enclosed"]
    start: Hex = "02"
    end: Hex = "03"
    escape: Hex | None = Field(default=None, description="The byte after this one is meant literally")
    checksum: Checksum | None = None
    covers: Literal["body", "body_and_end", "all"] = Field(
        default="body_and_end", description="What the checksum is taken of; all is from the start to the end"
    )

    @model_validator(mode="after")
    def _apart(self) -> "Enclosed":
        marks = [bytes.fromhex(mark) for mark in (self.start, self.end, self.escape) if mark]
        if len(set(b"".join(marks))) < sum(len(set(mark)) for mark in marks):
            raise ValueError("start, end and escape must have no byte in common")
        if self.escape is not None and len(marks[-1]) != 1:
            raise ValueError("escape is one byte")
        return self


class Fixed(_Framing):
    """All frames have the same length."""

    kind: Literal["fixed"]
    length: int = Field(ge=1, le=MOST)
    start: Hex | None = Field(default=None, description="What each begins with, so that a lost byte is noticed")
    checksum: Checksum | None = Field(default=None, description="Its last bytes, of all before them")


class LengthPrefixed(_Framing):
    """Each frame says how long it is."""

    kind: Literal["length_prefixed"]
    start: Hex | None = Field(default=None, description="What each begins with, so that a wrong length is survived")
    offset: int = Field(default=0, ge=0, le=64, description="Bytes before the length, `start` included")
    size: Literal[1, 2, 4, 8] = Field(default=2, description="Bytes of the length")
    order: Literal["big", "little"] = "big"
    counts_itself: bool = Field(default=False, description="The length counts all bytes, not only those after it")
    adjust: int = Field(default=0, ge=-64, le=64, description="Added to the length")
    header: bool = Field(default=False, description="Whether what is decoded includes the bytes up to the length")
    checksum: Checksum | None = Field(default=None, description="The last bytes counted, of all before them")

    @model_validator(mode="after")
    def _start_fits(self) -> "LengthPrefixed":
        if self.start and len(bytes.fromhex(self.start)) > self.offset:
            raise ValueError("offset is at least as large as start is long")
        return self


class Json(_Framing):
    """JSON values one after the other, whatever stands between them."""

    kind: Literal["json"]


class Datagrams(_Framing):
    """Each datagram is a frame."""

    kind: Literal["datagrams"]


class Pauses(_Framing):
    """A frame ends when nothing comes for a while."""

    kind: Literal["pauses"]
    milliseconds: int = Field(default=50, ge=1, le=10_000)


Framing = Annotated[
    Lines | Delimited | Enclosed | Fixed | LengthPrefixed | Json | Datagrams | Pauses, Field(discriminator="kind")
]
