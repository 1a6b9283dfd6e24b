"""What can be said about a ZKTeco machine."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Seconds = Annotated[float, Field(gt=0, le=3600)]


class ZktecoSettings(BaseModel):
    """The config of a machine that speaks the protocol of port 4370. Its address and port are the machine's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    comm_key: int = Field(default=0, ge=0, le=999_999, description="The key in its menu under Comm.; 0 is none")
    driver: Literal["own", "pyzk"] = Field(default="own", description="pyzk where that is known to work, and ours not")
    transport: Literal["tcp", "udp"] = Field(default="tcp", description="udp for old machines that speak that alone")
    live: bool = Field(default=True, description="False asks for its log again and again instead of taking events")
    connect_within: Seconds = Field(default=5, description="Seconds for the connection to stand")
    answer_within: Seconds = Field(default=10, description="Seconds for each packet of an answer")
    look_every: Seconds = Field(default=15, description="Seconds between looks at its clock and its counts")
    push: bool | None = Field(default=None, description="It calls us (ADMS); false refuses it, null waits for it to")
    push_key: str = Field(default="", max_length=100, pattern=r"^[^/\x00-\x20]*$", description="What it shows then")
    silent_for: Seconds = Field(default=180, description="Seconds without a call after which it is away")
    set_clock: bool = Field(default=False, description="True sets its clock by ours where it is more than 5 s wrong")

    @field_validator("transport")
    @classmethod
    def _reads_completely(cls, transport: str, known: ValidationInfo) -> str:
        if transport == "udp" and known.data.get("driver") == "pyzk":
            raise ValueError("pyzk loses records over UDP without a word: leave out driver, or take tcp")
        return transport
