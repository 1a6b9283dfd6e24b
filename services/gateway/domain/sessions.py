"""Signed-in sessions: a family of refresh tokens of which only the newest is good."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What is kept of a session."""

    id: UUID
    user_id: int
    generation: int
    """Of the one refresh token that is good; each refresh raises it."""
    expires_at: datetime
    revoked_at: datetime | None = None


class Verdict(Enum):
    """What becomes of a refresh token that was presented."""

    ROTATE = "it is the newest: give the next"
    REUSED = "it was used before, so that somebody has a copy: end the session"
    ENDED = "the session is over"


def judge(session: Session, *, generation: int, now: datetime) -> Verdict:
    """What a token of this generation is worth now."""
    if session.revoked_at is not None or now >= session.expires_at:
        return Verdict.ENDED
    return Verdict.ROTATE if generation == session.generation else Verdict.REUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenId:
    """What a token's `jti` says: its session, and a number.

    In an access token or a ticket the number is the user's `n` when it was signed, in a refresh token the generation.
    A ticket has something unique besides.
    """

    session: UUID
    n: int
    once: str = ""

    def __str__(self) -> str:
        return f"{self.session}:{self.n}" + (f":{self.once}" if self.once else "")

    @classmethod
    def parse(cls, text: str) -> "TokenId | None":
        """None where the token is not of a session: one that an operator signed with the secret."""
        session, _, rest = text.partition(":")
        n, _, once = rest.partition(":")
        try:
            return cls(session=UUID(session), n=int(n), once=once)
        except ValueError:
            return None
