"""What can be said about a system that sends scans as JSON."""

import re
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.ingest.domain.reading import ScanType

SHORTEST_KEY: Final = 20
"""Characters. Whoever has the key can send scans of everybody, and may try keys as often as they like."""
WEEK: Final = 604_800
_KEY: Final = re.compile("[!-~]*")


class HttpSettings(BaseModel):
    """The config of a system that calls `POST /api/ingest/scans/`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: str = Field(
        default="", max_length=200, description="What it shows when it calls, and is known by; never shown again"
    )
    directions: dict[Annotated[str, Field(max_length=64)], ScanType] = Field(
        default_factory=dict, max_length=100, description="What its states mean, where they are none of our words"
    )
    silent_for: float = Field(default=3600, gt=0, le=WEEK, description="Seconds without a call after which it is away")

    @field_validator("api_key")
    @classmethod
    def _is_a_key(cls, key: str) -> str:
        if key and (len(key) < SHORTEST_KEY or not _KEY.fullmatch(key)):
            raise ValueError(
                f"a key has {SHORTEST_KEY} characters or more, of ASCII and without blanks, such as those of"
                " `openssl rand -hex 24`"
            )
        return key
