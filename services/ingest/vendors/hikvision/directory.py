"""The people of a terminal, a part at a time, each part with the cards of those in it."""

import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

from services.ingest.application.drivers import Garbled, NotOffered, ProtocolBroken
from services.ingest.domain.machine_user import MachineUser
from services.ingest.vendors.hikvision.isapi import Isapi, Refused
from services.ingest.vendors.hikvision.tree import Tree
from services.ingest.vendors.hikvision.users import (
    CARDS,
    PEOPLE,
    card_of,
    cards_from,
    part_of,
    people_from,
    person_of,
)

MOST_PARTS: Final = 10_000


async def users_of(isapi: Isapi) -> AsyncGenerator[MachineUser, None]:
    """All of its people, in its order.

    Raises:
        NotOffered: it does not tell who they are.
        MachineTrouble: as `Isapi`.
    """
    search = uuid.uuid4().hex
    parts = _parts(isapi, PEOPLE, lambda at: people_from(at, search=search), root="UserInfoSearch", rows="UserInfo")
    tells_cards = True
    try:
        async with aclosing(parts):
            async for rows in parts:
                people = [person for row in rows if (person := person_of(row)) is not None]
                holders = [person.badge for person in people if person.has_card]
                cards = await _cards(isapi, holders) if tells_cards and holders else {}
                tells_cards = tells_cards and cards is not None
                for person in people:
                    yield person.with_card((cards or {}).get(person.badge, ""))
    except Refused as refused:
        raise NotOffered(f"the machine does not tell who its users are: {refused.refusal}") from refused


async def _cards(isapi: Isapi, badges: Sequence[str]) -> Mapping[str, str] | None:
    """The first card of each; None where it does not tell of cards."""
    search = uuid.uuid4().hex
    parts = _parts(
        isapi, CARDS, lambda at: cards_from(at, search=search, badges=badges), root="CardInfoSearch", rows="CardInfo"
    )
    cards: dict[str, str] = {}
    try:
        async for rows in parts:
            for row in rows:
                badge, card = card_of(row)
                cards.setdefault(badge, card)
    except Refused:
        return None
    return cards


async def _parts(
    isapi: Isapi, path: str, question: Callable[[int], Mapping[str, Any]], *, root: str, rows: str
) -> AsyncGenerator[Sequence[Tree], None]:
    position = 0
    before: Sequence[Tree] = ()
    for _ in range(MOST_PARTS):
        part = part_of(await isapi.search(path, question(position)), root=root, rows=rows)
        if part is None:
            raise ProtocolBroken("it answers the question for its users with something else")
        if part.rows and part.rows == before:
            raise Garbled("it tells of the same people again and again")
        before = part.rows
        if part.rows:
            yield part.rows
        if not part.more:
            return
        position += part.size
    raise Garbled("its users do not end")
