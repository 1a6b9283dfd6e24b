"""Rules of the code that no linter knows. Who may import whom is in `pyproject.toml` (import-linter)."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import httpx
import pytest
from pydantic import SecretStr

from deploy.catalogue import SERVICES, Given
from deploy.settings import Installation
from shared.bus.port import Bus
from shared.kernel.clock import SystemClock
from shared.runtime.service import Service

ROOT = Path(__file__).parents[2]
CODE = sorted(file for part in ("services", "shared", "deploy") for file in (ROOT / part).rglob("*.py"))
VENDORS = ("zkteco", "suprema", "hikvision", "biostar", "anviz", "dahua", "essl", "realtime")
MACHINES_CALL = {"/hikvision/"}
"""Paths that machines of a vendor have built in; the gateway has to know where they lead."""


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


def words_of(file: Path) -> Iterator[tuple[int, str]]:
    """Names and texts that the code works with: neither comments nor docstrings."""
    tree = ast.parse(file.read_text("utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(str(text)) if id(node) not in prose:
                yield node.lineno, text
            case ast.Name(word) | ast.Attribute(attr=word):
                yield node.lineno, word
            case ast.FunctionDef(name=word) | ast.AsyncFunctionDef(name=word) | ast.ClassDef(name=word):
                yield node.lineno, word
            case (
                ast.ImportFrom(module=str(word)) | ast.alias(name=word) | ast.arg(arg=word) | ast.keyword(arg=str(word))
            ):
                yield getattr(node, "lineno", 0), word
            case _:
                pass


def test_every_module_is_imported_with_an_empty_environment_and_reads_none_of_it():
    """What needs a setting needs it when it is built, not when somebody looks at it."""
    script = """
import importlib, os, pkgutil, sys

class Empty(dict):
    asked = []
    def __getitem__(self, name): self.asked.append(name); return super().__getitem__(name)
    def get(self, name, default=None): self.asked.append(name); return default

names = [m.name for part in ("services", "shared", "deploy")
         for m in pkgutil.walk_packages([part], part + ".") if ".migrations" not in m.name and "alembic" not in m.name]
real = os.environ
os.environ = Empty()
for name in names:
    importlib.import_module(name)
asked = sorted({name for name in Empty.asked if name.startswith("MUSTER")})
assert not asked, f"read on import: {asked}"
import threading
assert threading.active_count() == 1, "something runs"
print(len(names))
"""
    ended = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:services", "-c", script],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert int(ended.stdout) > 100


def test_no_vendor_is_named_outside_its_folder():
    """Ask what a machine can do, never who made it."""
    found = [
        f"{name_of(file)}:{line}: {word[:60]!r}"
        for file in CODE
        if not file.is_relative_to(ROOT / "services" / "ingest" / "vendors")
        for line, word in words_of(file)
        if word not in MACHINES_CALL and any(re.search(rf"\\b{vendor}|{vendor}_", word.lower()) for vendor in VENDORS)
    ]
    assert found == []


def test_no_service_knows_whether_it_runs_alone():
    found = [
        f"{name_of(file)}:{line}: {word[:60]!r}"
        for file in CODE
        if file.is_relative_to(ROOT / "services")
        for line, word in words_of(file)
        if re.search(r"embedded|\btopology\b|docker|kubernetes", word.lower())
    ]
    assert found == []


def test_no_service_reads_the_environment():
    found = [
        f"{name_of(file)}:{line}"
        for file in CODE
        if not file.is_relative_to(ROOT / "deploy")
        for line, word in words_of(file)
        if word in ("environ", "getenv", "environb")
    ]
    assert found == []


def test_no_module_is_two_ideas():
    """400 lines is where a file is surely more than one."""
    assert [name_of(file) for file in CODE if len(file.read_text("utf-8").splitlines()) > 400] == []


def test_every_exception_from_a_rule_has_its_reason_beside_it():
    reasoned = re.compile(r"# (noqa: [A-Z0-9, ]+|type: ignore\[[a-z, -]+\])\s+[-#]+ \S")
    found = [
        f"{name_of(file)}:{number}: {line.strip()[:100]}"
        for file in CODE
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if re.search(r"# (noqa|type: ignore)", line) and not reasoned.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_files_that_one_looks_for(service):
    for file in ("README.md", "settings.py", "wiring.py"):
        assert (ROOT / "services" / service / file).exists(), file
    text = (ROOT / "services" / service / "README.md").read_text("utf-8")
    assert len(text.splitlines()) <= 60


@pytest.fixture(scope="module")
def built() -> dict[str, Service]:
    """All services, with nothing to stand on: building opens nothing."""
    nowhere = Installation(database_url="postgresql://nobody@127.0.0.1:1/nothing", secret=SecretStr("-" * 32))
    given = Given(installation=nowhere, bus=cast("Bus", None), peers=httpx.AsyncClient(), clock=SystemClock())
    return {name: entry.build(given) for name, entry in SERVICES.items()}


def test_every_queue_is_named_after_its_service_and_its_purpose(built):
    for name, service in built.items():
        for subscription in service.subscriptions:
            assert re.fullmatch(rf"{name}\.[a-z_]+", subscription.queue)


def test_the_catalogue_knows_the_queues_that_there_are(built):
    for name, service in built.items():
        assert set(SERVICES[name].queues) == {subscription.queue for subscription in service.subscriptions}


def test_every_pattern_of_a_queue_fits_an_event_that_somebody_publishes(built):
    from shared.bus.topic import matches
    from shared.contracts.catalogue import EVENTS

    for service in built.values():
        for subscription in service.subscriptions:
            for pattern in subscription.patterns:
                assert any(matches(pattern, event.wire_type) for event in EVENTS), pattern


def test_every_event_that_is_kept_for_somebody_has_a_queue_that_wants_it(built):
    """Or else it would wait in its outbox for ever."""
    from shared.bus.topic import matches
    from shared.contracts.catalogue import EVENTS

    patterns = [
        p for service in built.values() for subscription in service.subscriptions for p in subscription.patterns
    ]
    unwanted = [
        event.wire_type
        for event in EVENTS
        if not event.live_only and not any(matches(pattern, event.wire_type) for pattern in patterns)
    ]
    assert unwanted == []
