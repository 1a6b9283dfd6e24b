"""The machines on the page, in a real browser."""

import os
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from services.gateway.wiring import HISTORY
from shared.contracts.machines import MachineDisconnected
from tests.fakes.machines import Fleet, of_day, reconciled
from tests.gateway.browsing import CHROMIUM, FAINT, SMALL, Visit, visiting
from tests.gateway.fakes import NOON, Gateway, fake_attendance, fake_ingest, running_gateway, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),  # the browser's
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium could be had: the page was not tested"),
]

MISSING = "3 records that the machine holds are not here: it holds 1,012 records, and 1,009 were handed over"
UNKNOWN = (
    "nobody can say: only files of it come here, and a file does not say whether it has all that the machine holds"
)
NOTHING = {
    "scans": 40,
    "quarantined": 0,
    "from_machine": 0,
    "unreadable_from_machine": 0,
    "first_day": None,
    "last_day": None,
    "unreadable": 0,
}


@pytest.fixture
def fleet() -> Fleet:
    """Three machines; a test may change them."""
    found = Fleet(
        reconciled(),
        reconciled("gate-2", id=2, name="Back gate", missing=3, sentence=MISSING, records_received=1009, state="away"),
        reconciled(
            "stick",
            id=3,
            name="Old terminal",
            missing=None,
            sentence=UNKNOWN,
            state="imported_only",
            may_be_read_again=False,
            records_on_machine=None,
            records_received=None,
            record_capacity=None,
            last_reading=None,
            last_contact_at=None,
            reported_until=None,
            received={**NOTHING, "uncounted": 0, "counted_since": None},
        ),
    )
    found.days["gate-2"] = [
        of_day("2024-01-16", 4, 209, was_over=False),
        of_day("2024-01-15", 40, 43),
        of_day("2024-01-14", 42, 39, missing=3),
        of_day("2024-01-13", 41, 41),
        of_day("2024-01-12", 41, 30, missing=None),
        *(of_day(f"2023-12-{day:02}", 44, 44) for day in range(31, 0, -1)),
    ]
    found.rows["gate-2"]["status_text"] = "nobody answers at 10.0.8.22:4370"
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(migrated: Callable[..., str], fleet: Fleet) -> AsyncIterator[Gateway]:
    local = {"attendance": fake_attendance(), "ingest": fake_ingest(fleet)}
    async with running_gateway(migrated(HISTORY), local=local) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    async with visiting(browser) as visit:
        yield visit


def item(page: Page, code: str) -> Any:
    return page.locator(f'#machine-list [data-machine="{code}"]')


async def test_each_machine_says_whether_anything_is_missing_and_what_is_wrong_comes_first(
    gateway: Gateway, visit: Visit
) -> None:
    await visit.sign_in(gateway)
    page = visit.page
    link = page.get_by_role("navigation", name="Views").get_by_role("link", name="Machines")
    await expect(link).to_contain_text("1")  # of which something is missing
    await link.click()
    await expect(page.locator("#machine-list li")).to_have_count(3)
    names = await page.locator("#machine-list li a").all_inner_texts()
    assert names == ["Back gate", "Old terminal", "Main gate"]
    await expect(item(page, "gate-2")).to_contain_text(MISSING + ".")
    await expect(item(page, "gate-2")).to_contain_text("Away")
    await expect(item(page, "stick")).to_contain_text("Nobody can say: ")
    await expect(item(page, "gate-1")).to_contain_text("Nothing is missing: ")
    figures = await item(page, "gate-1").locator("dl > div").all_inner_texts()
    assert [re.sub(r"\s+", " ", figure) for figure in figures[:6]] == [
        "Holds 1,012",
        "Handed over 1,012",
        "Scans here 1,010",
        "Quarantined 1",
        "Unreadable 2",
        "Gaps none known",
    ]
    await page.get_by_role("button", name="Nobody can say").click()
    await expect(page.locator("#machine-list li")).to_have_count(1)
    assert not visit.complaints


