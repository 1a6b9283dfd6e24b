"""The small rules: attempts, sessions, origins, badges, accounts, hours."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from services.gateway.domain.accounts import check_password, checked_roles, checked_username, username_key
from services.gateway.domain.attempts import MOST_KEYS, PER_ADDRESS, PER_NAME, PER_NAME_AND_ADDRESS, Attempts
from services.gateway.domain.badges import Holding, Person, holder
from services.gateway.domain.origins import allowed
from services.gateway.domain.sessions import Session, TokenId, Verdict, judge
from services.gateway.live.frames import hours, state
from shared.kernel.errors import Invalid, TooMany
from tests.gateway.fakes import day

NOW = datetime(2024, 1, 15, 12, tzinfo=UTC)
ID = UUID(int=7)


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, 0.0),
        (1, 0.02),
        (2, 0.03),
        (30, 0.5),
        (505, 8.42),
        (510, 8.5),
        (485, 8.08),
        (59, 0.98),
        (-1, -0.02),
        (-505, -8.42),
    ],
)
def test_hours_have_two_decimals(minutes: int, said: float) -> None:
    assert hours(minutes) == said


@pytest.mark.parametrize(
    ("computed_at", "said"),
    [
        (datetime(2024, 1, 15, 12, tzinfo=UTC), "provisional"),
        (datetime(2024, 1, 17, 17, 59, tzinfo=UTC), "provisional"),
        (datetime(2024, 1, 17, 18, tzinfo=UTC), "final"),
    ],
)
def test_a_day_is_final_once_nothing_can_come_for_it(computed_at: datetime, said: str) -> None:
    assert state(day(1, date=date(2024, 1, 15), zone="Asia/Dhaka", computed_at=computed_at)) == said


def test_a_user_waits_after_ten_failures_and_others_do_not() -> None:
    attempts = Attempts()
    for _ in range(PER_NAME_AND_ADDRESS.failures):
        attempts.check("ann", "a", now=NOW)
        attempts.failed("ann", "a", now=NOW)
    with pytest.raises(TooMany) as refused:
        attempts.check("ann", "a", now=NOW + timedelta(minutes=4))
    assert refused.value.retry_after == 60
    assert refused.value.message == "too many failed sign-ins; try again in 60 seconds"
    with pytest.raises(TooMany, match="try again in 5 minutes"):
        attempts.check("ann", "a", now=NOW)
    attempts.check("ann", "b", now=NOW)
    attempts.check("bob", "a", now=NOW)
    attempts.check("ann", "a", now=NOW + timedelta(minutes=6))


def test_many_addresses_together_cannot_guess_at_one_user_for_ever() -> None:
    attempts = Attempts()
    for number in range(PER_NAME.failures):
        attempts.failed("ann", str(number), now=NOW)
    with pytest.raises(TooMany):
        attempts.check("ann", "fresh", now=NOW)


def test_one_address_cannot_guess_at_many_users_for_ever() -> None:
    attempts = Attempts()
    for number in range(PER_ADDRESS.failures):
        attempts.failed(str(number), "a", now=NOW)
    with pytest.raises(TooMany):
        attempts.check("fresh", "a", now=NOW)


def test_a_right_password_makes_typing_errors_forgotten() -> None:
    attempts = Attempts()
    for _ in range(PER_NAME_AND_ADDRESS.failures):
        attempts.failed("ann", "a", now=NOW)
    attempts.succeeded("ann", "a")
    attempts.check("ann", "a", now=NOW)


def test_what_is_remembered_of_failures_is_bounded() -> None:
    attempts = Attempts()
    for number in range(MOST_KEYS):
        attempts.failed(str(number), str(number), now=NOW)
    assert len(attempts._failures) <= MOST_KEYS


@pytest.mark.parametrize(
    ("generation", "at", "revoked", "verdict"),
    [
        (3, NOW, None, Verdict.ROTATE),
        (2, NOW, None, Verdict.REUSED),
        (4, NOW, None, Verdict.REUSED),
        (3, NOW + timedelta(days=1), None, Verdict.ENDED),
        (3, NOW, NOW, Verdict.ENDED),
        (2, NOW, NOW, Verdict.ENDED),
    ],
)
def test_only_the_newest_refresh_token_is_good(
    generation: int, at: datetime, revoked: datetime | None, verdict: Verdict
) -> None:
    session = Session(id=ID, user_id=1, generation=3, expires_at=NOW + timedelta(days=1), revoked_at=revoked)
    assert judge(session, generation=generation, now=at) is verdict


@pytest.mark.parametrize("token_id", [TokenId(session=ID, n=3), TokenId(session=ID, n=0, once="a-b_c")])
def test_a_token_id_reads_as_it_was_written(token_id: TokenId) -> None:
    assert TokenId.parse(str(token_id)) == token_id


@pytest.mark.parametrize("text", ["", ":", "x:1", f"{ID}", f"{ID}:x", "::abc"])
def test_other_ids_are_of_no_session(text: str) -> None:
    assert TokenId.parse(text) is None


@pytest.mark.parametrize(
    ("origin", "host", "same_port", "any_port"),
    [
        ("http://a.example:8000", "a.example:8000", True, True),
        ("http://a.example:3000", "a.example:8000", False, True),
        ("http://A.example", "a.example:80", True, True),
        ("https://a.example", "a.example", True, True),
        ("https://a.example", "a.example:443", True, True),
        ("http://b.example:8000", "a.example:8000", False, False),
        ("http://a.example.evil.example:8000", "a.example:8000", False, False),
        ("http://evil.example/a.example:8000", "a.example:8000", False, False),
        ("http://a.example:8000@evil.example", "a.example:8000", False, False),
        ("http://[::1]:8000", "[::1]:8000", True, True),
        ("null", "a.example", False, False),
        ("", "", False, False),
        ("file://", "a.example", False, False),
        ("http://a.example:x", "a.example", False, False),
        ("https://hr.example.com", "a.example", True, True),
    ],
)
def test_whose_pages_may_use_the_cookie(origin: str, host: str, same_port: bool, any_port: bool) -> None:
    configured = ("https://hr.example.com",)
    assert allowed(origin, host, configured, any_port=False) is same_port
    assert allowed(origin, host, configured, any_port=True) is any_port


DAY = date(2024, 1, 15)


@pytest.mark.parametrize(
    ("since", "until", "holds"),
    [
        (None, None, True),
        (DAY, None, True),
        (date(2024, 1, 16), None, False),
        (None, DAY, False),
        (None, date(2024, 1, 16), True),
        (DAY, date(2024, 1, 16), True),
    ],
)
def test_a_badge_is_held_from_its_first_day_to_before_its_last(
    since: date | None, until: date | None, holds: bool
) -> None:
    person = Person(id=1, code="E", name="N", badges=(Holding(badge="7", since=since, until=until),))
    assert (holder([person], "7", 1, DAY) is person) is holds
    assert holder([person], "07", 1, DAY) is None


def test_on_its_machine_a_bound_badge_wins_over_the_general_one() -> None:
    everywhere = Person(id=1, code="E1", name="", badges=(Holding(badge="7"),))
    there = Person(id=2, code="E2", name="", badges=(Holding(badge="7", machine_id=3, since=DAY),))
    for people in ([everywhere, there], [there, everywhere]):
        assert holder(people, "7", 3, DAY) is there
        assert holder(people, "7", 3, date(2024, 1, 14)) is everywhere
        assert holder(people, "7", 4, DAY) is everywhere
    assert holder([there], "7", 4, DAY) is None


def test_names_that_look_alike_are_one() -> None:
    assert username_key(" Ａnn ") == username_key("ann") == "ann"
    assert checked_username(" Ann@example.com ") == "Ann@example.com"
    for bad in ("", " ", "a b", "a\x00", "x" * 151, "a/b", "<b>"):
        with pytest.raises(Invalid):
            checked_username(bad)


def test_a_password_is_long_enough_and_not_the_name() -> None:
    for good in ("a" * 8, "ü" * 128, "correct horse battery"):
        check_password(good, "ann")
    for bad in ("", "a" * 7, "a" * 129, "annabella", "ANNABELLA"):
        with pytest.raises(Invalid):
            check_password(bad, "Annabella")


def test_a_role_that_does_not_exist_is_named() -> None:
    assert checked_roles(["hr", "hr"]) == {"hr"}
    with pytest.raises(Invalid, match="king"):
        checked_roles(["hr", "king"])
