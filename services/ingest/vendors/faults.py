"""What can be wrong with simulated machines, by name: `split=3`, `silent`. Each vendor lists its own. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


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


def from_one(text: str) -> int:
    """A number of things, one or more."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def seconds(text: str) -> float:
    """A time of up to a day."""
    read = float(text)
    if not 0 <= read <= 86_400:
        raise ValueError(text)
    return read


def chosen(texts: Iterable[str], faults: Mapping[str, Fault]) -> dict[str, Any]:
    """The values of the faults that people name, each `NAME` or `NAME=PARAMETER`, by their names in Python.

    Raises:
        WrongFault: with a sentence that says what there is.
    """
    values: dict[str, Any] = {}
    for text in texts:
        name, given, parameter = text.strip().partition("=")
        fault = faults.get(name)
        if fault is None:
            raise WrongFault(f"There is no fault {name!r}. There are: {', '.join(faults)}.")
        values[name.replace("-", "_")] = _value(name, fault, parameter if given else None)
    return values


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
