"""Users: who they are, what a name and a password must be, and what may not be done to them."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from shared.kernel.errors import Conflict, Invalid, sentence
from shared.web.scope import ROLES, Caller

PASSWORD_LENGTH = (8, 128)
_NAME = re.compile(r"[\w.@+-]{1,150}")


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who signs in."""

    id: int
    username: str
    roles: frozenset[str]
    person_id: int | None = None
    """The person of attendance that the user is, where they are one."""
    units: tuple[int, ...] = ()
    """The units that a department head heads."""
    active: bool = True
    n: int = 1
    """Rises with every change. Tokens carry it, so that those from before a change are refused."""

    @property
    def caller(self) -> Caller:
        """The user as a token says it."""
        return Caller(
            user=self.id, username=self.username, roles=self.roles, person=self.person_id, units=tuple(self.units)
        )


def checked_username(username: str) -> str:
    """The name as it is stored.

    Raises:
        Invalid: it is empty, too long, or has characters that could be mistaken.
    """
    name = unicodedata.normalize("NFKC", username).strip()
    if not _NAME.fullmatch(name):
        detail = "1 to 150 letters, digits, and . @ + - _"
        raise Invalid(f"the username has to be {detail}", fields={"username": detail})
    return name


def username_key(username: str) -> str:
    """What two names share that count as the same: "Ann" and "ann"."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def check_password(password: str, username: str) -> None:
    """Length is all that is asked; no rule makes people add an exclamation mark.

    Raises:
        Invalid: it is too short, too long, or the username.
    """
    least, most = PASSWORD_LENGTH
    detail = None
    if not least <= len(password) <= most:
        detail = f"{least} to {most} characters"
    elif username_key(password) == username_key(username):
        detail = "something else than the username"
    if detail:
        raise Invalid(f"the password has to be {detail}", fields={"password": detail})


def checked_roles(roles: Iterable[str]) -> frozenset[str]:
    """The roles as a set.

    Raises:
        Invalid: one does not exist.
    """
    wanted = frozenset(roles)
    if unknown := sorted(wanted - set(ROLES)):
        detail = f"{sentence(unknown)} is not a role; roles are {sentence(list(ROLES))}"
        raise Invalid(detail, fields={"roles": detail})
    return wanted


def check_someone_remains(before: User, after: User, *, administrators: int) -> None:
    """Refuse what would leave nobody who can let others in. `administrators` counts the active ones before.

    Raises:
        Conflict: the last active super admin would be none any more.
    """
    if _administers(before) and not _administers(after) and administrators <= 1:
        raise Conflict("this is the last active super admin; make another one first")


def _administers(user: User) -> bool:
    return user.active and "super_admin" in user.roles
