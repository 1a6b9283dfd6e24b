"""What an operator can set for ingest."""

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """From the environment, each with the prefix `MUSTER_`."""

    model_config = SettingsConfigDict(env_prefix="MUSTER_", frozen=True, extra="ignore")

    timezone: str | None = None
    """The zone of machines that are registered without one: `Asia/Dhaka`. Else that of the first machine."""
    confirm_within: float = Field(default=2.0, gt=0, le=60)
    """Seconds that the bus has to confirm scans before our own disk takes them."""

    @field_validator("timezone", mode="before")
    @classmethod
    def _none_if_empty(cls, value: object) -> object:
        return value or None
