"""Identifiers sort by time; errors carry sentences; the clock is aware."""

import time
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122

import pytest

from shared.kernel import errors
from shared.kernel.clock import SystemClock
from shared.kernel.identifiers import new_id


def test_an_identifier_is_a_uuid_of_version_7():
    made = [new_id() for _ in range(1000)]
    assert {(one.version, one.variant) for one in made} == {(7, RFC_4122)}
    assert len(set(made)) == 1000


def test_identifiers_sort_by_the_time_they_were_made_at():
    made = []
    for _ in range(5):
        made.append(new_id())
        until = time.time_ns() // 1_000_000 + 1
        while time.time_ns() // 1_000_000 < until:
            pass
    assert sorted(made, key=str) == sorted(made) == made


def test_an_identifier_says_when_it_was_made():
    milliseconds = new_id().int >> 80
    assert abs(milliseconds / 1000 - time.time()) < 5


def test_the_present_is_aware_and_in_utc():
    now = SystemClock().now()
    assert now.utcoffset() == timedelta(0)
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


CATEGORIES = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.MusterError)]


@pytest.mark.parametrize("category", CATEGORIES, ids=lambda one: one.__name__)
def test_every_category_carries_a_sentence_and_what_is_wrong_with_which_input(category):
    error = category("the month is missing", fields={"month": "is missing"})
    assert (str(error), error.message, error.fields) == ("the month is missing",) * 2 + ({"month": "is missing"},)


def test_an_error_does_not_share_its_fields_with_who_raised_it():
    given = {"a": "b"}
    error = errors.Invalid("x", fields=given)
    given["a"] = "changed"
    assert error.fields == {"a": "b"}


def test_the_tree_of_categories_is_the_one_that_the_module_draws():
    drawn = errors.__doc__ or ""
    assert all(category.__name__ in drawn for category in CATEGORIES)
    assert issubclass(errors.TooMany, errors.Unavailable)
    assert issubclass(errors.Unauthenticated, errors.Denied)
    assert issubclass(errors.Malformed, errors.Invalid)
    assert issubclass(errors.Stale, errors.Conflict)


@pytest.mark.parametrize(
    ("parts", "said"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_names_become_a_sentence(parts, said):
    assert errors.sentence(parts) == said
