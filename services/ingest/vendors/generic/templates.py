"""What is sent to a machine: a text of the config in which `{sequence}` and the like are filled in. Pure."""

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator

LONGEST: Final = 1024
_PLACE: Final = re.compile(r"\{([a-z_]+)\}")


def _checked(text: str) -> str:
    if not text or len(text) > LONGEST:
        raise ValueError(f"what is sent has one to {LONGEST} characters")
    if not text.isascii() and max(map(ord, text)) > 255:
        raise ValueError("what is sent is made of bytes: \\u0000 to \\u00ff")
    return text


Template = Annotated[str, AfterValidator(_checked)]
"""Each character is a byte, so that ACK is \\u0006 in JSON. Braces that name nothing known stay as they are."""


def filled(template: str, values: Mapping[str, str]) -> bytes:
    """The bytes to be sent. A value that is not known is left out."""
    text = _PLACE.sub(lambda place: values.get(place[1], place[0]), template)
    return text.encode("latin-1", "replace")


def places(template: str) -> frozenset[str]:
    """The names in it."""
    return frozenset(_PLACE.findall(template))
