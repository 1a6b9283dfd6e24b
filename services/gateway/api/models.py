"""What clients send, and the shape of a user in what they get."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from services.gateway.application.signing_in import Granted
from services.gateway.domain.accounts import User
from services.gateway.domain.badges import Person
from shared.web.scope import ROLES

Role = Annotated[str, WithJsonSchema({"type": "string", "enum": list(ROLES)})]
"""Whether it is one is looked at by the domain, which names those that there are."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Login(BaseModel):
    """More members are tolerated: existing pages send `remember_me` and the like."""

    model_config = ConfigDict(strict=True)
    username: str = Field(max_length=1000)
    password: str = Field(max_length=1000)


class Refresh(BaseModel):
    """A browser sends nothing: its cookie says it."""

    refresh: str | None = Field(default=None, max_length=5000)


class ChangePassword(_Body):
    """One's own."""

    old_password: str = Field(max_length=1000)
    new_password: str = Field(max_length=1000)


class _WithRoles(_Body):
    @model_validator(mode="before")
    @classmethod
    def _one_role(cls, given: Any) -> Any:
        """`role` is what a user with one role is read with, so it can be sent, too."""
        if isinstance(given, dict) and isinstance(given.get("role"), str) and "roles" not in given:
            return {**{name: value for name, value in given.items() if name != "role"}, "roles": [given["role"]]}
        return given


class NewUser(_WithRoles):
    """A user to be made; `role` may stand for `roles`."""

    username: str
    password: str
    roles: list[Role] = Field(default=["employee"])
    person: int | None = Field(default=None, description="the id of the person who the user is")
    units: list[int] = Field(default=[], description="the ids of the departments that a head heads")


class UserChange(_WithRoles):
    """What is missing stays as it is; `role` may stand for `roles`."""

    roles: list[Role] | None = None
    person: int | None = None
    units: list[int] | None = None
    is_active: bool | None = None
    password: str | None = None


def said(user: User, person: Person | None = None) -> dict[str, Any]:
    """A user as clients see one."""
    return {
        "id": user.id,
        "username": user.username,
        "role": next((role for role in ROLES if role in user.roles), None),
        "roles": [role for role in ROLES if role in user.roles],
        "person": user.person_id,
        "employee_id": person.code if person else None,
        "employee_name": person.name if person else None,
        "units": list(user.units),
        "is_active": user.active,
    }


def granted_body(granted: Granted) -> dict[str, Any]:
    """What signing in and refreshing answer."""
    return {"access": granted.access, "refresh": granted.refresh, "user": said(granted.user, granted.person)}
