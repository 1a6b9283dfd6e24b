"""Making users and changing them."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any

from services.gateway.application.announce import user_changed
from services.gateway.application.passwords import Passwords, generated
from services.gateway.application.ports import Accounts, Draft, Listed, Store
from services.gateway.domain.accounts import (
    User,
    check_password,
    check_someone_remains,
    checked_roles,
    checked_username,
)
from shared.kernel.clock import Clock
from shared.kernel.errors import Conflict, NotFound, Stale

FIRST_ADMINISTRATOR = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to change; what is missing stays."""

    roles: Sequence[str] | None = None
    units: Sequence[int] | None = None
    person: tuple[int | None] | None = None
    """A tuple of one, because None is a person too: nobody."""
    active: bool | None = None
    password: str | None = None


class Users:
    """What a super admin does with users."""

    def __init__(self, store: Store, passwords: Passwords, clock: Clock) -> None:
        self._store = store
        self._passwords = passwords
        self._clock = clock

    async def list(self, **window: Any) -> Listed:
        """Part of all users."""
        async with self._store.transaction() as accounts:
            return await accounts.list(**window)

    async def get(self, user_id: int) -> User:
        """Raises NotFound."""
        async with self._store.transaction() as accounts:
            return await _user(accounts, user_id)

    def transaction(self) -> AbstractAsyncContextManager[Accounts]:
        """For `add`, together with what else belongs to the same effect."""
        return self._store.transaction()

    async def draft(
        self, username: str, password: str, *, roles: Sequence[str], units: Sequence[int], person: int | None
    ) -> Draft:
        """Somebody who could be added: checked, and with a hashed password.

        Raises:
            Invalid: name, password or a role is not possible.
        """
        name = checked_username(username)
        check_password(password, name)
        return Draft(
            username=name,
            password_hash=await self._passwords.hash(password),
            roles=checked_roles(roles),
            units=tuple(units),
            person_id=person,
        )

    async def add(self, accounts: Accounts, draft: Draft, *, by: int | None) -> User:
        """A user who can sign in once the transaction has committed.

        Raises:
            Conflict: the name is taken.
        """
        now = self._clock.now()
        user = await accounts.add(draft, now=now)
        if user is None:
            raise Conflict(f"there is a user {draft.username} already", fields={"username": "is taken"})
        await accounts.record(
            "user_created", by=by, subject=user.username, now=now, detail={"roles": sorted(user.roles)}
        )
        await accounts.announce(await user_changed(accounts, user), now=now)
        return user

    async def change(self, user_id: int, change: Change, *, by: int, expected_n: int | None = None) -> User:
        """Change a user; their access tokens from before are refused from then on.

        Raises:
            NotFound, Invalid, and
            Stale: somebody changed the user since `expected_n`.
            Conflict: it is the last super admin.
        """
        roles = checked_roles(change.roles) if change.roles is not None else None
        new_hash = None
        if change.password is not None:
            check_password(change.password, (await self.get(user_id)).username)
            new_hash = await self._passwords.hash(change.password)
        now = self._clock.now()
        async with self._store.transaction() as accounts:
            administrators = await accounts.lock_administrators()
            before = await _user(accounts, user_id, lock=True)
            if expected_n is not None and expected_n != before.n:
                raise Stale("somebody changed this user meanwhile; read it again")
            after = replace(
                before,
                roles=before.roles if roles is None else roles,
                units=before.units if change.units is None else tuple(change.units),
                person_id=before.person_id if change.person is None else change.person[0],
                active=before.active if change.active is None else change.active,
            )
            if after == before and new_hash is None:
                return before
            check_someone_remains(before, after, administrators=administrators)
            saved = await accounts.save(after, password_hash=new_hash, now=now)
            if new_hash is not None or not saved.active:
                await accounts.revoke_all(user_id, reason="changed by an administrator", now=now)
            await accounts.record("user_changed", by=by, subject=saved.username, now=now, detail=_said(change))
            await accounts.announce(await user_changed(accounts, saved), now=now)
            return saved

    async def ensure_administrator(self, password: str | None) -> str | None:
        """See to it that somebody can sign in: where there is no active super admin, make `admin` one.

        Returns the password where it was made up here, to be shown once; None where nothing needs to be shown.

        Raises:
            Invalid: `password` is too short or too long.
        """
        async with self._store.transaction() as accounts:
            if await accounts.lock_administrators():
                return None
        chosen = password or generated()
        check_password(chosen, FIRST_ADMINISTRATOR)
        new_hash = await self._passwords.hash(chosen)
        async with self._store.transaction() as accounts:
            if await accounts.lock_administrators():
                return None  # another process was quicker
            await self._make_administrator(accounts, new_hash, why="made at a start")
        return chosen if password is None else None

    async def recover_administrator(self, password: str | None) -> str:
        """Let `admin` sign in with a new password, as an active super admin, and end all of that user's sessions.

        For whoever has the database: no password is asked for. Returns the new one, made up here where it is None.

        Raises:
            Invalid: `password` is too short or too long.
        """
        chosen = password or generated()
        check_password(chosen, FIRST_ADMINISTRATOR)
        new_hash = await self._passwords.hash(chosen)
        async with self._store.transaction() as accounts:
            await accounts.lock_administrators()
            await self._make_administrator(accounts, new_hash, why="recovered by command")
        return chosen

    async def _make_administrator(self, accounts: Accounts, new_hash: str, *, why: str) -> None:
        roles, now = frozenset({"super_admin"}), self._clock.now()
        found = await accounts.find(FIRST_ADMINISTRATOR)
        if found is None:
            await self.add(accounts, Draft(username=FIRST_ADMINISTRATOR, password_hash=new_hash, roles=roles), by=None)
            return
        user = replace(found.user, roles=found.user.roles | roles, active=True)
        saved = await accounts.save(user, password_hash=new_hash, now=now)
        await accounts.revoke_all(saved.id, reason=why, now=now)
        await accounts.record("user_changed", by=None, subject=saved.username, now=now, detail={"password": why})
        await accounts.announce(await user_changed(accounts, saved), now=now)

    async def administrator_has(self, password: str) -> bool:
        """Whether `admin` can sign in with this password now. Not a sign-in: nothing is counted or recorded."""
        async with self._store.transaction() as accounts:
            found = await accounts.find(FIRST_ADMINISTRATOR)
        if found is None or not found.user.active:
            return False
        return await self._passwords.verify(password, found.password_hash)


async def _user(accounts: Accounts, user_id: int, *, lock: bool = False) -> User:
    credential = await accounts.get(user_id, lock=lock)
    if credential is None:
        raise NotFound(f"there is no user {user_id}")
    return credential.user


def _said(change: Change) -> dict[str, Any]:
    """What the audit keeps: never the password."""
    said: dict[str, Any] = {
        "roles": sorted(change.roles) if change.roles is not None else None,
        "units": list(change.units) if change.units is not None else None,
        "person": list(change.person) if change.person is not None else None,
        "active": change.active,
        "password": "changed" if change.password is not None else None,
    }
    return {name: value for name, value in said.items() if value is not None}
