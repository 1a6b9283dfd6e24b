"""What a check has found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one check."""

    about: str
    ok: bool | None
    """None: it was not tried, and `said` has the reason."""
    said: str = ""
