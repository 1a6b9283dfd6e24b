"""What an operator sets, all of it by environment variables; read here, in `deploy`, and nowhere below."""

import os
from importlib import import_module
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.kernel.errors import Malformed
from shared.kernel.in_words import in_words

PREFIX = "MUSTER_"
S = TypeVar("S", bound=BaseSettings)
_FORM = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)


class WrongSetting(Malformed):
    """A variable of the environment cannot be what it is, or is missing."""


class Installation(BaseSettings):
    """What every service of an installation shares, and how this process shows itself."""

    model_config = _FORM

    database_url: str = ""
    """`postgresql://user:password@host:port/name`."""
    bus_url: str = ""
    """`amqp://…`, or `postgresql://…` for one machine."""
    secret: SecretStr = SecretStr("")
    """Signs tokens; the same for all services."""
    timezone: str | None = None
    """IANA zone of the site. Without it: that of the first machine, else UTC."""
    admin_password: SecretStr | None = None
    """Of the user `admin`, when it is first made."""
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    host: str = "127.0.0.1"
    """Where this process listens; `0.0.0.0` lets others reach it."""
    http_port: int | None = None
    live_port: int | None = None
    machine_port: int | None = None
    """Where machines that push reach ingest when all run in one process; None lets none reach it."""
    ingest_url: str | None = None
    attendance_url: str | None = None
    leave_url: str | None = None
    reports_url: str | None = None
    gateway_url: str | None = None

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, value: str | None) -> str | None:
        if value is not None:
            zone(value)
        return value

    @field_validator("secret")
    @classmethod
    def _is_long(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < 32:
            raise ValueError("needs at least 32 characters, such as `openssl rand -hex 32` prints")
        return value

    def required(self, *names: str) -> None:
        """Refuse to go on without these.

        Raises:
            WrongSetting: names the variables that are missing.
        """
        empty = (None, "", SecretStr(""))
        if missing := [f"{PREFIX}{name.upper()}" for name in names if getattr(self, name) in empty]:
            raise WrongSetting(f"Set {' and '.join(missing)} in the environment.")

    def peers(self) -> dict[str, str]:
        """The base URLs of services elsewhere, by name."""
        named = {name.removesuffix("_url"): getattr(self, name) for name in type(self).model_fields}
        return {name: url for name, url in named.items() if url and f"{name}_url" in _PEER_FIELDS}


_PEER_FIELDS = ("ingest_url", "attendance_url", "leave_url", "reports_url", "gateway_url")


class Client(BaseSettings):
    """What a command needs to reach a running system."""

    model_config = _FORM

    url: str = "http://127.0.0.1:8000"
    token: SecretStr | None = None
    """An access token, as `muster token` prints it."""
    admin_password: SecretStr | None = None
    """Signs in as admin where there is no token."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{value!r} is no address such as http://127.0.0.1:8000")
        return value


def installation(**given: Any) -> Installation:
    """The settings of the environment; `given` wins over it.

    Raises:
        WrongSetting: one of them cannot be; it is named as the variable that it is.
    """
    return read(Installation, **given)


def read(model: type[S], **given: Any) -> S:
    """Settings of any service from the environment; an empty variable is an absent one.

    Raises:
        WrongSetting: one of them cannot be.
    """
    try:
        return model(_env_ignore_empty=True, **given)
    except ValidationError as error:
        raise WrongSetting(_sentence(error, model)) from error


def zone(name: str) -> ZoneInfo:
    """The zone of that name.

    Raises:
        ValueError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone; zones are named like Asia/Kolkata (IANA)") from error


def known_variables() -> set[str]:
    """Every variable that Muster reads, those of the services too."""
    from deploy.catalogue import SERVICES

    models: list[type[BaseSettings]] = [Installation, Client]
    for name in SERVICES:
        try:
            module = import_module(f"services.{name}.settings")
        except ModuleNotFoundError:  # a service with nothing to set has no such file
            continue
        models.append(module.Settings)
    return {_variable(model, field) for model in models for field in model.model_fields}


def unknown_variables() -> list[str]:
    """Variables that look like ours and are none: most likely misspelt, and without effect."""
    allowed = known_variables()
    return sorted(
        name
        for name in os.environ
        if name.startswith(PREFIX) and name not in allowed and not name.startswith((f"{PREFIX}TEST_", f"{PREFIX}REAL_"))
    )


def _variable(model: type[BaseSettings], field: str) -> str:
    return f"{model.model_config.get('env_prefix', '')}{field}".upper()


def _sentence(error: ValidationError, model: type[BaseSettings]) -> str:
    said = []
    for item in error.errors():
        variable = _variable(model, "_".join(str(part) for part in item["loc"]))
        said.append(f"{variable}: {in_words(item).removeprefix(f'{variable}: ')}")
    return "; ".join(said)
