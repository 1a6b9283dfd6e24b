"""The error categories. Every error that a caller can cause or must know of is one of them.

    MusterError
    ├── Invalid            what was asked breaks a rule                    (HTTP 422)
    │   └── Malformed      it could not even be read                       (400)
    ├── Denied             the caller may not do this                      (403)
    │   └── Unauthenticated  nobody knows who the caller is                (401)
    ├── NotFound           it does not exist, or not for this caller       (404)
    ├── Conflict           it stands against what is there                 (409)
    │   └── Stale          somebody changed it since the caller read it    (412)
    └── Unavailable        something needed is away; try again             (503)
        └── TooMany        the caller asks more often than allowed         (429)

The message is a sentence for a person: what is wrong and, where it is not obvious, what to do.
Which status a category becomes is decided once, in `shared.web.problems`.
"""

from collections.abc import Mapping, Sequence


class MusterError(Exception):
    """Base of all errors that carry a sentence for the caller."""

    def __init__(self, message: str, *, fields: Mapping[str, str] | None = None) -> None:
        """`fields` names what is wrong with single inputs: `{"month": "13 is not a month"}`."""
        super().__init__(message)
        self.message = message
        self.fields = dict(fields or {})


class Invalid(MusterError):
    """Well-formed, but against a rule."""


class Malformed(Invalid):
    """Could not be read as what it should be."""


class Denied(MusterError):
    """Known, but not allowed."""


class Unauthenticated(Denied):
    """No valid proof of who is calling."""


class NotFound(MusterError):
    """Does not exist, or the caller may not know that it does."""


class Conflict(MusterError):
    """Cannot be together with what is there already."""


class Stale(Conflict):
    """Was changed by somebody else since the caller read it."""


class Unavailable(MusterError):
    """A part that is needed is away. Nothing was done; trying again later is right."""

    def __init__(self, message: str, *, retry_after: float = 5.0, fields: Mapping[str, str] | None = None) -> None:
        """`retry_after` is in seconds."""
        super().__init__(message, fields=fields)
        self.retry_after = retry_after


class TooMany(Unavailable):
    """The caller's own rate is the reason."""


def sentence(parts: Sequence[str], last: str = "and") -> str:
    """Names in a sentence: `["a"]` is "a", `["a", "b", "c"]` is "a, b and c", or with `last` "a, b or c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}" if parts else ""
