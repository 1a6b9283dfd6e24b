"""What can be said about a simulated machine."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

HabitName = Literal[
    "punctual", "early", "late", "diligent", "forgetful", "double tapper", "lunch leaver", "night shift"
]
Badge = Annotated[str, Field(min_length=1, max_length=64)]


class SimulatedSettings(BaseModel):
    """The config of a simulated machine. The same config gives the same scans for a date, always."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    people: int = Field(default=40, ge=1, le=100_000, description="How many people, badges 1, 2, 3 …")
    first: int = Field(default=1, ge=0, description="The number of the first badge")
    prefix: str = Field(default="", max_length=32, description="What stands before the number of a badge")
    badges: tuple[Badge, ...] | None = Field(default=None, min_length=1, description="These badges instead")
    seed: int = Field(default=1, description="Another seed, another company")
    habits: tuple[HabitName, ...] | None = Field(
        default=None, min_length=1, description="What people are like, in these shares; the usual mix, if null"
    )
    weekend_days: tuple[int, ...] = Field(default=(5,), description="Days on which nobody comes; 0 is Sunday")
    history_days: int = Field(default=0, ge=0, le=3660, description="Days before today that its log holds")
    speed: float = Field(default=0.0, ge=0, description="Times real time at which its log is told; 0: at once")
    rate: float = Field(
        default=0.0, ge=0, le=100_000, description="Live scans a second by anyone, at any hour, beside the working day"
    )
    gate: int = Field(default=1, ge=1, description="Which of the gates of the same people this machine is")
    gates: int = Field(default=1, ge=1, le=1000, description="How many machines these people share")

    def badge_of(self, person: int) -> str:
        """The badge of a person; people are numbered from 0."""
        return self.badges[person] if self.badges is not None else f"{self.prefix}{self.first + person}"

    @property
    def count(self) -> int:
        """How many people there are."""
        return len(self.badges) if self.badges is not None else self.people
