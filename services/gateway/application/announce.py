"""What others are told of users."""

from services.gateway.application.ports import Accounts
from services.gateway.domain.accounts import User
from shared.contracts.event import Version
from shared.contracts.users import UserChanged


async def user_changed(accounts: Accounts, user: User) -> UserChanged:
    """The user's present state as an event."""
    return UserChanged(
        user_id=user.id,
        username=user.username,
        person_id=user.person_id,
        roles=sorted(user.roles),
        units=list(user.units),
        active=user.active,
        version=Version(epoch=await accounts.epoch(), n=user.n),
    )
