"""The page of `charrnn inspect --html`: its size, and the time until it is seen and can be used.

The pages are of a default network that is trained for some seconds, without analyses: the default
5,000 characters, and 100,000 characters with the output h alone. Chromium opens each page from the
disk, without a window. *painted* is its first paint, *ready* the first coloured text, both from the
beginning of the navigation; *recolour* the time from a click until another cell is shown;
*frame* the longest time between two frames while the text scrolls from its beginning to its end in
a second; *written* the characters that the network writes in a second at full speed. Medians over
the turns.
"""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from common import Options, Result, Table, alone
from watching import charrnn, watch

#: The options of each page, by its name in the table.
PAGES = {
    "--no-analyses": (),
    "--length 100000 --signal h": ("--length", "100000", "--signal", "h"),
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
#: Steps of the training of the network.
STEPS = 300
#: Notes each time at which a text is coloured: the page then names the cell in the label.
WATCH = """addEventListener("DOMContentLoaded", () => {
    window.coloured = [];
    const watch = new MutationObserver(() => coloured.push(performance.now()));
    watch.observe(document.getElementById("text"), { attributeFilter: ["aria-label"] });
})"""
#: Milliseconds until the browser has painted, and until the text is coloured.
TIMES = """() => [performance.getEntriesByName("first-paint")[0].startTime, coloured[0]]"""
#: The milliseconds for each of ten cells.
RECOLOUR = """async () => {
    const found = [];
    for (let n = 0; n < 10; n++) {
        const begun = performance.now();
        document.getElementById("next").click();
        await new Promise((go) => setTimeout(go, 100));
        found.push(coloured.at(-1) - begun);
    }
    return found;
}"""
#: The longest time between two frames while the text scrolls, in milliseconds.
FRAME = """() => new Promise((done) => {
    const text = document.getElementById("text"), frames = [];
    const begun = performance.now();
    const step = (now) => {
        frames.push(now);
        text.scrollTop = (text.scrollHeight * (now - begun)) / 1000;
        if (now - begun < 1000) requestAnimationFrame(step);
        else done(Math.max(...frames.slice(1).map((each, at) => each - frames[at])));
    };
    requestAnimationFrame(step);
})"""
#: The characters that are written in a second.
WRITTEN = """async () => {
    const length = () => Number(
        document.getElementById("count").textContent.split(" ")[0].replace(",", ""));
    const speed = document.getElementById("speed");
    speed.value = speed.max;
    const [before, begun] = [length(), performance.now()];
    document.getElementById("write").click();
    await new Promise((go) => setTimeout(go, 1000));
    document.getElementById("write").click();
    return (1000 * (length() - before)) / (performance.now() - begun);
}"""


def measure(options: Options) -> Result:
    """Measure each page, a row each."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    reason = None
    if not options.text.exists():
        reason = f"{options.text}: no such file: `make data/shakespeare.txt`, or name one by --text"
    elif importlib.util.find_spec("playwright") is None:
        reason = "no playwright: pip install playwright"
    elif program is None:
        reason = "no browser: apt-get install chromium"
    if reason:
        print(f"left out: {reason}")
        return {"left_out": reason}
    rows = []
    figures = Table(
        "page".ljust(26), "MB", "made, s", "painted, ms", "ready, ms", "recolour, ms", "frame, ms",
        "written",
    )  # fmt: skip
    with (
        tempfile.TemporaryDirectory() as name,
        importlib.import_module("playwright.sync_api").sync_playwright() as playwright,
    ):
        folder = Path(name)
        steps = "20" if options.quick else str(STEPS)
        watch(charrnn("train", str(options.text), "--steps", steps), folder)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for page, more in PAGES.items():
            made = watch(
                charrnn("inspect", "--html", "page.html", "--no-analyses", *more), folder
            ).seconds
            path = folder / "page.html"
            row: dict[str, Any] = {
                "page": page,
                "megabytes": path.stat().st_size / 1e6,
                "made": made,
                **opened(browser, path, options.turns),
            }
            rows.append(row)
            figures.row(*row.values())
        browser.close()
    return {"text": options.text.name, "steps": int(steps), "rows": rows}


def opened(browser: Any, path: Path, turns: int) -> dict[str, float]:
    """The figures of a page in a browser, medians over the turns."""
    figures: dict[str, list[float]] = {
        name: [] for name in ("painted", "ready", "recolour", "frame", "written")
    }
    for _ in range(turns):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(WATCH)
        page.goto(path.as_uri())
        page.wait_for_selector("#count:has-text('240')")
        painted, ready = page.evaluate(TIMES)
        figures["painted"].append(painted)
        figures["ready"].append(ready)
        figures["recolour"].append(median(page.evaluate(RECOLOUR)))
        figures["frame"].append(page.evaluate(FRAME))
        figures["written"].append(page.evaluate(WRITTEN))
        page.close()
    return {name: median(values) for name, values in figures.items()}


if __name__ == "__main__":
    alone(measure, __doc__)
