"""A browser for the page: Chromium without a window.

It needs `apt-get install chromium` (or another Chromium or Chrome on the path) and
`pip install playwright`; no browser of Playwright's own.
"""

import shutil

import pytest
from helpers.reports import sample

from charrnn.render.report import save

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="no browser: pip install playwright")
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no browser: apt-get install chromium")
    with api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def report():
    return sample()


@pytest.fixture(scope="session")
def file(report, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    save(report, path)
    return path


@pytest.fixture(scope="session")
def pages(browser):
    """Pages of the browser by their settings, with what went wrong in each: made once."""
    made = {}

    def page_with(**settings):
        key = tuple(settings.items())
        if key not in made:
            shape = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
            page = browser.new_context(**{**shape, **settings}).new_page()
            page.set_default_timeout(20_000)
            made[key] = page, watched(page)
        return made[key]

    yield page_with
    for page, _ in made.values():
        page.context.close()


def watched(page):
    """A list of all errors, messages, dialogs and requests of a page."""
    trouble = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: trouble.append(request.url))
    return trouble


@pytest.fixture
def visit(pages, file):
    """Opens the report; afterwards there may be no error and no request."""
    visits = []

    def check():
        for page, trouble in visits:
            assert page.evaluate("window.__pwned") is None
            (asked_for,) = trouble  # the file itself, once
            assert asked_for.startswith("file://")
        visits.clear()

    def make(address="", path=file, width=1280, scheme="light", **settings):
        check()
        page, trouble = pages(**settings)
        page.goto("about:blank")
        page.mouse.move(0, 0)
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(media="screen", color_scheme=scheme)
        trouble.clear()
        page.goto(f"{path.as_uri()}{address}")
        if settings.get("java_script_enabled", True):
            page.wait_for_selector("#workbench:not([aria-busy])")  # nothing moves from here on
        visits.append((page, trouble))
        return page

    yield make
    check()
