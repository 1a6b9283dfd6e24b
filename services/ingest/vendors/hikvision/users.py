"""Asking a terminal for its people and their cards: what is asked, and what is read of what comes back. Pure.

The documents hold passwords, and say where photos are: nothing here reads them. Not in PROTOCOLS; as clients that
others wrote ask, and as terminals answer them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.ingest.domain.machine_user import MachineUser
from services.ingest.vendors.hikvision.tree import Tree, inner, number, text

PEOPLE: Final = "/ISAPI/AccessControl/UserInfo/Search?format=json"
CARDS: Final = "/ISAPI/AccessControl/CardInfo/Search?format=json"
PAGE: Final = 30
"""People, or cards, asked for at once: what every firmware gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One of its people, without their card's number, which it keeps elsewhere."""

    badge: str
    name: str
    is_admin: bool
    has_card: bool
    """Or may have: some firmware does not say."""

    def with_card(self, card: str) -> MachineUser:
        return MachineUser(badge=self.badge, name=self.name, is_admin=self.is_admin, card=card)


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of what was searched for."""

    rows: Sequence[Tree]
    size: int
    """How far the next part is."""
    more: bool


def people_from(position: int, *, search: str) -> Mapping[str, Any]:
    """The question for its people. `search` stays the same from part to part."""
    return {"UserInfoSearchCond": _condition(position, search)}


def cards_from(position: int, *, search: str, badges: Sequence[str]) -> Mapping[str, Any]:
    """The question for the cards of these people."""
    of = [{"employeeNo": badge} for badge in badges]
    return {"CardInfoSearchCond": {**_condition(position, search), "EmployeeNoList": of}}


def part_of(tree: Tree, *, root: str, rows: str) -> Part | None:
    """An answer to either question; None where it is none."""
    reply = inner(tree, root)
    if not reply:
        return None
    listed = reply.get(rows)
    found = [row for row in listed if isinstance(row, Mapping)] if isinstance(listed, list) else []
    more = text(reply, "responseStatusStrg").upper() == "MORE" and bool(found)
    return Part(found, max(number(reply, "numOfMatches") or 0, len(found)), more)


def person_of(row: Tree) -> Person | None:
    """One of its people; None where the row names nobody."""
    badge = text(row, "employeeNo")
    if not badge:
        return None
    return Person(
        badge=badge,
        name=text(row, "name"),
        is_admin=text(row, "localUIRight").casefold() == "true",
        has_card=number(row, "numOfCard") != 0,
    )


def card_of(row: Tree) -> tuple[str, str]:
    """Whose card it is, and its number."""
    return text(row, "employeeNo"), text(row, "cardNo")


def _condition(position: int, search: str) -> Mapping[str, Any]:
    return {"searchID": search, "searchResultPosition": position, "maxResults": PAGE}
