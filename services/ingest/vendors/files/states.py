"""What the words mean that files have for in, out and the rest. Codes of ZKTeco count as in its own files."""

import re
from typing import Final

from services.ingest.domain.reading import ScanType
from services.ingest.vendors.zkteco.states import STATES

_WORDS: Final = {
    ScanType.IN: "in cin checkin clockin punchin signin dutyon onduty entry entrada enter i e 上班 签到",
    ScanType.OUT: "out cout checkout clockout punchout signout dutyoff offduty exit salida saida leave o s 下班 签退",
    # A key that says "break out" is pressed by who leaves for the break.
    ScanType.BREAK_IN: "breakout outbreak goout startbreak breakstart",
    ScanType.BREAK_OUT: "breakin outback backfrombreak goin endbreak breakend",
    ScanType.OVERTIME_IN: "overtimein overtimeon otin ot",
    ScanType.OVERTIME_OUT: "overtimeout overtimeoff otout done",
}
_TYPES: Final = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_OURS: Final = {kind.value: kind for kind in ScanType}
"""As our own exports write them; `BREAK_IN` is another thing there than "break in" on a key."""
_BETWEEN: Final = re.compile(r"[\W_]+")


def type_of(state: str) -> ScanType:
    """The type that a state stands for; what nobody knows is unknown."""
    if found := STATES.get(state) or _OURS.get(state):
        return found
    return _TYPES.get(_BETWEEN.sub("", state.lower()), ScanType.UNKNOWN)