async def test_an_open_machine_shows_its_days_and_marks_those_that_differ_in_words(
    gateway: Gateway, visit: Visit
) -> None:
    await visit.sign_in(gateway, at="/#machines")
    page = visit.page
    await page.get_by_role("link", name="Back gate").click()
    await expect(page.get_by_role("heading", level=1, name="Back gate")).to_be_focused()
    await expect(page.locator("#days tr")).to_have_count(31)
    for day, said in {
        "2024-01-16": "205 since it was read",
        "2024-01-15": "3 more here",
        "2024-01-14": "3 missing",
        "2024-01-13": "none",
        "2024-01-12": "nobody can say",
    }.items():
        await expect(page.locator(f'#days [data-day="{day}"] td').last).to_contain_text(said)
    await page.get_by_role("button", name="Show all 36 days").click()
    await expect(page.locator("#days tr")).to_have_count(36)
    await page.get_by_role("button", name="Only days that differ (3)").click()
    await expect(page.locator("#days tr")).to_have_count(3)
    await expect(page.locator("#days-as-of")).to_contain_text("In its log: as of 15 Jan, 08:00")
    await expect(page.locator("#machine-about")).to_contain_text("registered in Asia/Dhaka")
    health = page.locator("#machine-health")
    for said in ("Nobody answers at 10.0.8.22:4370.", "3.4 s behind", "1,012 of 100,000 (1%)", "All is here up to"):
        await expect(health).to_contain_text(said)
    await page.go_back()
    await expect(page.get_by_role("link", name="Back gate")).to_be_focused()
    assert not visit.complaints


async def test_a_warning_stands_in_the_row_and_those_that_have_one_can_be_chosen(
    gateway: Gateway, visit: Visit, fleet: Fleet
) -> None:
    fleet.rows["gate-1"]["status_text"] = "it holds 49 records and held 188: its log was cleared"
    await visit.sign_in(gateway, at="/#machines")
    page = visit.page
    await expect(item(page, "gate-1").locator(".warning")).to_contain_text("It holds 49 records and held 188: ")
    await expect(item(page, "gate-2")).to_contain_text("Nobody answers at 10.0.8.22:4370.")
    await page.get_by_role("button", name="Warnings").click()
    await expect(page.locator("#machine-list li")).to_have_count(1)
    await expect(item(page, "gate-1")).to_be_visible()
    await expect(page.get_by_role("button", name="Warnings")).to_contain_text("1")


async def test_figures_that_are_no_scans_of_the_machine_say_so(gateway: Gateway, visit: Visit, fleet: Fleet) -> None:
    fleet.rows["gate-1"] |= {"records_on_machine": 2629, "records_received": 2629}
    fleet.rows["gate-1"]["received"] |= {"scans": 2404, "unreadable": 0, "from_machine": 2204}
    await visit.sign_in(gateway, at="/#machines")
    row = item(visit.page, "gate-1")
    await expect(row).to_contain_text("2,629, of which 225 no scans, or the same again")
    await expect(row).to_contain_text("2,404, of which 200 not known to be from it itself")


async def test_a_machine_that_cannot_be_read_again_is_not_offered_to_be(
    gateway: Gateway, visit: Visit, fleet: Fleet
) -> None:
    fleet.rows["gate-1"] |= {"may_be_read_again": False, "records_on_machine": None, "record_capacity": None}
    fleet.health["gate-1"] = {"clock_offset_seconds": -849_203_580.0}
    await visit.sign_in(gateway, at="/#machines/gate-1")
    page = visit.page
    await expect(page.get_by_role("button", name="Pause …")).to_be_visible()
    await expect(page.get_by_role("button", name="Read again")).to_have_count(0)
    await expect(page.locator("#machine-health")).to_contain_text("9,829 days behind")
    await expect(page.locator("#machine-health")).to_contain_text("it has not told")


