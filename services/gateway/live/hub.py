"""The hub: who listens, and what each of them may hear."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator

from services.gateway.domain.audience import Audience
from services.gateway.live.client import Client
from shared.kernel.errors import TooMany
from shared.observability import metrics
from shared.web.scope import Scope

Key = tuple[str, int]

BREATH = 200
"""Sends after which others on the event loop get their turn."""

CLIENTS = metrics.Gauge("muster_live_clients", "Live connections that are open")
FRAMES = metrics.Counter("muster_live_frames_total", "Frames sent to live clients")
SKIPPED = metrics.Counter("muster_live_frames_skipped_total", "Frames left out for clients that were behind")


class Hub:
    """All live connections of this process, filed under what they may see, so that nobody else is even looked at."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._clients: set[Client] = set()
        self._filed: defaultdict[Key, set[Client]] = defaultdict(set)
        self.sent = 0
        """Frames, since the start."""

    def __len__(self) -> int:
        return len(self._clients)

    def __iter__(self) -> Iterator[Client]:
        return iter(tuple(self._clients))

    def join(self, client: Client) -> None:
        """Begin to send to `client`.

        Raises:
            TooMany: there are as many as there may be.
        """
        if len(self._clients) >= self._most:
            raise TooMany("there are too many live connections; try again later")
        self._clients.add(client)
        for key in _keys(client.scope):
            self._filed[key].add(client)
        CLIENTS.set(len(self._clients))

    def part(self, client: Client) -> None:
        """Stop sending to `client`."""
        self._clients.discard(client)
        for key in _keys(client.scope):
            self._filed[key].discard(client)
            if not self._filed[key]:
                del self._filed[key]
        CLIENTS.set(len(self._clients))

    def listeners(self, audience: Audience) -> Collection[Client]:
        """Who may see what is for `audience`: the same as `may_see` says of each, without asking each."""
        if audience.kind == "everyone":
            return tuple(self._clients)
        keys: list[Key] = [("all", 0)]
        if audience.kind == "person":
            keys += [("person", audience.person or 0), *(("unit", unit) for unit in audience.unit_path)]
        return set().union(*(self._filed[key] for key in keys if key in self._filed))

    async def send(self, frame: str, listeners: Collection[Client]) -> None:
        """Write one frame, serialised once, to all of them in turn. No slow one holds up another."""
        sent = skipped = 0
        for number, client in enumerate(listeners, 1):
            if client.push(frame):
                sent += 1
            else:
                skipped += 1
            if number % BREATH == 0:
                await asyncio.sleep(0)
        self.sent += sent
        FRAMES.inc(sent)
        SKIPPED.inc(skipped)


def _keys(scope: Scope) -> Iterator[Key]:
    if scope.reach == "all":
        yield "all", 0
    elif scope.reach != "none":
        if scope.person is not None:
            yield "person", scope.person
        if scope.reach == "units":
            for unit in scope.units:
                yield "unit", unit
