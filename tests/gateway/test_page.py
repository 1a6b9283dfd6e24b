"""The page, in a real browser."""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from services.gateway.wiring import HISTORY
from shared.contracts.days import ScanOfDay
from tests.gateway.browsing import CHROMIUM, FAINT, SMALL, Visit, visiting
from tests.gateway.fakes import (
    NOON,
    TODAY,
    Gateway,
    day,
    fake_attendance,
    fake_ingest,
    person,
    running_gateway,
    scan,
    summary_row,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),  # the browser's
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium could be had: the page was not tested"),
]


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    """What attendance shows; a test may change it."""
    return [summary_row(number) for number in range(1, 13)]


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(migrated: Callable[..., str], rows: list[dict[str, Any]]) -> AsyncIterator[Gateway]:
    local = {"attendance": fake_attendance(rows=rows), "ingest": fake_ingest()}
    async with running_gateway(migrated(HISTORY), local=local) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    async with visiting(browser) as visit:
        yield visit


async def test_signing_in_shows_the_day_and_then_what_happens(gateway: Gateway, visit: Visit) -> None:
    await gateway.bus.tell(person(3), time=NOON)
    await visit.sign_in(gateway)
    page = visit.page
    await expect(page.locator("#rows tr:not(.skeleton)")).to_have_count(12)
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    await expect(page.get_by_label("Date")).to_have_value(TODAY.isoformat())

    await gateway.bus.tell(scan("3"), time=NOON)
    await gateway.bus.tell(day(3, status="Present-Late", check_in="09:17"), time=NOON)
    row = page.locator('tr[data-employee="EMP003"]')
    await expect(row).to_contain_text("09:17")
    await expect(row).to_contain_text("Late")
    await expect(page.locator("#scans li")).to_have_count(1)
    await expect(page.locator("#scans li")).to_contain_text("Nasrin Akter")
    assert not visit.complaints


async def test_what_a_status_and_the_hours_mean_is_said(
    gateway: Gateway, visit: Visit, rows: list[dict[str, Any]]
) -> None:
    rows[2] |= {"status": "Present-Considered", "working_hours": 6.8}
    await visit.sign_in(gateway)
    status = visit.page.locator('tr[data-employee="EMP003"] td').nth(1)
    await expect(status).to_contain_text("Considered on time")
    said = "Came after the time that counts as safe, within the minutes that are considered on time."
    await expect(status).to_have_attribute("title", said)
    await expect(visit.page.locator("#zone")).to_contain_text("6.80 are 6 h 48 min")
    assert not visit.complaints


async def test_which_way_a_scan_was_is_shown_once_the_day_knows(gateway: Gateway, visit: Visit) -> None:
    await gateway.bus.tell(person(3), time=NOON)
    await visit.sign_in(gateway)
    await expect(visit.page.get_by_text("Live", exact=True)).to_be_visible()
    way = visit.page.locator("#scans li .way")
    await gateway.bus.tell(scan("3", type="IN"), time=NOON)
    await expect(way).to_have_text("Scan")
    minute = (await visit.page.locator("#scans li time").inner_text())[:5]
    scans = [ScanOfDay(time="02:00", type="IN"), ScanOfDay(time=minute, type="OUT")]
    await gateway.bus.tell(day(3, scans=scans), time=NOON)
    await expect(way).to_have_text("Out")
    assert not visit.complaints


async def test_names_are_shown_as_they_are_and_never_run(
    gateway: Gateway, visit: Visit, rows: list[dict[str, Any]]
) -> None:
    evil = '<img src=x onerror="document.title=1"><b>&amp;'
    rows[0]["employee_name"] = evil
    await gateway.bus.tell(person(50, name=evil, department=evil), time=NOON)
    await visit.sign_in(gateway)
    await expect(visit.page.locator("#rows")).to_contain_text(evil)
    await gateway.bus.tell(scan("50", type="IN", machine=evil), time=NOON)
    await expect(visit.page.locator("#scans")).to_contain_text(evil)
    assert await visit.page.locator("#rows img, #scans img").count() == 0
    assert not visit.complaints


async def test_a_wrong_password_is_said_and_the_name_is_kept(gateway: Gateway, visit: Visit) -> None:
    await visit.sign_in(gateway, password="not the one")
    await expect(visit.page.get_by_role("alert")).to_have_text("Username or password is wrong")
    await expect(visit.page.get_by_label("Username")).to_have_value("admin")


async def test_a_resync_reads_the_day_again(gateway: Gateway, visit: Visit, rows: list[dict[str, Any]]) -> None:
    await visit.sign_in(gateway)
    await expect(visit.page.get_by_text("Live", exact=True)).to_be_visible()
    rows.append(summary_row(99, employee_name="New Person"))
    for _ in range(3):
        await gateway.bus.tell(*(day(2, live=False) for _ in range(100)), time=NOON)
    await expect(visit.page.locator("#rows")).to_contain_text("New Person")


async def test_a_lost_connection_is_shown_and_comes_back(gateway: Gateway, visit: Visit) -> None:
    await visit.sign_in(gateway)
    page = visit.page
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    await page.context.set_offline(True)
    await page.evaluate("state.socket.close()")
    await expect(page.get_by_text("Reconnecting…")).to_be_visible()
    await page.context.set_offline(False)
    await expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=15_000)


async def test_reloading_needs_no_password_and_signing_out_does(gateway: Gateway, visit: Visit) -> None:
    await visit.sign_in(gateway)
    page = visit.page
    await expect(page.locator("#rows tr:not(.skeleton)")).to_have_count(12)
    await page.reload()
    await expect(page.locator("#rows tr:not(.skeleton)")).to_have_count(12)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Password")).to_be_visible()
    await page.reload()
    await expect(page.get_by_label("Password")).to_be_visible()


async def test_counts_filter_and_the_search_finds(gateway: Gateway, visit: Visit) -> None:
    await visit.sign_in(gateway)
    page = visit.page
    await page.get_by_role("button", name="Absent").click()
    await expect(page.locator("#rows tr")).to_have_count(2)
    await page.get_by_role("button", name="Absent").click()
    await page.get_by_label("Find").fill("emp004")
    await expect(page.locator("#rows tr")).to_have_count(1)
    await page.get_by_label("Find").fill("nobody is called that")
    await expect(page.get_by_text("Nobody here is like that.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "size"), [("desktop", (1280, 800)), ("phone", (320, 720))])
async def test_nothing_is_cut_off_and_all_text_can_be_read(
    gateway: Gateway, browser: Browser, tmp_path: Path, scheme: Any, name: str, size: tuple[int, int]
) -> None:
    async with visiting(browser, width=size[0], height=size[1], color_scheme=scheme) as visit:
        await visit.sign_in(gateway)
        page = visit.page
        await expect(page.locator("#rows tr:not(.skeleton)")).to_have_count(12)
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert await page.evaluate(FAINT) == []
        assert await page.evaluate(SMALL) == []
        folder = Path(os.environ.get("MUSTER_SCREENSHOTS", tmp_path))
        await page.screenshot(path=folder / f"page-{name}-{scheme}.png")


async def test_the_documentation_needs_no_other_host(gateway: Gateway, visit: Visit) -> None:
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    await visit.page.goto(f"{gateway.url}/docs")
    await expect(visit.page.get_by_role("heading", level=1)).to_contain_text("Muster")
    await expect(visit.page.locator(".opblock-tag").first).to_be_visible()
    assert all(url.startswith((gateway.url, "data:", "blob:")) for url in asked)
    assert not visit.complaints
