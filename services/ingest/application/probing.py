"""Testing the connection to a machine, so that a person sees which step fails."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from services.ingest.application.drivers import Driver, MachineTrouble
from services.ingest.domain.machine import Machine
from shared.observability.logs import get_logger

WITHIN = 8.0
"""Seconds for all steps together; a caller waits no longer than ten."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that was tried."""

    step: str
    ok: bool
    result: str
    ms: float


class StepLog:
    """Takes down the steps of a test; implements `Steps`."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        began = time.perf_counter()
        words: list[str] = []

        def done(result: str, *, ok: bool) -> None:
            ms = round((time.perf_counter() - began) * 1000, 1)
            self.steps.append(Step(step=name, ok=ok, result=result, ms=ms))

        try:
            yield words.append
        except MachineTrouble as trouble:
            done(trouble.message, ok=False)
            raise
        except asyncio.CancelledError:
            done(f"no answer within {WITHIN:g} s", ok=False)
            raise
        except Exception:
            done("failed inside the driver; the log of ingest has the details", ok=False)
            raise
        done("; ".join(words) or "ok", ok=True)


async def probe(machine: Machine, driver: Driver) -> list[Step]:
    """Try every step of a connection; the last one failed, or none did."""
    taken = StepLog()
    try:
        async with asyncio.timeout(WITHIN):
            await driver.probe(machine, taken)
    except (MachineTrouble, TimeoutError):
        pass
    except Exception:
        log.exception("machine.test_failed", machine=machine.machine_id)
    return taken.steps
