"""A real browser, and what tests of pages look at with it."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from tests.gateway.fakes import PASSWORD, Gateway

CHROMIUM = os.environ.get("MUSTER_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None
)


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """The browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        await browser.close()


class Visit:
    """A page of the gateway, and what the browser complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    async def sign_in(
        self, gateway: Gateway, *, username: str = "admin", password: str = PASSWORD, at: str = "/"
    ) -> None:
        await self.page.goto(f"{gateway.url}{at}")
        await self.page.get_by_label("Username").fill(username)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Sign in").click()


@asynccontextmanager
async def visiting(browser: Browser, *, width: int = 1280, height: int = 800, **more: Any) -> AsyncIterator[Visit]:
    """Somebody with a browser of their own."""
    context = await browser.new_context(viewport={"width": width, "height": height}, locale="en-GB", **more)
    yield Visit(await context.new_page())
    await context.close()


FAINT = """() => {
  const channel = (value) => (value /= 255) <= .03928 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  const rgba = (text) => text.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = rgba(getComputedStyle(e).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll("#board *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility()) continue;
    const [a, b] = [light(rgba(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) faint.push(`${element.tagName}.${element.className} ${element.textContent} ${ratio.toFixed(2)}`);
  }
  return faint;
}"""
"""Text whose contrast is below 4.5:1 (WCAG 1.4.3)."""
SMALL = """() => [...document.querySelectorAll("#board button, #board input, #board a")]
  .filter((element) => element.checkVisibility())
  .filter((element) => { const { width, height } = element.getBoundingClientRect(); return width < 24 || height < 24; })
  .map((element) => element.outerHTML)"""
"""Targets smaller than 24 × 24 (WCAG 2.5.8)."""
