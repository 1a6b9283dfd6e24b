"""Signing in, staying signed in, and signing out."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.gateway.application.announce import user_changed
from services.gateway.application.passwords import Passwords
from services.gateway.application.ports import Accounts, Credential, Store
from services.gateway.domain.accounts import User, check_password, username_key
from services.gateway.domain.attempts import Attempts
from services.gateway.domain.badges import Person
from services.gateway.domain.sessions import Session, TokenId, Verdict, judge
from shared.kernel.clock import Clock
from shared.kernel.errors import Denied, NotFound, Unauthenticated
from shared.kernel.identifiers import new_id
from shared.observability.logs import get_logger
from shared.web.scope import Caller
from shared.web.tokens import Tokens

TICKET_LASTS = timedelta(seconds=30)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a client gets that may come in."""

    access: str
    refresh: str
    user: User
    person: Person | None


class SigningIn:
    """The ways in, and out."""

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        tokens: Tokens,
        attempts: Attempts,
        clock: Clock,
        *,
        access_lasts: timedelta,
        refresh_lasts: timedelta,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._tokens = tokens
        self._attempts = attempts
        self._clock = clock
        self._access_lasts = access_lasts
        self._refresh_lasts = refresh_lasts

    async def sign_in(self, username: str, password: str, *, address: str) -> Granted:
        """Open a session.

        Raises:
            Unauthenticated: name or password is wrong, or the user is disabled: which of these is not said.
            TooMany: there were too many failures.
        """
        name = username_key(username)[:150]
        self._attempts.check(name, address, now=self._clock.now())
        async with self._store.transaction() as accounts:
            credential = await accounts.find(username)
        good = await self._passwords.verify(password[:1024], credential.password_hash if credential else None)
        now = self._clock.now()
        if credential is None or not good or not credential.user.active:
            self._attempts.failed(name, address, now=now)
            log.warning("sign_in.refused", user_id=credential.user.id if credential else None, address=address)
            raise Unauthenticated("username or password is wrong")
        self._attempts.succeeded(name, address)
        session = Session(id=new_id(), user_id=credential.user.id, generation=1, expires_at=now + self._refresh_lasts)
        async with self._store.transaction() as accounts:
            await accounts.open_session(session, now=now)
            await accounts.signed_in(credential.user.id, now=now)
            await accounts.record("sign_in", by=credential.user.id, subject=credential.user.username, now=now)
            return await self._granted(accounts, credential.user, session.id, session.generation, now)

    async def refresh(self, token: str) -> Granted:
        """The next pair of tokens for a refresh token, which is used up.

        Raises:
            Unauthenticated: it is not good; where it was used before, its session has been ended.
        """
        now = self._clock.now()
        token_id = _session_of(self._tokens.claims(token, now=now, kind="refresh"))
        async with self._store.transaction() as accounts:
            session = await accounts.session(token_id.session)
            credential = await accounts.get(session.user_id) if session else None
            verdict = judge(session, generation=token_id.n, now=now) if session else Verdict.ENDED
            if verdict is Verdict.ROTATE and credential is not None and credential.user.active:
                generation = await accounts.advance(token_id.session, expires_at=now + self._refresh_lasts, now=now)
                return await self._granted(accounts, credential.user, token_id.session, generation, now)
            if verdict is Verdict.REUSED:
                # Either the thief or the owner holds the newest: nobody can tell, so both have to sign in again.
                await accounts.revoke(token_id.session, reason="refresh token used twice", now=now)
                log.warning("session.refresh_token_reused", session=str(token_id.session))
        raise Unauthenticated("the session is over; sign in again")

    async def sign_out(self, claims: dict[str, Any]) -> None:
        """End the session that the access token with these claims belongs to."""
        token_id = TokenId.parse(str(claims.get("jti", "")))
        if token_id is None:
            return
        now = self._clock.now()
        async with self._store.transaction() as accounts:
            await accounts.revoke(token_id.session, reason="signed out", now=now)
            await accounts.record("sign_out", by=int(claims["sub"]), subject=str(claims.get("username")), now=now)

    async def change_password(self, claims: dict[str, Any], *, old: str, new: str, address: str) -> Granted:
        """Change one's own password; all one's other sessions end.

        Raises:
            Denied: the old one is wrong.
            Invalid: the new one is too short or too long.
        """
        token_id = _session_of(claims)
        credential = await self._credential(int(claims["sub"]))
        key, now = username_key(credential.user.username), self._clock.now()
        check_password(new, credential.user.username)
        self._attempts.check(key, address, now=now)
        if not await self._passwords.verify(old[:1024], credential.password_hash):
            self._attempts.failed(key, address, now=now)
            raise Denied("the old password is wrong", fields={"old_password": "is wrong"})
        new_hash = await self._passwords.hash(new)
        async with self._store.transaction() as accounts:
            session = await accounts.session(token_id.session)
            if session is None or judge(session, generation=session.generation, now=now) is not Verdict.ROTATE:
                raise Unauthenticated("the session is over; sign in again")
            user = await accounts.save(credential.user, password_hash=new_hash, now=now)
            await accounts.revoke_all(user.id, reason="password changed", but=session.id, now=now)
            await accounts.record("password_changed", by=user.id, subject=user.username, now=now)
            await accounts.announce(await user_changed(accounts, user), now=now)
            generation = await accounts.advance(session.id, expires_at=now + self._refresh_lasts, now=now)
            return await self._granted(accounts, user, session.id, generation, now)

    async def ticket(self, claims: dict[str, Any], caller: Caller) -> str:
        """A token for one live connection, good once and for half a minute."""
        token_id = TokenId.parse(str(claims.get("jti", "")))
        once = secrets.token_urlsafe(12)
        id_ = str(replace(token_id, once=once)) if token_id else f"::{once}"
        return self._tokens.sign(caller, now=self._clock.now(), lasts=TICKET_LASTS, kind="ticket", id=id_)

    async def redeem(self, ticket: str) -> dict[str, Any]:
        """The claims of a ticket, which is used up.

        Raises:
            Unauthenticated: it is not good, or was used before.
        """
        claims = self._tokens.claims(ticket, now=self._clock.now(), kind="ticket")
        once = str(claims["jti"]).rpartition(":")[2]
        async with self._store.transaction() as accounts:
            if not once or not await accounts.use_ticket(once, expires_at=self._clock.now() + 2 * TICKET_LASTS):
                raise Unauthenticated("the ticket was used before; ask for another")
        return claims

    async def me(self, caller: Caller) -> tuple[User, Person | None]:
        """The caller as the gateway knows them now."""
        async with self._store.transaction() as accounts:
            credential = await accounts.get(caller.user)
            user = (
                credential.user
                if credential
                else User(
                    id=caller.user,
                    username=caller.username,
                    roles=caller.roles,
                    person_id=caller.person,
                    units=caller.units,
                )
            )
            return user, await _person(accounts, user)

    async def _credential(self, user_id: int) -> Credential:
        async with self._store.transaction() as accounts:
            credential = await accounts.get(user_id)
        if credential is None:
            raise NotFound("this token belongs to no user of the gateway, so that there is no password to change")
        return credential

    async def _granted(self, accounts: Accounts, user: User, session: UUID, generation: int, now: datetime) -> Granted:
        access_id, refresh_id = TokenId(session=session, n=user.n), TokenId(session=session, n=generation)
        return Granted(
            access=self._tokens.sign(user.caller, now=now, lasts=self._access_lasts, id=str(access_id)),
            # It says nothing that the session does not, so that an old one tells an old story to nobody.
            refresh=self._tokens.sign(
                Caller(user=user.id, username=user.username, roles=frozenset()),
                now=now,
                lasts=self._refresh_lasts,
                kind="refresh",
                id=str(refresh_id),
            ),
            user=user,
            person=await _person(accounts, user),
        )


async def _person(accounts: Accounts, user: User) -> Person | None:
    return await accounts.person(user.person_id) if user.person_id is not None else None


def _session_of(claims: dict[str, Any]) -> TokenId:
    token_id = TokenId.parse(str(claims.get("jti", "")))
    if token_id is None:
        raise Unauthenticated("this token is of no session; sign in with a password")
    return token_id