async def test_a_head_whose_departments_have_no_machine_is_told_so(
    gateway: Gateway, browser: Browser, fleet: Fleet
) -> None:
    fleet.rows.clear()
    await gateway.user("head", "department_head", units=(1,))
    async with visiting(browser) as visit:
        await visit.sign_in(gateway, username="head", at="/#machines")
        await expect(visit.page.locator("#no-machines")).to_have_text("There is no machine of your departments.")


async def test_it_is_read_again_and_what_comes_of_it_appears_by_itself(
    gateway: Gateway, visit: Visit, fleet: Fleet
) -> None:
    await visit.sign_in(gateway, at="/#machines/gate-2")
    page = visit.page
    await page.get_by_role("button", name="Read again").click()
    await expect(page.get_by_text("Its log is read again now.")).to_be_visible()
    await expect(page.locator("#machine-health")).to_contain_text("To be read again")
    assert fleet.asked == [("gate-2", "sync", {})]
    fleet.rows["gate-2"] |= {"sync_asked_at": None, "missing": 0, "sentence": "nothing is missing: all of it"}
    await expect(page.locator("#machine-verdict")).to_contain_text("Nothing is missing: all of it.", timeout=30_000)
    await expect(page.locator("#machine-health")).not_to_contain_text("To be read again")
    await expect(page.locator("#machine-said")).to_have_text("")


async def test_it_is_paused_and_resumed_by_the_keyboard_alone(gateway: Gateway, visit: Visit, fleet: Fleet) -> None:
    await visit.sign_in(gateway, at="/#machines/gate-1")
    page = visit.page
    await page.get_by_role("button", name="Pause …").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Why")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Pause …")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.type("the door is repaired")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Resume")).to_be_focused()
    await expect(page.locator("#machine-health")).to_contain_text("Paused")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Read again")).to_be_focused()
    assert fleet.asked == [
        ("gate-1", "pause", {"reason": "the door is repaired", "until": None}),
        ("gate-1", "resume", {}),
    ]


async def test_what_cannot_be_done_is_said_beside_it_and_what_was_typed_stays(
    gateway: Gateway, visit: Visit, fleet: Fleet
) -> None:
    fleet.refuses = "until: 2020-01-01 has gone by"
    await visit.sign_in(gateway, at="/#machines/gate-1")
    page = visit.page
    await page.get_by_role("button", name="Read again").click()
    await expect(page.get_by_role("alert")).to_have_text("Until: 2020-01-01 has gone by.")
    look = await page.evaluate("followMachines().then(() => fleet.look)")
    assert look > 1
    await expect(page.get_by_role("alert")).to_have_text("Until: 2020-01-01 has gone by.")
    await page.get_by_role("button", name="Pause …").click()
    await page.get_by_label("Why").fill("a while")
    await page.get_by_label("Until").fill("2020-01-01T08:00")
    await page.get_by_role("button", name="Pause it").click()
    await expect(page.locator("#pause-error")).to_have_text("Until: 2020-01-01 has gone by.")
    await expect(page.get_by_label("Why")).to_have_value("a while")
    assert fleet.asked[1:] == [("gate-1", "pause", {"reason": "a while", "until": "2020-01-01T08:00"})]


async def test_nobody_is_offered_what_they_may_not(gateway: Gateway, browser: Browser) -> None:
    await gateway.user("worker", "employee", person=3)
    await gateway.user("head", "department_head", units=(1,))
    async with visiting(browser) as visit:
        await visit.sign_in(gateway, username="worker", at="/#machines")
        await expect(visit.page.locator("#rows tr:not(.skeleton)")).to_have_count(12)
        await expect(visit.page.get_by_role("link", name="Machines")).to_have_count(0)
    async with visiting(browser) as visit:
        await visit.sign_in(gateway, username="head", at="/#machines/gate-1")
        await expect(visit.page.locator("#machine-verdict")).to_contain_text("Nothing is missing")
        await expect(visit.page.get_by_role("button", name="Read again")).to_have_count(0)
        await expect(visit.page.get_by_role("button", name="Pause")).to_have_count(0)


