"""A part of a list, whatever the list is of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Rows, and how many there are in all."""

    rows: Sequence[T]
    total: int
    exact: bool = True
    """False: `total` is estimated."""
    next_after: tuple[Any, ...] | None = None
    """The sort key of the last row, where there are more."""
