"""Printing figures."""

import statistics
import sys
from collections.abc import Sequence


def say(text: str) -> None:
    """Progress, for who waits."""
    sys.stderr.write(f"  … {text}\n")
    sys.stderr.flush()


def heading(text: str) -> None:
    sys.stdout.write(f"\n{text}\n{'-' * len(text)}\n")


def line(name: str, figure: str, ratio: str = "") -> None:
    sys.stdout.write(f"{name:<62}{figure:>22}   {ratio}\n")
    sys.stdout.flush()


def rate(values: Sequence[float], unit: str = "scans/s") -> str:
    """The median, and how far the runs lay apart."""
    return f"{statistics.median(values):,.0f} {unit}" + (
        f" ({min(values):,.0f}–{max(values):,.0f})" if len(values) > 1 else ""
    )


def paired(ours: Sequence[float], plain: Sequence[float]) -> float:
    """The median of the ratios run by run: the machine's own drift then cancels."""
    return statistics.median(a / b for a, b in zip(ours, plain, strict=True))


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