async def test_a_machine_that_comes_or_goes_is_looked_at_at_once(gateway: Gateway, visit: Visit, fleet: Fleet) -> None:
    await visit.sign_in(gateway)
    page = visit.page
    await expect(page.get_by_text("Live", exact=True).first).to_be_visible()
    await expect(page.locator("#lacking")).to_contain_text("1")
    fleet.rows["gate-1"] |= {
        "state": "away",
        "missing": 1,
        "sentence": "1 record that the machine holds is not here: …",
    }
    await gateway.bus.tell(MachineDisconnected(machine_id=1, machine="gate-1", at=NOON, reason="gone"), time=NOON)
    await expect(page.locator("#lacking")).to_contain_text("2")  # it would else be looked at in a minute


async def test_more_machines_than_a_page_holds_are_all_shown(gateway: Gateway, visit: Visit, fleet: Fleet) -> None:
    fleet.rows |= {f"door-{n}": reconciled(f"door-{n}", id=10 + n, name=f"Door {n}") for n in range(200)}
    await visit.sign_in(gateway, at="/#machines")
    await expect(visit.page.locator("#machine-list li")).to_have_count(203)


async def test_names_and_sentences_are_shown_as_they_are_and_never_run(
    gateway: Gateway, visit: Visit, fleet: Fleet
) -> None:
    evil = '<img src=x onerror="document.title=1"><b>&amp;'
    fleet.rows = {"b #1%": reconciled("b #1%", name=evil, sentence=evil, gaps=evil)}
    fleet.rows["b #1%"]["status_text"] = evil
    fleet.health["b #1%"] = {"location": evil}
    await visit.sign_in(gateway, at="/#machines")
    page = visit.page
    await expect(page.locator("#machine-list")).to_contain_text(evil)
    await page.get_by_role("link", name=evil).click()
    await expect(page.locator("#machine-title")).to_have_text(evil)
    assert await page.locator("#machine img, #machines img").count() == 0
    assert await page.evaluate("document.title") == f"{evil} · Muster"


async def test_a_machine_that_is_gone_says_so(gateway: Gateway, visit: Visit) -> None:
    await visit.sign_in(gateway, at="/#machines/nowhere")
    await expect(visit.page.get_by_role("alert")).to_contain_text("there is no machine 'nowhere'")


async def test_signing_out_leaves_nothing_behind(gateway: Gateway, visit: Visit) -> None:
    await visit.sign_in(gateway, at="/#machines")
    page = visit.page
    await expect(page.locator("#machine-list li")).to_have_count(3)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Password")).to_be_visible()
    assert await page.locator("#machine-list li").count() == 0
    await until(lambda: page.evaluate("fleet.rows === null && fleet.open === null"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "size"), [("desktop", (1280, 800)), ("phone", (390, 844)), ("narrow", (320, 720))])
@pytest.mark.parametrize("at", ["machines", "machines/gate-2"])
async def test_nothing_is_cut_off_and_all_text_can_be_read(
    gateway: Gateway,
    browser: Browser,
    fleet: Fleet,
    tmp_path: Path,
    scheme: Any,
    name: str,
    size: tuple[int, int],
    at: str,
) -> None:
    fleet.rows["gate-1"]["status_text"] = "it holds 49 records and held 188: its log was cleared"
    fleet.days["gate-2"].append(of_day("2023-11-30", None, 12, missing=None))
    async with visiting(browser, width=size[0], height=size[1], color_scheme=scheme) as visit:
        await visit.sign_in(gateway, at=f"/#{at}")
        page = visit.page
        await expect(page.locator("main:not([hidden])").locator("#machine-list li, #days tr").first).to_be_visible()
        if "/" in at:
            await page.get_by_role("button", name="Pause …").click()
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert await page.evaluate(FAINT) == []
        assert await page.evaluate(SMALL) == []
        folder = Path(os.environ.get("MUSTER_SCREENSHOTS", tmp_path))
        await page.screenshot(path=folder / f"{at.replace('/', '-')}-{name}-{scheme}.png", full_page=True)
