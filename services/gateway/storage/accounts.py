"""Users and sessions on PostgreSQL."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row, delete, func, insert, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.application.ports import Credential, Draft, Listed, Withdrawn
from services.gateway.domain.accounts import User, username_key
from services.gateway.domain.badges import Person
from services.gateway.domain.sessions import Session
from services.gateway.storage.tables import audit, people, sessions, used_tickets, users
from shared.contracts.event import Event
from shared.outbox import writing
from shared.storage.database import Database
from shared.web import idempotency
from shared.web.idempotency import Answer, Key


class PostgresStore:
    """Accounts in the schema `gateway`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["PostgresAccounts"]:
        """Committed on leaving, rolled back on an exception."""
        async with self._database.begin() as connection:
            yield PostgresAccounts(connection)


class PostgresAccounts:
    """Accounts inside one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, username: str) -> Credential | None:
        if "\0" in username:
            return None  # PostgreSQL keeps no such text
        found = await self._connection.execute(select(users).where(users.c.username_key == username_key(username)))
        row = found.first()
        return _credential(row) if row else None

    async def get(self, user_id: int, *, lock: bool = False) -> Credential | None:
        query = select(users).where(users.c.id == user_id)
        row = (await self._connection.execute(query.with_for_update() if lock else query)).first()
        return _credential(row) if row else None

    async def list(
        self,
        *,
        search: str | None,
        order: str,
        descending: bool,
        limit: int,
        offset: int,
        after: tuple[Any, ...] | None,
    ) -> Listed:
        """`after` is the (ordered value, id) of the last user that the caller has."""
        among = users.c.username_key.contains(username_key(search), autoescape=True) if search else text("true")
        total = await self._connection.scalar(select(func.count()).select_from(users).where(among))
        column = users.c.username_key if order == "username" else users.c.id
        query = select(users).where(among).limit(limit).offset(offset)
        if after is not None:
            place = tuple_(column, users.c.id)
            query = query.where(place < after if descending else place > after)
        query = query.order_by(*((c.desc() if descending else c.asc()) for c in (column, users.c.id)))
        rows = await self._connection.execute(query)
        return Listed(users=[_user(row) for row in rows], total=total or 0)

    async def lock_administrators(self) -> int:
        await self._connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('muster-administrators'))"))
        administers = users.c.active & users.c.roles.contains(["super_admin"])
        return await self._connection.scalar(select(func.count()).select_from(users).where(administers)) or 0

    async def add(self, draft: Draft, *, now: datetime) -> User | None:
        added = await self._connection.execute(
            upsert(users)
            .values(
                username=draft.username,
                username_key=username_key(draft.username),
                password_hash=draft.password_hash,
                roles=sorted(draft.roles),
                person_id=draft.person_id,
                units=list(draft.units),
                active=draft.active,
                created_at=now,
                updated_at=now,
            )
            .on_conflict_do_nothing()
            .returning(users)
        )
        row = added.first()
        return _user(row) if row else None

    async def save(self, user: User, *, now: datetime, password_hash: str | None = None) -> User:
        values: dict[str, Any] = {
            "roles": sorted(user.roles),
            "person_id": user.person_id,
            "units": list(user.units),
            "active": user.active,
            "n": users.c.n + 1,
            "updated_at": now,
        }
        if password_hash is not None:
            values["password_hash"] = password_hash
        saved = await self._connection.execute(
            update(users).where(users.c.id == user.id).values(values).returning(users)
        )
        return _user(saved.one())

    async def signed_in(self, user_id: int, *, now: datetime) -> None:
        await self._connection.execute(update(users).where(users.c.id == user_id).values(last_login_at=now))
        await self._connection.execute(delete(sessions).where(sessions.c.expires_at < now))
        await self._connection.execute(delete(used_tickets).where(used_tickets.c.expires_at < now))

    async def open_session(self, session: Session, *, now: datetime) -> None:
        await self._connection.execute(
            insert(sessions).values(
                id=session.id,
                user_id=session.user_id,
                generation=session.generation,
                created_at=now,
                used_at=now,
                expires_at=session.expires_at,
            )
        )

    async def session(self, session_id: UUID) -> Session | None:
        found = await self._connection.execute(select(sessions).where(sessions.c.id == session_id).with_for_update())
        row = found.first()
        if row is None:
            return None
        return Session(
            id=row.id,
            user_id=row.user_id,
            generation=row.generation,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
        )

    async def advance(self, session_id: UUID, *, expires_at: datetime, now: datetime) -> int:
        advanced = await self._connection.execute(
            update(sessions)
            .where(sessions.c.id == session_id)
            .values(generation=sessions.c.generation + 1, used_at=now, expires_at=expires_at)
            .returning(sessions.c.generation)
        )
        return int(advanced.scalar_one())

    async def revoke(self, session_id: UUID, *, reason: str, now: datetime) -> None:
        await self._revoke(sessions.c.id == session_id, reason, now)

    async def revoke_all(self, user_id: int, *, reason: str, now: datetime, but: UUID | None = None) -> None:
        theirs = sessions.c.user_id == user_id
        await self._revoke(theirs if but is None else theirs & (sessions.c.id != but), reason, now)

    async def _revoke(self, which: Any, reason: str, now: datetime) -> None:
        still = sessions.c.revoked_at.is_(None)
        await self._connection.execute(update(sessions).where(which & still).values(revoked_at=now, reason=reason))

    async def use_ticket(self, once: str, *, expires_at: datetime) -> bool:
        used = await self._connection.execute(
            upsert(used_tickets)
            .values(once=once, expires_at=expires_at)
            .on_conflict_do_nothing()
            .returning(used_tickets.c.once)
        )
        return used.first() is not None

    async def person(self, person_id: int) -> Person | None:
        found = await self._connection.execute(select(people).where(people.c.person_id == person_id))
        row = found.first()
        if row is None:
            return None
        return Person(
            id=row.person_id,
            code=row.code,
            name=row.name,
            department=row.department,
            unit_path=tuple(row.unit_path),
            removed=row.removed,
            version=(row.epoch, row.n),
        )

    async def withdrawn_since(self, moment: datetime) -> Withdrawn:
        changed = await self._connection.execute(
            select(users.c.id, users.c.n, users.c.active).where(users.c.updated_at >= moment)
        )
        ended = await self._connection.execute(select(sessions.c.id).where(sessions.c.revoked_at >= moment))
        return Withdrawn(
            users={row.id: (row.n, row.active) for row in changed}, sessions=frozenset(row.id for row in ended)
        )

    async def epoch(self) -> int:
        return int((await self._connection.execute(text("SELECT epoch FROM epoch"))).scalar_one())

    async def earlier_answer(self, key: Key) -> Answer | None:
        return await idempotency.earlier(self._connection, key)

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        await idempotency.keep(self._connection, key, answer)

    async def announce(self, event: Event, *, now: datetime) -> None:
        await writing.add(self._connection, event, time=now)

    async def record(
        self, action: str, *, by: int | None, subject: str, now: datetime, detail: Mapping[str, Any] | None = None
    ) -> None:
        await self._connection.execute(
            insert(audit).values(
                at=now,
                user_id=by,
                action=action,
                subject=subject,
                detail=dict(detail or {}),
                request_id=structlog.contextvars.get_contextvars().get("request_id"),
            )
        )


def _credential(row: Row[Any]) -> Credential:
    return Credential(user=_user(row), password_hash=row.password_hash)


def _user(row: Row[Any]) -> User:
    return User(
        id=row.id,
        username=row.username,
        roles=frozenset(row.roles),
        person_id=row.person_id,
        units=tuple(row.units),
        active=row.active,
        n=row.n,
    )
