"""What an operator can set for the gateway."""

import ipaddress
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """From the environment, each with the prefix `MUSTER_`."""

    model_config = SettingsConfigDict(env_prefix="MUSTER_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    """Where the gateway listens."""
    origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Web origins besides the gateway's own whose pages may call it: `https://hr.example.com,https://…`."""
    live_open: bool = False
    """Lets who connects over loopback listen without signing in; never anybody from elsewhere."""
    secure_cookies: bool = False
    """Cookies for HTTPS only, also where the gateway itself cannot see that the way to it is HTTPS."""
    access_minutes: int = Field(default=15, ge=1, le=24 * 60)
    """How long an access token is good."""
    refresh_days: int = Field(default=14, ge=1, le=365)
    """How long a session may stay unused."""
    most_live_clients: int = Field(default=10_000, ge=1)
    """Live connections that one instance takes."""
    essential_peers: Annotated[tuple[str, ...], NoDecode] = ("ingest", "attendance")
    """Services without which no scan can be taken; `/health/ready` asks them too."""

    @field_validator("origins", "essential_peers", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return (
            tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
                raise ValueError(f"MUSTER_ORIGINS: {origin!r} is not an origin such as https://hr.example.com")
        return value

    @model_validator(mode="after")
    def _open_at_home_only(self) -> "Settings":
        if self.live_open and not _loopback(self.host):
            raise ValueError(f"MUSTER_LIVE_OPEN lets anybody listen: not possible with MUSTER_HOST={self.host}")
        return self

    @property
    def access_lasts(self) -> timedelta:
        return timedelta(minutes=self.access_minutes)

    @property
    def refresh_lasts(self) -> timedelta:
        return timedelta(days=self.refresh_days)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
