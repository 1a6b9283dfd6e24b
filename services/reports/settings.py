"""What an operator can set for reports."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """From the environment, each with the prefix `MUSTER_REPORTS_`."""

    model_config = SettingsConfigDict(env_prefix="MUSTER_REPORTS_", frozen=True, extra="ignore")

    workers: int = Field(default=1, ge=1, le=16)
    """Batches of days that this process writes at once."""
