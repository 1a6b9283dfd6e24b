"""What the written documents say is true: links lead somewhere, and the example of a subscriber runs."""

import asyncio
import os
import re
import sys
from collections.abc import Sequence
from datetime import date
from importlib import import_module
from pathlib import Path

import pytest

from deploy.catalogue import SERVICES
from deploy.settings import Installation
from shared.bus.opening import open_bus
from shared.bus.port import Delivery, Refusal, Subscription
from tests.fakes.events import day, message

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("services/*/README.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_are_there(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_that_are_named_exist(page):
    named = re.findall(r"`((?:services|shared|deploy|tests|docs)/[\w./-]+)`", page.read_text("utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_setting_is_in_the_table_of_settings():
    table = (ROOT / "docs" / "operations.md").read_text("utf-8")
    classes = [Installation, *(import_module(f"services.{name}.settings").Settings for name in SERVICES)]
    names = {f"{kind.model_config['env_prefix']}{field}".upper() for kind in classes for field in kind.model_fields}
    assert sorted(name for name in names if f"`{name}`" not in table) == []


def test_every_decision_has_a_number_of_its_own_and_a_page():
    pages = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    numbers = [page.name[:4] for page in pages]
    assert len(set(numbers)) == len(numbers)
    for page in pages:
        text = page.read_text("utf-8")
        assert text.startswith(f"# {int(page.name[:4])}. "), page.name
        assert len(text.splitlines()) < 60, "one page"
    cited = {
        number
        for folder in ("services", "shared", "deploy")
        for file in (ROOT / folder).rglob("*.py")
        for number in re.findall(r"docs/decisions/(\d{4})", file.read_text("utf-8"))
    }
    assert cited <= set(numbers)


async def test_the_example_of_a_subscriber_runs_as_it_stands(vhost, tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "events.md").read_text("utf-8"), re.DOTALL)
    script = tmp_path / "payroll.py"
    script.write_text(code)
    ours = Subscription(queue="reports.facts", patterns=("attendance.day.updated.*",), handle=_never)
    async with open_bus(vhost, name="test") as bus:
        await bus.declare([ours])
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(script), env={**os.environ, "BUS_URL": vhost}, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert process.stdout
            async with asyncio.timeout(30):
                printed = asyncio.create_task(process.stdout.readline())
                while not printed.done():  # its queue is not there from the first moment on; repeats print nothing
                    await bus.publish(message(day(1, date(2024, 1, 15), n=1)))
                    await asyncio.wait([printed], timeout=0.1)
                assert printed.result().split() == [b"EMP001", b"2024-01-15", b"1"]
                older, newer = day(2, date(2024, 1, 15), n=1), day(2, date(2024, 1, 15), n=2)
                await bus.publish(message(newer, older, day(3, date(2024, 1, 15))))
                assert (await process.stdout.readline()).split()[0::2] == [b"EMP002", b"2"]
                assert (await process.stdout.readline()).split()[0] == b"EMP003"
        finally:
            process.kill()
            await process.wait()


async def _never(_: Sequence[Delivery]) -> Sequence[Refusal]:
    raise AssertionError("declared, not consumed")
