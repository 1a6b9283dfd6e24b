"""Fail where the tables of a service are not what its migrations make: `python -m tests.migrations_in_step`."""

import asyncio
import sys

from deploy.catalogue import histories
from shared.kernel.errors import MusterError
from shared.storage.migrations import drift, upgrade
from tests.servers import find_postgres


async def differences(url: str) -> dict[str, str]:
    """What differs, by schema, after all migrations have run on an empty database."""
    found = {}
    for history in histories():
        await upgrade(url, history)
        if difference := await drift(url, history):
            found[history.schema] = difference
    return found


def main() -> int:
    """Compare, and say what differs."""
    try:
        with find_postgres("check") as server:
            name = server.create("migrations")
            try:
                found = asyncio.run(differences(server.url_of(name)))
            finally:
                server.drop(name)
    except MusterError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    for schema, difference in found.items():
        sys.stderr.write(f"The tables of {schema} are not what its migrations make: {difference}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
