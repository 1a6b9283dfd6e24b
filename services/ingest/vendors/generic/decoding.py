"""What a frame is made of: what can be said about it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.ingest.vendors.generic.patterns import PatternText, pattern

Encoding = Literal["utf-8", "ascii", "latin-1", "cp1252", "gbk", "big5", "shift_jis", "utf-16-le", "utf-16-be"]
Name = Annotated[str, Field(min_length=1, max_length=64)]
One = Annotated[str, Field(min_length=1, max_length=1)]


class _Decoding(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    encoding: Encoding = Field(default="utf-8", description="Of the text; bytes that are none stay visible")


class JsonValues(_Decoding):
    """JSON: names are paths such as `user.id` or `events.0.time`."""

    kind: Literal["json"]
    records: str = Field(default="", max_length=200, description="Path of the list, where one frame has many records")


class Separated(_Decoding):
    """Values with a separator between them; names are those of `columns`, else 1, 2, 3 and so on."""

    kind: Literal["separated"]
    separator: str = Field(default=",", min_length=1, max_length=8)
    quote: One | None = Field(default='"', description="Around values that hold the separator; null for none")
    columns: tuple[str, ...] = Field(default=(), max_length=200, description="An empty name passes a column over")


class Matched(_Decoding):
    """A pattern that fits the whole text; names are those of its groups."""

    kind: Literal["pattern"]
    pattern: PatternText

    @field_validator("pattern")
    @classmethod
    def _names_something(cls, text: str) -> str:
        if not pattern(text).groups:
            raise ValueError("a pattern names what it finds: (?P<badge>[0-9]+)")
        return text


class Columns(_Decoding):
    """Text whose values stand at fixed places."""

    kind: Literal["columns"]
    columns: dict[Name, tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=1)]]] = Field(
        min_length=1, max_length=200, description="Name: [first character from 0, how many]"
    )


class Pairs(_Decoding):
    """Names and values: `id=7;time=…`."""

    kind: Literal["pairs"]
    separator: str = Field(default=";", min_length=1, max_length=8)
    equals: str = Field(default="=", min_length=1, max_length=8)


class Part(BaseModel):
    """A value at a place of a binary frame."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    offset: int = Field(ge=0, le=65_535)
    size: int = Field(ge=1, le=255)
    kind: Literal["unsigned", "signed", "bcd", "text", "hex"] = "unsigned"
    order: Literal["big", "little"] = "big"


class Binary(_Decoding):
    """Values at fixed places, as bytes."""

    kind: Literal["binary"]
    parts: dict[Name, Part] = Field(min_length=1, max_length=200)


Decoding = Annotated[JsonValues | Separated | Matched | Columns | Pairs | Binary, Field(discriminator="kind")]
