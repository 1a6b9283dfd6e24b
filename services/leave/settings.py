"""What an operator can set for leave."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """From the environment, each with the prefix `MUSTER_LEAVE_`. So far there is nothing to choose."""

    model_config = SettingsConfigDict(env_prefix="MUSTER_LEAVE_", frozen=True, extra="ignore")
