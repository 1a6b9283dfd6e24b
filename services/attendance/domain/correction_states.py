"""What a correction may become, and by whom: asked for, approved or rejected, withdrawn."""

from enum import StrEnum
from typing import Final

from shared.kernel.errors import Conflict


class State(StrEnum):
    """How a correction stands; only an approved one is in force."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Act(StrEnum):
    """What is done about a correction."""

    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"


def after(state: State, act: Act) -> State:
    """The state that an act leads to.

    Raises:
        Conflict: the act is not possible in this state.
    """
    to = _TURNS.get((state, act))
    if to is None:
        raise Conflict(f"this correction is {state}, so it cannot be {_DONE[act]} any more")
    return to


_TURNS: Final = {
    (State.REQUESTED, Act.APPROVE): State.APPROVED,
    (State.REQUESTED, Act.REJECT): State.REJECTED,
    (State.REQUESTED, Act.WITHDRAW): State.WITHDRAWN,
    (State.APPROVED, Act.WITHDRAW): State.WITHDRAWN,
}
_DONE: Final = {Act.APPROVE: "approved", Act.REJECT: "rejected", Act.WITHDRAW: "withdrawn"}
