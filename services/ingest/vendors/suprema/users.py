"""The people of a server, a part at a time.

They are those of all its machines: a server does not say which of them it has handed to which. Rows may hold a PIN, a
photo and templates; nothing here reads them. Not in PROTOCOLS; as the vendor describes `GET /api/users`.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import Final

from services.ingest.application.drivers import Garbled, NotOffered
from services.ingest.domain.machine_user import MachineUser
from services.ingest.vendors.suprema.biostar import Biostar, Refused
from services.ingest.vendors.suprema.documents import Document, inner, text

PAGE: Final = 200
MOST_PAGES: Final = 10_000
ADMINISTRATOR: Final = "1"
"""The role that may change everything; others may look, or enrol."""


async def users_of(biostar: Biostar) -> AsyncGenerator[MachineUser, None]:
    """All of its people, by their number.

    Raises:
        NotOffered: it does not tell who they are.
        MachineTrouble: as `Biostar`.
    """
    before: list[str] = []
    offset = 0
    for _ in range(MOST_PAGES):
        try:
            rows = await biostar.users(offset=offset, most=PAGE)
        except Refused as refused:
            raise NotOffered(f"the BioStar server does not tell who its users are: {refused.said}") from refused
        users = [user for row in rows if (user := user_of(row)) is not None]
        badges = [user.badge for user in users]
        if badges and badges == before:
            raise Garbled("the BioStar server tells of the same people again and again")
        for user in users:
            yield user
        if len(rows) != PAGE:  # the last part; or all of them, from a server that knows no parts
            return
        before = badges
        offset += len(rows)
    raise Garbled("the people of the BioStar server do not end")


def user_of(row: Document) -> MachineUser | None:
    """One of its people; None where the row names nobody. Pure."""
    badge = text(row, "user_id")
    if badge in ("", "0"):
        return None
    return MachineUser(
        badge=badge,
        name=text(row, "name"),
        is_admin=text(inner(row, "permission"), "id") == ADMINISTRATOR,
        card=_card(row),
    )


def _card(row: Document) -> str:
    cards = row.get("cards")
    found = [text(card, "card_id") for card in cards if isinstance(card, Mapping)] if isinstance(cards, list) else []
    return next(filter(None, found), "")
