"""What can be wrong with a machine, by name: `split=3`, `cut=500`, `gap=10`. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.ingest.vendors.faults import Fault, chosen, from_one


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Which faults there are. The names are those of `FAULTS`, which says what each does."""

    cut: int = 0
    split: int = 0
    burst: int = 0
    silence: int | None = None
    duplicate: bool = False
    clock: timedelta = timedelta(0)
    gap: int = 0
    wrong_bcc: int = 0
    oversize: int = 0
    garbage: int = 0


NONE: Final = Faults()


FAULTS: Final[Mapping[str, Fault]] = {
    "cut": Fault(about="it hangs up after so many bytes", read=from_one, usual=500, example="500"),
    "split": Fault(about="everything leaves in pieces of so many bytes", read=from_one, usual=3, example="3"),
    "burst": Fault(about="records wait until there are so many, and leave in one piece", read=from_one, usual=20,
                   example="20"),
    "silence": Fault(about="it says so many records, and then nothing", read=int, usual=0, example="5"),
    "duplicate": Fault(about="it says every record twice"),
    "clock": Fault(
        about="its clock is so many seconds ahead, or behind",
        read=lambda text: timedelta(seconds=int(text)),
        usual=None,
        example="+3600",
    ),
    "gap": Fault(about="of every so many records one is lost on its way", read=from_one, usual=10, example="10"),
    "wrong-bcc": Fault(about="of every so many frames one is damaged", read=from_one, usual=5, example="5"),
    "oversize": Fault(about="before every so many records comes a frame without an end", read=from_one, usual=10,
                      example="10"),
    "garbage": Fault(about="before every so many records come bytes that are none", read=from_one, usual=10,
                     example="10"),
}  # fmt: skip


def parsed(texts: Iterable[str]) -> Faults:
    """The faults that people name, each `NAME` or `NAME=PARAMETER`.

    Raises:
        WrongFault: with a sentence that says what there is.
    """
    return Faults(**chosen(texts, FAULTS))
