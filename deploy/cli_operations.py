"""Commands for operators, which work on the bus and the database directly: they must work when the API does not."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from pydantic import SecretStr

from deploy.catalogue import SERVICES
from deploy.cli_data import AsJson
from deploy.cli_support import fail, messages, print_json, results
from deploy.folder import DataFolder
from deploy.settings import Installation, WrongSetting, installation
from shared.kernel.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from shared.bus.port import Bus, DeadLetter

Data = Annotated[
    Path | None,
    typer.Option(help="Data folder of a `muster up` on this machine, instead of MUSTER_BUS_URL and the like."),
]
T = TypeVar("T")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    dead = typer.Typer(help="Events that were refused for good, and wait for somebody to look.", no_args_is_help=True)
    dead.command("list")(list_dead)
    dead.command("show")(show_dead)
    dead.command("replay")(replay_dead)
    app.add_typer(dead, name="dead")
    app.command()(replay)
    app.command()(password)


def list_dead(
    queue: Annotated[str | None, typer.Argument(help="Of this queue; all without it.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many of a queue.")] = 100,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List parked events with the reason of each."""

    async def look(bus: "Bus") -> "list[DeadLetter]":
        if queue:
            return list(await bus.dead_letters(queue, limit=limit))
        letters: list[DeadLetter] = []
        for name in (name for entry in SERVICES.values() for name in entry.queues):
            with suppress(NotFound):  # its service was never started
                letters += await bus.dead_letters(name, limit=limit)
        return letters

    letters = _on_the_bus(data, look)
    if as_json:
        print_json([_summary(letter) for letter in letters])
        return
    if not letters:
        messages.print("Nothing is parked.")
        return
    # Not a table: in a narrow terminal it would cut the ids, which `dead show` and `dead replay` want whole.
    for letter in letters:
        parked, reason = letter.parked_at.isoformat(timespec="seconds"), " ".join(letter.reason.split())
        words = (letter.queue, letter.id, letter.message.type, parked, reason)
        results.print("  ".join(words), markup=False, soft_wrap=True)


def show_dead(queue: str, id: str, data: Data = None) -> None:  # noqa: A002 - the argument's name
    """Print one parked event whole, as JSON."""
    letters = _on_the_bus(data, lambda bus: bus.dead_letters(queue, limit=10_000))
    for letter in letters:
        if letter.id == id:
            print_json({**_summary(letter), "event": _event(letter)})
            return
    fail(f"{queue} has no parked event {id!r}.")


def replay_dead(
    queue: str,
    ids: Annotated[list[str] | None, typer.Argument(help="These; all of the queue without any.")] = None,
    data: Data = None,
) -> None:
    """Put parked events back into their queue, to be tried again."""
    count = _on_the_bus(data, lambda bus: bus.replay_dead(queue, ids=ids or None))
    results.print(f"{count}")
    messages.print(f"{count} events are back in {queue}.")
    if ids and count < len(ids):
        fail(f"{len(ids) - count} of them were not there.")


def replay(
    service: Annotated[str, typer.Argument(help="Who publishes its state again.")],
    to: Annotated[str, typer.Option(help="Who alone receives it.")],
    data: Data = None,
) -> None:
    """Tell one service alone, once more, all that another knows: its read model is rebuilt from nothing."""
    for name in (service, to):
        if name not in SERVICES:
            raise typer.BadParameter(f"{name!r} is none of {', '.join(SERVICES)}")
    settings = _installation(data)
    settings.required("database_url", "bus_url", "secret")

    from deploy.replaying import replay as tell
    from shared.observability.logs import configure_logs

    configure_logs(level="WARNING")
    with _said_if_it_does_not_run(data):
        count = asyncio.run(tell(service, to, settings))
    results.print(f"{count}")
    messages.print(f"{count} events of {service} were told {to} again.")


def password(
    data: Data = None,
    ask: Annotated[bool, typer.Option("--ask", help="Ask for the new one, instead of making one up.")] = False,
) -> None:
    """Give the user admin a new password, for when nobody knows the old one. Muster has to be running.

    No old password is asked for: whoever may read the database, or the data folder, may do this. All of admin's
    sessions end.
    """
    from services.gateway.wiring import recover_administrator
    from shared.kernel.clock import SystemClock
    from shared.observability.logs import configure_logs
    from shared.storage.database import Database

    settings = _installation(data)
    settings.required("database_url")
    configure_logs(level="ERROR")
    chosen = typer.prompt("New password", hide_input=True, confirmation_prompt=True, err=True) if ask else None

    async def once() -> str:
        database = Database(settings.database_url, schema="gateway")
        try:
            return await recover_administrator(database, SystemClock(), chosen)
        finally:
            await database.close()

    with _said_if_it_does_not_run(data):
        made = asyncio.run(once())
    if chosen is None:
        results.print(made, markup=False)
    messages.print("The user admin signs in with the new password from now on.")


def _on_the_bus(data: Path | None, use: Callable[["Bus"], Awaitable[T]]) -> T:
    from shared.bus.opening import open_bus
    from shared.observability.logs import configure_logs

    settings = _installation(data)
    settings.required("bus_url")
    configure_logs(level="ERROR")

    async def once() -> T:
        async with open_bus(settings.bus_url, name="muster-command") as bus:
            return await use(bus)

    with _said_if_it_does_not_run(data):
        return asyncio.run(once())


def _installation(data: Path | None) -> Installation:
    """Where the environment, or the data folder, says that the system is."""
    settings = installation()
    if data is None and settings.bus_url:
        return settings
    folder = _folder(data)
    if data is None and not folder.exists():
        raise WrongSetting("Set MUSTER_BUS_URL, or name the data folder of a `muster up` with --data.")
    kept = DataFolder(folder)
    url = kept.address().database_url
    return settings.model_copy(update={"database_url": url, "bus_url": url, "secret": SecretStr(kept.secret())})


def _folder(data: Path | None) -> Path:
    return data or Path(os.environ.get("MUSTER_DATA") or ".muster")


@contextmanager
def _said_if_it_does_not_run(data: Path | None) -> Iterator[None]:
    """What is away is told in the words of whoever started it: of sockets they know nothing."""
    try:
        yield
    except Unavailable as error:
        if data is None and installation().bus_url:
            fail(f"{error.message}. It has to be running, where MUSTER_DATABASE_URL and MUSTER_BUS_URL say.")
        fail(f"No Muster runs on the data folder {_folder(data)}: start it (muster up --data {_folder(data)}).")


def _summary(letter: "DeadLetter") -> dict[str, Any]:
    return {
        "queue": letter.queue,
        "id": letter.id,
        "type": letter.message.type,
        "reason": letter.reason,
        "attempts": letter.attempts,
        "parked_at": letter.parked_at.isoformat(),
    }


def _event(letter: "DeadLetter") -> Any:
    try:
        return json.loads(letter.message.body)
    except ValueError:  # what could not be read is often why it is here
        return letter.message.body.decode(errors="replace")
