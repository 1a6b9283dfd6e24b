"""What pydantic finds wrong is told in words that name the field, and hold nothing of pydantic."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StringConstraints, ValidationError, field_validator

from shared.kernel.in_words import by_name


class Part(BaseModel):
    kind: Literal["a"]
    size: int


class OtherPart(BaseModel):
    kind: Literal["b"]


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(min_length=1, max_length=5)] = "x"
    code: Annotated[str, StringConstraints(min_length=3, pattern="^[a-z]*$")] = "abc"
    count: Annotated[int, Field(ge=1, le=9)] = 1
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    flag: bool = False
    status: Literal["active", "inactive"] = "active"
    day: date | None = None
    at: datetime | None = None
    id: UUID | None = None
    department: Annotated[StrictInt, Field(ge=1)] | Annotated[str, StringConstraints(max_length=5)] | None = None
    parts: Annotated[list[Annotated[Part | OtherPart, Field(discriminator="kind")]], Field(max_length=2)] = []
    config: dict[str, Any] = {}

    @field_validator("flag")
    @classmethod
    def _never(cls, flag: bool) -> bool:
        if flag:
            raise ValueError("is never true on a Sunday")
        return flag


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": ""}, {"name": "is empty"}),
        ({"name": "abcdef"}, {"name": "has more than 5 characters"}),
        ({"name": 7}, {"name": "is to be text, in quotes"}),
        ({"code": "ab"}, {"code": "has fewer than 3 characters"}),
        ({"code": "ABC"}, {"code": "has a form, or holds a character, that is not possible here"}),
        ({"count": "many"}, {"count": "is to be a whole number"}),
        ({"count": 1.5}, {"count": "is to be a whole number"}),
        ({"count": 0}, {"count": "is to be 1 or more"}),
        ({"count": 10}, {"count": "is to be 9 or less"}),
        ({"share": 0}, {"share": "is to be more than 0.0"}),
        ({"share": []}, {"share": "is to be a number"}),
        ({"flag": "perhaps"}, {"flag": "is to be true or false"}),
        ({"flag": True}, {"flag": "is never true on a Sunday"}),
        ({"status": "asleep"}, {"status": "is to be 'active' or 'inactive'"}),
        ({"day": "tomorrow"}, {"day": "is no date, such as 2026-11-22"}),
        ({"at": "soon"}, {"at": "is no date and time, such as 2026-11-22T08:00"}),
        ({"id": "7"}, {"id": "is no UUID"}),
        ({"department": [7]}, {"department": "is to be a whole number, or text, in quotes"}),
        ({"department": 0}, {"department": "is to be 1 or more, or text, in quotes"}),
        ({"parts": "a"}, {"parts": "is to be a list"}),
        ({"parts": [{"kind": "a"}]}, {"parts/0/size": "is missing"}),
        ({"parts": [{"kind": "c"}]}, {"parts/0": "is to be of one of the kinds 'a', 'b'"}),
        ({"parts": [{}]}, {"parts/0": "does not say its 'kind'"}),
        ({"parts": [{"kind": "b"}] * 3}, {"parts": "has more than 2 entries"}),
        ({"config": 7}, {"config": "is to be an object, such as {}"}),
        ({"colour": 7}, {"colour": "is not known here; is it misspelt?"}),
        ([], {"": "is to be an object, such as {}"}),
        ({"name": "", "count": 0}, {"name": "is empty", "count": "is to be 1 or more"}),
    ],
)
def test_each_is_said_of_what_it_is_about(given: Any, said: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as raised:
        Whole.model_validate(given)
    found = by_name(raised.value.errors(), given)
    assert found == said
    assert not re.search("valid|input|pydantic|function|constrained", str(found), re.IGNORECASE)
