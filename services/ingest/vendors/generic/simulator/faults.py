"""What can be wrong with a machine, by name: `split=3`, `cut=500`, `gap=10`. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final


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


class WrongFault(ValueError):
    """A fault that does not exist, or whose parameter is none. The message is for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of fault, as people name it."""

    about: str
    read: Callable[[str], object] | None = None
    """Reads its parameter; None where it takes none."""
    usual: object = True
    """Without a parameter; None where it needs one."""
    example: str = ""


def _from_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


FAULTS: Final[Mapping[str, Fault]] = {
    "cut": Fault(about="it hangs up after so many bytes", read=_from_one, usual=500, example="500"),
    "split": Fault(about="everything leaves in pieces of so many bytes", read=_from_one, usual=3, example="3"),
    "burst": Fault(about="records wait until there are so many, and leave in one piece", read=_from_one, usual=20,
                   example="20"),
    "silence": Fault(about="it says so many records, and then nothing", read=int, usual=0, example="5"),
    "duplicate": Fault(about="it says every record twice"),
    "clock": Fault(
        about="its clock is so many seconds ahead, or behind",
        read=lambda text: timedelta(seconds=int(text)),
        usual=None,
        example="+3600",
    ),
    "gap": Fault(about="of every so many records one is lost on its way", read=_from_one, usual=10, example="10"),
    "wrong-bcc": Fault(about="of every so many frames one is damaged", read=_from_one, usual=5, example="5"),
    "oversize": Fault(about="before every so many records comes a frame without an end", read=_from_one, usual=10,
                      example="10"),
    "garbage": Fault(about="before every so many records come bytes that are none", read=_from_one, usual=10,
                     example="10"),
}  # fmt: skip


def parsed(texts: Iterable[str]) -> Faults:
    """The faults that people name, each `NAME` or `NAME=PARAMETER`.

    Raises:
        WrongFault: with a sentence that says what there is.
    """
    values: dict[str, Any] = {}
    for text in texts:
        name, given, parameter = text.strip().partition("=")
        fault = FAULTS.get(name)
        if fault is None:
            raise WrongFault(f"There is no fault {name!r}. There are: {', '.join(FAULTS)}.")
        values[name.replace("-", "_")] = _value(name, fault, parameter if given else None)
    return Faults(**values)


def _value(name: str, fault: Fault, parameter: str | None) -> object:
    if parameter is None:
        if fault.usual is None:
            raise WrongFault(f"{name} needs a number, such as {name}={fault.example}: {fault.about}.")
        return fault.usual
    if fault.read is None:
        raise WrongFault(f"{name} takes no number: {fault.about}.")
    try:
        return fault.read(parameter)
    except (ValueError, OverflowError):
        said = f"{name}={parameter} is not understood; a number is, such as {name}={fault.example}: {fault.about}."
        raise WrongFault(said) from None
