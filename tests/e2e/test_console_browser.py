"""A reviewer's afternoon in a real browser: sign in, look around, close a case, sign out."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tests.integration.served_home import Process, booking, make_home, serving, text_of

from assay.runtime.identity import Role

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"

pytestmark = pytest.mark.skipif(
    not Path(CHROMIUM).exists(), reason="needs Debian's chromium (apt-get install chromium)"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    home = tmp_path_factory.mktemp("browser") / "home"
    make_home(home)
    with serving(home) as process:
        headers = {"authorization": f"Bearer {text_of(Role.SERVICE)}"}
        with httpx.Client(base_url=process.url, headers=headers) as calls:
            for number in range(30):
                calls.post("/v1/decisions", json=booking(number)).raise_for_status()
            for number, name in ((40, "Ivan Bad"), (41, "IVAN BAD")):
                body = booking(number, guest_name=name, message_text=HOSTILE, message_from="guest")
                calls.post("/v1/decisions", json=body).raise_for_status()
        yield process


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            headless=True,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-dev-shm-usage",
                "--no-first-run",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, server: Process) -> Iterator[Page]:
    context = chromium.new_context(
        base_url=server.url, viewport={"width": 1280, "height": 900}, java_script_enabled=True
    )
    opened = context.new_page()
    outside: list[str] = []
    opened.on("request", lambda asked: outside.append(asked.url))
    opened.goto("/")
    opened.get_by_label("Token").fill(text_of(Role.REVIEWER))
    opened.get_by_role("button", name="Sign in").click()
    yield opened
    context.close()
    assert [url for url in outside if not url.startswith(server.url)] == []


def shot(page: Page, name: str) -> None:
    """Keep a picture where somebody asked for pictures."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_a_reviewer_looks_around_closes_a_case_and_leaves(page: Page) -> None:
    assert page.get_by_role("heading", name="Overview").is_visible()
    assert page.locator("svg.chart rect").count() > 0
    shot(page, "overview")
    page.get_by_role("link", name="Queue").click()
    assert "waiting" in page.locator(".lede").inner_text()
    before = page.locator("tbody tr").count()
    shot(page, "queue")
    page.locator("tbody a").first.click()
    assert page.get_by_role("heading", name="Your verdict").is_visible()
    shot(page, "case")
    page.get_by_role("link", name="The decision in full").click()
    assert page.get_by_role("heading", name="Receipt: enough to compute it again").is_visible()
    shot(page, "decision")
    page.go_back()
    page.get_by_role("button", name="Fraud").click()
    assert "is closed" in page.get_by_role("status").inner_text()
    assert page.locator("tbody tr").count() <= before
    page.get_by_role("button", name="Sign out").click()
    assert page.url.endswith("/console/login")
    page.go_back()
    page.reload()
    assert "/console/login" in page.url


def test_a_hostile_message_does_nothing_even_where_scripts_could_run(page: Page) -> None:
    page.goto("/console/decisions?outcome=hold")
    page.locator("tbody a").first.click()
    assert page.get_by_text("<script>").first.is_visible()
    assert "owned" not in page.title()


def test_every_control_has_a_name_and_the_keyboard_reaches_it(page: Page) -> None:
    page.goto("/console/decisions")
    for control in page.locator("input:not([type=hidden]), select, button").all():
        named = control.evaluate(
            "e => (e.labels && e.labels.length > 0) || e.textContent.trim() || e.ariaLabel"
        )
        assert named, control.evaluate("e => e.outerHTML")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    shot(page, "decisions")


def test_pages_fit_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/console", "/console/decisions", "/console/queue", "/console/models"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    page.goto("/console")
    shot(page, "phone")
