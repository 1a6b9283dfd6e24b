import pytest

from services.ingest.domain.alarms import Alarms


def lost(alarms: Alarms, *, times: int = 1) -> None:
    """Contact is lost, and attempts to get it back that fail follow."""
    alarms.end()
    alarms.lose()
    for _ in range(times):
        alarms.begin()
        alarms.lose()
    alarms.begin()


@pytest.fixture
def alarms() -> Alarms:
    alarms = Alarms()
    alarms.begin()
    return alarms


def test_what_holds_is_shown_with_its_latest_figures_and_is_news_once(alarms: Alarms) -> None:
    alarms.say("log full", "its log is 85 % full")
    assert alarms.news() == ["its log is 85 % full"]
    alarms.say("log full", "its log is 86 % full")
    alarms.say("clock", "its clock is 70 s ahead")
    assert alarms.news() == ["its clock is 70 s ahead"]
    assert alarms.sentences == ("its log is 86 % full", "its clock is 70 s ahead")


def test_what_comes_back_after_it_was_settled_is_news_again(alarms: Alarms) -> None:
    alarms.say("clock", "its clock is 70 s ahead")
    alarms.news()
    assert alarms.settle("clock")
    assert (alarms.sentences, alarms.settle("clock"), alarms.holds("clock")) == ((), False, False)
    alarms.say("clock", "its clock is 80 s ahead")
    assert alarms.news() == ["its clock is 80 s ahead"]


@pytest.mark.parametrize("failures", [0, 1, 5])
def test_what_is_said_again_in_the_next_contact_is_no_news(alarms: Alarms, failures: int) -> None:
    alarms.say("log full", "its log is 85 % full")
    alarms.news()
    for _ in range(3):
        lost(alarms, times=failures)
        assert alarms.sentences == ()
        alarms.say("log full", "its log is 86 % full")
        assert (alarms.news(), alarms.sentences) == ([], ("its log is 86 % full",))


def test_what_is_not_said_in_the_next_contact_is_forgotten(alarms: Alarms) -> None:
    alarms.say("log cleared", "its log was cleared")
    alarms.news()
    lost(alarms)
    lost(alarms)
    alarms.say("log cleared", "its log was cleared")
    assert alarms.news() == ["its log was cleared"]


def test_what_nobody_was_told_of_before_contact_failed_is_news_in_the_next(alarms: Alarms) -> None:
    alarms.say("clock", "its clock is 70 s ahead")
    alarms.lose()
    alarms.begin()
    alarms.say("clock", "its clock is 70 s ahead")
    assert alarms.news() == ["its clock is 70 s ahead"]


def test_between_contacts_that_end_as_they_should_a_warning_holds_on(alarms: Alarms) -> None:
    alarms.say("clock", "its clock is 70 s ahead")
    alarms.say("log cleared", "its log was cleared")
    alarms.news()
    alarms.end()
    alarms.begin()
    assert len(alarms.sentences) == 2
    alarms.say("clock", "its clock is 71 s ahead")
    assert not alarms.news()
    alarms.end()
    assert alarms.sentences == ("its clock is 71 s ahead",)
