"""Events about users, published by the gateway."""

from typing import ClassVar

from shared.contracts.event import Event, Version


class UserChanged(Event, frozen=True, kw_only=True):
    """The present state of a user: who signs in, in which roles, for which units."""

    wire_type: ClassVar[str] = "gateway.user.changed.v1"
    # No service keeps users yet; the first that does turns this off, and asks the gateway to publish all again.
    live_only: ClassVar[bool] = True

    user_id: int
    username: str
    person_id: int | None
    roles: list[str]
    units: list[int]
    active: bool
    version: Version
    removed: bool = False

    def subject(self) -> str:
        return self.username
