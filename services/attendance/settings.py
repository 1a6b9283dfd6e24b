"""What an operator can set for attendance."""

from zoneinfo import ZoneInfo

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """From the environment, each with the prefix `MUSTER_`."""

    model_config = SettingsConfigDict(env_prefix="MUSTER_", frozen=True, extra="ignore")

    timezone: str | None = None
    """The zone of the main site: `Asia/Dhaka`. Else that of the first machine, else UTC."""
    workers: int = Field(default=2, ge=1, le=16)
    """Batches of scans that this process works on at once."""

    @field_validator("timezone", mode="before")
    @classmethod
    def _is_a_zone(cls, value: object) -> object:
        if not value:
            return None
        try:
            ZoneInfo(str(value))
        except (ValueError, OSError, KeyError) as error:
            raise ValueError(f"MUSTER_TIMEZONE: {value!r} is not a time zone such as Asia/Dhaka") from error
        return value
