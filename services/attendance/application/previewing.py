"""Working at runs that only look: in the background, one after the other, and on after a restart where it stopped."""

import asyncio
import contextlib

from services.attendance.application.batches import people_at_once, pieces_of
from services.attendance.application.difference import totals_from
from services.attendance.application.drafts import read, tried
from services.attendance.application.looking import Part, RulesChanged, View, Views, look
from services.attendance.application.recompute import LOOK_EVERY, Telling
from services.attendance.application.run_ports import LookRun, Looks
from services.attendance.application.runs import KEPT_FOR
from services.attendance.application.scheduling_ports import SchedulingStore
from shared.kernel.clock import Clock
from shared.kernel.errors import MusterError, Unavailable
from shared.observability.logs import get_logger

log = get_logger(__name__)


class Previewing:
    """Works through the runs that only look."""

    def __init__(self, looks: Looks, views: Views, store: SchedulingStore, clock: Clock) -> None:
        self._looks = looks
        self._views = views
        self._store = store
        self._clock = clock
        self._told = asyncio.Event()

    def tell(self) -> None:
        """There is a new run."""
        self._told.set()

    async def run(self) -> None:
        """Work through runs as they come, for ever; with each that comes, old ones go."""
        self._told.set()
        while True:
            new = self._told.is_set()
            self._told.clear()
            try:
                if new:
                    await self.forget()
                if await self.next():
                    continue
            except Unavailable as error:
                log.warning("previews.waiting", reason=error.message)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self._told.wait()

    async def forget(self) -> None:
        """Forget what is older than it is kept for."""
        await self._looks.forget(self._clock.now() - KEPT_FOR)

    async def next(self) -> bool:
        """Work off the oldest run; whether there was one."""
        async with self._looks.oldest() as run:
            if run is None:
                return False
            telling = Telling(self._looks.tell, run.id, self._clock)
            await telling.now()
            try:
                await self._work(run, telling)
            except Unavailable:
                raise
            except MusterError as error:
                # The draft was tried when the run was asked for; since then somebody has changed what it builds on.
                await self._looks.finished(run.id, error.message)
            else:
                await self._looks.finished(run.id)
            await telling.now()
        return True

    async def _work(self, run: LookRun, telling: Telling) -> None:
        view = await self._begin(run, run.rules_n)
        totals, done = totals_from(run.totals), run.people_done
        pieces = pieces_of(run.since, run.until)
        size = people_at_once(pieces)
        while done < len(run.people):
            people = run.people[done : done + size]
            part: Part | None = None
            while part is None:
                try:
                    part = await look(view, people, pieces, self._clock.now())
                except RulesChanged:
                    view = await self._begin(run, view.n)
            totals.add(part.totals)
            if not await self._looks.took(run._replace(people_done=done), len(people), part, totals.shown()):
                return
            done += len(people)
            await telling.now_and_then()
            await asyncio.sleep(0)

    async def _begin(self, run: LookRun, before: int | None) -> View:
        drafted = None if run.draft is None else await tried(self._store, read(run.draft), self._clock.now())
        view = await self._views.view(drafted)
        await self._looks.begun(run.id, view.n, changed=before is not None and before != view.n)
        return view
