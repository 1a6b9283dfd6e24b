"""Scans that were here before and come again: counted where they were not, and known to be of the machine itself."""

import contextlib
from collections.abc import Collection, Sequence
from uuid import UUID

from services.ingest.application.ports import Ledger
from services.ingest.application.publishing import entry_of
from services.ingest.domain.scan import Scan
from shared.kernel.errors import Unavailable


async def count_again(ledger: Ledger, scans: Sequence[Scan], *, known: Collection[UUID]) -> None:
    """Have those of one machine that were here before counted by day, each of them once.

    Where storage is away they are left for the next time that they come.
    """
    if not known:
        return
    with contextlib.suppress(Unavailable):
        if await ledger.has_uncounted(scans[0].machine.id):
            await ledger.count([entry_of(scan, of_file=True) for scan in scans if scan.id in known])


async def note_handed_over(ledger: Ledger, scans: Sequence[Scan], *, known: Collection[UUID]) -> None:
    """Have it noted that the machine of these scans handed over itself those that were here before, by files perhaps.

    Where storage is away that is left for the next time that they come.
    """
    if known:
        with contextlib.suppress(Unavailable):
            await ledger.handed_over([entry_of(scan, of_file=False) for scan in scans if scan.id in known])
