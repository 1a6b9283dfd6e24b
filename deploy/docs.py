"""The generated documents. `python -m deploy.docs` writes them, `--check` fails where one is not current."""

import argparse
import asyncio
import difflib
import json
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import SecretStr

from deploy.asyncapi import asyncapi
from deploy.catalogue import SERVICES, Given
from deploy.running import Later
from deploy.settings import Installation
from shared.bus.port import Bus
from shared.contracts.catalogue import EVENTS
from shared.kernel.clock import SystemClock
from shared.runtime.peers import connect_peers

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "tests" / "contracts" / "samples"


def events_document() -> str:
    """`docs/events.asyncapi.yaml`: what other systems subscribe by."""
    head = "# Written by `make docs` from shared/contracts. Do not edit.\n"
    return head + _yaml(asyncapi(EVENTS, samples=SAMPLES))


def api_document() -> str:
    """`docs/openapi.json`: what the gateway of a running system answers to `/openapi.json`."""
    return json.dumps(asyncio.run(_asked_for_its_document()), indent=1, ensure_ascii=False) + "\n"


async def _asked_for_its_document() -> Any:
    """Build all services, with nothing to stand on: none of them opens anything before it is hosted."""
    apps = {name: Later() for name in SERVICES}
    nowhere = Installation(database_url="postgresql://nobody@127.0.0.1:1/nothing", secret=SecretStr("-" * 32))
    async with connect_peers(apps, {}) as peers:
        given = Given(installation=nowhere, bus=cast(Bus, None), peers=peers, clock=SystemClock())
        for name, entry in SERVICES.items():
            apps[name].app = entry.build(given).app
        answer = await peers.get("http://gateway/openapi.json")
        answer.raise_for_status()
        return answer.json()


DOCUMENTS: dict[str, Callable[[], str]] = {
    "docs/events.asyncapi.yaml": events_document,
    "docs/openapi.json": api_document,
}


def stale(root: Path = ROOT) -> dict[str, list[str]]:
    """The documents that are not what the code says, each with the first lines of the difference."""
    found = {}
    for name, write in DOCUMENTS.items():
        file, wanted = root / name, write()
        is_there = file.read_text("utf-8") if file.exists() else ""
        if is_there != wanted:
            difference = difflib.unified_diff(is_there.splitlines(), wanted.splitlines(), name, "as it should be", n=1)
            found[name] = list(islice((line.rstrip("\n") for line in difference), 20))
    return found


def write(root: Path = ROOT) -> None:
    """Write all documents."""
    for name, document in DOCUMENTS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(document(), "utf-8")


class _Block(yaml.SafeDumper):
    """Paragraphs as they read, and no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Block.add_representer(str, _text)


def _yaml(document: Any) -> str:
    return yaml.dump(document, Dumper=_Block, sort_keys=False, allow_unicode=True, width=120)


def main(arguments: list[str] | None = None, *, root: Path = ROOT) -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(prog="python -m deploy.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a document is not current")
    if not parser.parse_args(arguments).check:
        write(root)
        return 0
    found = stale(root)
    for name, difference in found.items():
        sentence = f"{name} is not what the code says; run `make docs` and commit it"
        sys.stderr.write("\n".join([sentence, *difference, ""]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
