"""What the environment may say, and what is said about what it may not."""

import pytest

from deploy.settings import WrongSetting, installation, known_variables, read, unknown_variables
from services.reports.settings import Settings as ReportsSettings


def test_a_zone_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_TIMEZONE", "Asia/Nowhere")
    with pytest.raises(WrongSetting, match=r"MUSTER_TIMEZONE: 'Asia/Nowhere' is no time zone"):
        installation()


def test_a_short_secret_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_SECRET", "short-and-secret")
    with pytest.raises(WrongSetting, match="at least 32 characters") as refused:
        installation()
    assert "short-and-secret" not in str(refused.value)


def test_an_empty_variable_is_an_absent_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_TIMEZONE", "")
    monkeypatch.setenv("MUSTER_ADMIN_PASSWORD", "")
    assert installation().timezone is None
    assert installation().admin_password is None


def test_what_is_missing_is_named_as_the_variables_that_it_is() -> None:
    with pytest.raises(WrongSetting, match="Set MUSTER_DATABASE_URL and MUSTER_SECRET in the environment"):
        installation(bus_url="amqp://here").required("database_url", "bus_url", "secret")


def test_peers_are_the_services_that_have_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_ATTENDANCE_URL", "http://attendance:8002")
    monkeypatch.setenv("MUSTER_DATABASE_URL", "postgresql://x")
    assert installation().peers() == {"attendance": "http://attendance:8002"}


def test_a_misspelt_variable_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_TIMEZON", "Asia/Dhaka")
    monkeypatch.setenv("MUSTER_TEST_DATABASE_URL", "postgresql://x")
    assert unknown_variables() == ["MUSTER_TIMEZON"]


def test_the_settings_of_the_services_are_known_too() -> None:
    assert {"MUSTER_ORIGINS", "MUSTER_SECRET", "MUSTER_URL", "MUSTER_TOKEN"} <= known_variables()


def test_a_setting_of_a_service_is_named_by_its_whole_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_REPORTS_WORKERS", "many")
    with pytest.raises(WrongSetting, match=r"^MUSTER_REPORTS_WORKERS: "):
        read(ReportsSettings)
    monkeypatch.setenv("MUSTER_REPORTS_WORKERS", "")
    assert read(ReportsSettings).workers == 1
    assert "MUSTER_REPORTS_WORKERS" in known_variables()
