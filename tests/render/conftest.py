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


@pytest.fixture
def visit(browser, file):
    """Opens the report; afterwards there may be no error and no request."""
    contexts, trouble = [], []

    def watch(page):
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: trouble.append(request.url))

    def make(address="", path=file, **settings):
        settings = {"viewport": {"width": 1280, "height": 900}, **settings}
        contexts.append(browser.new_context(**settings))
        page = contexts[-1].new_page()
        page.set_default_timeout(8_000)
        watch(page)
        page.goto(f"{path.as_uri()}{address}")
        if settings.get("java_script_enabled", True):
            page.wait_for_selector("#text[aria-label]")
        return page

    yield make
    asked_for = [message for message in trouble if message.startswith("file://")]
    for page in (page for context in contexts for page in context.pages):
        assert page.evaluate("window.__pwned") is None
    for context in contexts:
        context.close()
    assert len(asked_for) == len(contexts)  # the file itself, once each
    assert [message for message in trouble if message not in asked_for] == []
