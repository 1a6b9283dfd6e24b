import pytest

from services.ingest.domain.alarms import Alarms


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


def test_what_is_said_again_in_the_next_contact_is_no_news(alarms: Alarms) -> None:
    for number in range(3):
        alarms.begin()
        alarms.say("log full", "its log is 85 % full")
        assert len(alarms.news()) == (1 if number == 0 else 0)
        alarms.end()


def test_what_is_not_said_in_the_next_contact_is_forgotten(alarms: Alarms) -> None:
    alarms.say("log cleared", "its log was cleared")
    alarms.news()
    alarms.end()
    alarms.begin()
    assert alarms.sentences == ()
    alarms.end()
    alarms.begin()
    alarms.say("log cleared", "its log was cleared")
    assert alarms.news() == ["its log was cleared"]


def test_contacts_that_do_not_come_about_make_nothing_news_again(alarms: Alarms) -> None:
    alarms.say("clock", "its clock is 70 s ahead")
    alarms.news()
    alarms.end()
    alarms.begin()
    alarms.begin()
    alarms.say("clock", "its clock is 70 s ahead")
    assert alarms.news() == []
