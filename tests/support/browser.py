"""Chromium without a window, to look at a file as a reader does.

Playwright's loop runs in the thread that opened the browser until it is closed. Therefore a browser
is open for one module of tests at most, because code of other tests may need a loop of its own.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

CHROMIUM = shutil.which("chromium")

DESKTOP, PHONE = (1280, 900), (375, 720)
"""Width and height in CSS pixels."""

WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
"""Rules of axe that a page must keep."""


def why_not() -> str | None:
    """Why no browser can be started here; None if one can."""
    return None if CHROMIUM else "chromium is not installed"


@contextlib.contextmanager
def open_browser():
    """Start the browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@contextlib.contextmanager
def open_file(browser, file: Path, size=DESKTOP, scheme: str = "light") -> Iterator:
    """Open a file; at the end it must have said nothing to the console and asked for nothing."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce"
    )
    said: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    address = file.resolve().as_uri()
    page.goto(address)
    yield page
    outside = [one for one in asked if not one.startswith(("data:", "blob:", address))]
    context.close()
    assert (said, outside) == ([], [])


def axe_problems(page) -> list[str]:
    """What axe finds wrong with a page: the rule and the elements."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options=WCAG).response["violations"]
    return [f"{one['id']}: {[node['html'][:200] for node in one['nodes']][:4]}" for one in found]
