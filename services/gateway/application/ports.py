"""What the use cases need to have kept for them."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from services.gateway.domain.accounts import User
from services.gateway.domain.badges import Person
from services.gateway.domain.sessions import Session
from shared.contracts.event import Event
from shared.contracts.people import PersonChanged
from shared.web.idempotency import Answer, Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A user and what their password is checked against."""

    user: User
    password_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A user who is to be."""

    username: str
    password_hash: str
    roles: frozenset[str]
    person_id: int | None = None
    units: tuple[int, ...] = ()
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Part of the list of users."""

    users: Sequence[User]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """Tokens that were signed and are no longer good."""

    users: Mapping[int, tuple[int, bool]]
    """Users who changed lately: `n`, and whether they are active."""
    sessions: frozenset[UUID]
    """Sessions that were ended lately."""


class Accounts(Protocol):
    """Users and their sessions, inside one transaction."""

    async def find(self, username: str) -> Credential | None: ...
    async def get(self, user_id: int, *, lock: bool = False) -> Credential | None: ...
    async def list(
        self,
        *,
        search: str | None,
        order: str,
        descending: bool,
        limit: int,
        offset: int,
        after: tuple[Any, ...] | None,
    ) -> Listed: ...
    async def lock_administrators(self) -> int:
        """How many active super admins there are, with nobody able to change that until the transaction ends."""

    async def add(self, draft: Draft, *, now: datetime) -> User | None:
        """None where the name is taken."""

    async def save(self, user: User, *, now: datetime, password_hash: str | None = None) -> User:
        """Keep the change; returns the user with the next `n`."""

    async def signed_in(self, user_id: int, *, now: datetime) -> None: ...
    async def open_session(self, session: Session, *, now: datetime) -> None: ...
    async def session(self, session_id: UUID) -> Session | None:
        """The session, locked."""

    async def advance(self, session_id: UUID, *, expires_at: datetime, now: datetime) -> int:
        """Raise the generation; returns it."""

    async def revoke(self, session_id: UUID, *, reason: str, now: datetime) -> None: ...
    async def revoke_all(self, user_id: int, *, reason: str, now: datetime, but: UUID | None = None) -> None: ...
    async def use_ticket(self, once: str, *, expires_at: datetime) -> bool:
        """Whether the ticket had not been used yet; it is from now on."""

    async def person(self, person_id: int) -> Person | None: ...
    async def withdrawn_since(self, moment: datetime) -> Withdrawn: ...
    async def epoch(self) -> int: ...
    async def earlier_answer(self, key: Key) -> Answer | None:
        """What this request was answered before."""

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        """Keep the answer, together with what the transaction does."""

    async def announce(self, event: Event, *, now: datetime) -> None:
        """Publish `event` when, and only if, the transaction commits."""

    async def record(
        self, action: str, *, by: int | None, subject: str, now: datetime, detail: Mapping[str, Any] | None = None
    ) -> None:
        """Write down who did what."""


class Store(Protocol):
    """Where accounts are kept."""

    def transaction(self) -> AbstractAsyncContextManager[Accounts]: ...


class People(Protocol):
    """What is known of people."""

    async def apply(self, people: Sequence[PersonChanged], *, now: datetime) -> None:
        """Keep each state that is newer than the one that is there."""

    async def changed_since(self, moment: datetime | None) -> tuple[Sequence[Person], datetime]:
        """People whose state came after `moment` (None: all), and up to when that is known."""
