"""Regular expressions from configuration, which cannot hang the process: docs/decisions/0011."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Final

import re2
from pydantic import AfterValidator

LONGEST: Final = 500
"""Characters of a pattern."""
MEMORY: Final = 1 << 20
"""Bytes that a compiled pattern may take."""


class Pattern:
    """A compiled pattern. Time is linear in the text, whatever the pattern."""

    __slots__ = ("_compiled", "groups")

    def __init__(self, text: str) -> None:
        """Raises ValueError with a reason for people."""
        if len(text) > LONGEST:
            raise ValueError(f"a pattern has at most {LONGEST} characters")
        options = re2.Options()
        options.max_mem = MEMORY
        options.log_errors = False
        options.dot_nl = True
        try:
            self._compiled = re2.compile(text, options=options)
        except re2.error as error:
            raise ValueError(f"this pattern cannot be used: {_reason(error)}") from error
        self.groups: frozenset[str] = frozenset(self._compiled.groupindex)
        """Names of its groups."""

    def named(self, text: str) -> Mapping[str, str] | None:
        """What its named groups hold where it matches all of the text; groups that took no part are left out."""
        match = self._compiled.fullmatch(text)
        if match is None:
            return None
        return {name: value for name, value in match.groupdict().items() if value is not None}

    def found_in(self, text: str) -> bool:
        """Whether it matches somewhere."""
        return self._compiled.search(text) is not None


@lru_cache(maxsize=1024)
def pattern(text: str) -> Pattern:
    """The compiled pattern, the same one for all machines that have it.

    Raises:
        ValueError: it is none; the reason is for people.
    """
    return Pattern(text)


def _checked(text: str) -> str:
    pattern(text)
    return text


PatternText = Annotated[str, AfterValidator(_checked)]
"""A pattern in a config, as people wrote it."""


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else "it is none"
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
