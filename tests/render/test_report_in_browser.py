"""The text, the choice of a cell, and the analyses of the page in a real browser."""

import re
from dataclasses import replace

import numpy as np
import pytest
from helpers.page import (
    background,
    check_colours,
    check_panel,
    classes,
    number,
    shown,
    wait_for_cell,
)
from helpers.reports import FERRY, HOSTILE, TEXT, sample

from charrnn.inspection.reading import Signal
from charrnn.render.report import save


def test_the_text_is_coloured_by_the_first_cell_found(visit, report):
    page = visit()
    wait_for_cell(page, 2, "h", 3)
    check_colours(page, report, 2, "h", 3)
    check_panel(page, report, 0, 2, "h", 3)


def test_with_none_found_the_text_is_coloured_by_the_first_cell(visit, report, tmp_path):
    save(replace(report, found=()), tmp_path / "none.html")
    page = visit(path=tmp_path / "none.html")
    wait_for_cell(page, 1, "h", 0)
    check_colours(page, report, 1, "h", 0)


def test_another_cell_has_other_colours(visit, report):
    page = visit("#layer=1&signal=h&cell=0")
    wait_for_cell(page, 1, "h", 0)
    check_colours(page, report, 1, "h", 0)
    page.get_by_role("button", name="Next cell").click()
    wait_for_cell(page, 1, "h", 1)
    check_colours(page, report, 1, "h", 1)
    page.get_by_role("spinbutton", name="Cell").fill("4")
    wait_for_cell(page, 1, "h", 4)
    page.locator("#layer").select_option("2")
    wait_for_cell(page, 2, "h", 4)
    check_colours(page, report, 2, "h", 4)
    page.locator("#signal").select_option(label="f – forget gate")
    wait_for_cell(page, 2, "f", 4)
    check_colours(page, report, 2, "f", 4)
    assert page.locator("#low").text_content() == "closed 0"


def test_a_memory_is_coloured_by_what_the_output_sees(visit, report):
    page = visit("#layer=2&signal=c&cell=2")
    wait_for_cell(page, 2, "c", 2)
    check_colours(page, report, 2, "c", 2)


def test_a_rectified_output_is_coloured_by_its_share_of_the_largest(visit, tmp_path):
    report = sample("The ferry waits.\n" * 9, cell="vanilla-relu", num_layers=1, spread=0.1)
    values = report.recording.values[Signal(1, "h")]
    values *= 8 / values.max()
    save(report, tmp_path / "relu.html")
    page = visit("#layer=1&signal=h&cell=2&position=30", path=tmp_path / "relu.html")
    for name, value in zip(classes(page), values[:, 2] / 8):
        assert int(name[1:] or 0) == pytest.approx(12 * value, abs=0.6)
    assert page.locator("#high").text_content() == "8"
    # In steps of 8/63, and with one decimal.
    assert number(shown(page)["value"]) == pytest.approx(values[30, 2], abs=4 / 63 + 0.051)


def test_arrow_keys_flip_through_the_cells(visit):
    page = visit("#layer=1&signal=h&cell=2")
    wait_for_cell(page, 1, "h", 2)
    for key, cell in (("ArrowRight", 3), ("ArrowRight", 4), ("ArrowLeft", 3)):
        page.keyboard.press(key)
        wait_for_cell(page, 1, "h", cell)
    page.get_by_role("slider", name="Cell", exact=True).focus()
    page.keyboard.press("ArrowRight")
    wait_for_cell(page, 1, "h", 4)
    page.get_by_label("Search").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("slider", name="Cell", exact=True).focus()
    page.keyboard.press("End")
    wait_for_cell(page, 1, "h", 5)
    assert page.get_by_role("button", name="Next cell").is_disabled()


def test_pointing_at_a_character_shows_its_numbers(visit, report):
    page = visit("#layer=2&signal=h&cell=3")
    wait_for_cell(page, 2, "h", 3)
    for position in (1, FERRY + 2, FERRY + 3):
        page.locator("#text span").nth(position).hover()
        check_panel(page, report, position, 2, "h", 3)
    page.locator("h1").hover()
    check_panel(page, report, 0, 2, "h", 3)


def test_a_tap_shows_a_character(visit, report):
    page = visit("#layer=1&signal=o&cell=1", width=390, has_touch=True)
    wait_for_cell(page, 1, "o", 1)
    page.locator("#text span").nth(5).tap()
    check_panel(page, report, 5, 1, "o", 1)


def test_keys_move_through_the_text(visit, report):
    page = visit(f"#layer=1&signal=h&cell=0&position={FERRY}")
    wait_for_cell(page, 1, "h", 0)
    line = len("The ferry waits, the ferry leaves.\n")
    page.locator("#text").focus()
    for key, moved in (
        ("ArrowRight", 1),
        ("ArrowDown", line + 1),
        ("End", 2 * line - 1),
        ("Home", line),
        ("ArrowUp", 0),
        ("Home", 0),
        ("ArrowRight", 1),
        ("ArrowLeft", 0),
    ):
        page.keyboard.press(key)
        position = page.evaluate("[...document.querySelectorAll('#text span')]"
                              ".findIndex(s => s.hasAttribute('data-here'))")  # fmt: skip
        assert position == FERRY + moved, key
        check_panel(page, report, position, 1, "h", 0)
    page.keyboard.press("Control+End")
    assert shown(page)["came"] == "The text ends here."
    page.keyboard.press("Control+Home")
    assert shown(page)["character"] == "A"
    assert (
        page.locator("#text").get_attribute("aria-label").endswith("cell 0 of layer 1, h")
    )  # none was flipped


def test_a_found_cell_links_to_a_position_of_its_feature(visit, report):
    page = visit()
    for _ in range(2):  # also if the target is selected already
        page.get_by_role("link", name="the ferry").click()
        wait_for_cell(page, 2, "h", 3)
        page.wait_for_selector("#text:focus")
        check_panel(page, report, FERRY, 2, "h", 3)
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowLeft")
        page.evaluate("document.activeElement.blur()")
    assert page.locator("#text span").nth(FERRY).is_visible()
    assert page.evaluate("document.getElementById('text').scrollTop") > 0
    page.locator("#found a").nth(1).click()  # its position is beyond the text
    wait_for_cell(page, 1, "f", 1)
    check_panel(page, report, FERRY, 1, "f", 1)


def test_the_address_keeps_what_is_chosen(visit, report):
    page = visit(f"#layer=2&signal=i&cell=5&position={FERRY}")
    wait_for_cell(page, 2, "i", 5)
    check_colours(page, report, 2, "i", 5)
    check_panel(page, report, FERRY, 2, "i", 5)
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**#layer=2&signal=i&cell=4&position={FERRY}")
    page.get_by_text("surprisal", exact=True).first.click()
    page.wait_for_url("**&by=surprisal")


def test_an_address_that_makes_no_sense_does_no_harm(visit):
    page = visit("#layer=9&signal=h")
    for address in (
        "layer=1&signal=h&cell=<img>",
        "layer=1&signal=<img>",
        "cell=-1&position=x",
        "section-1",
        "%00%ff&=",
        "",
    ):
        page.evaluate("(address) => { location.hash = address; }", address)
    wait_for_cell(page, 1, "h", 3)
    page.evaluate("location.hash = 'layer=1&signal=h&cell=99999999&position=99999999'")
    wait_for_cell(page, 1, "h", 5)
    assert shown(page)["came"] == "The text ends here."
    assert page.locator("#text span").count() == len(TEXT)
    assert page.locator("[data-here]").count() == 1


def test_the_text_can_be_coloured_by_surprisal(visit, report):
    page = visit()
    page.get_by_text("surprisal", exact=True).first.click()
    page.wait_for_selector('#text[aria-label$="surprisal"]')
    bits = np.append(0, report.recording.losses / np.log(2))
    for name, value in zip(classes(page), bits):
        assert int(name[1:] or 0) == pytest.approx(min(12, 12 * value / 8), abs=0.51)
        assert name[:1] in ("", "s")


def test_search_counts_and_goes_to_matches(visit):
    page = visit()
    box = page.get_by_label("Search")
    box.fill("THE FERRY")
    assert page.locator("#hits").text_content() == "50 found"
    assert page.locator("[data-hit]").count() == 50 * len("the ferry")
    here = page.locator("[data-here]")
    for key, hit in (("Enter", 1), ("Enter", 2), ("Shift+Enter", 1), ("Shift+Enter", 50)):
        box.press(key)
        assert page.locator("#hits").text_content() == f"{hit} of 50"
        assert here.text_content() == ("T" if hit % 2 else "t")
        assert here.is_visible()
    box.fill("\U0001f600e")  # a character that JavaScript counts as two
    box.press("Enter")
    assert here.text_content() == "\U0001f600"
    box.fill("zebra")
    assert page.locator("#hits").text_content() == "0 found"
    assert page.locator("[data-hit]").count() == 0
    box.fill("")
    assert page.locator("#hits").text_content() == ""


def test_a_hostile_text_is_shown_and_does_nothing(visit):
    page = visit()
    text = page.evaluate("document.getElementById('text').textContent")
    for line in HOSTILE[:6]:
        assert line in text
    assert r"\x00\x1b[31m\x07\x0d\x85" in text
    assert r"\u202eltr\u2066\u2069\u200f\u2028\u2029\ufeff" in text
    assert r"\ud83d\ude00\ud800" in text
    assert page.locator("#text :not(div, span)").count() == 0
    assert page.locator("img").count() == 0
    assert HOSTILE[0] in page.title()


def test_an_invisible_character_is_named(visit):
    page = visit()
    page.locator("#text").focus()
    for character, said in (
        ("\x1b", r"\x1b"),
        ("\n", "↵"),
        ("\u202e", r"\u202e"),
        ("\u0301", "◌\u0301"),
    ):
        page.evaluate(f"location.hash = '#layer=1&signal=h&position={TEXT.index(character)}'")
        page.wait_for_function(
            "s => document.getElementById('character').textContent === s", arg=said
        )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_stand_out_from_every_colour(visit, scheme):
    page = visit(scheme=scheme)

    def luminance(color):
        parts = [float(part) / 255 for part in re.findall(r"[\d.]+", color)[:3]]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    def contrast(first, second):
        low, high = sorted((luminance(first), luminance(second)))
        return (high + 0.05) / (low + 0.05)

    span = page.locator("#text span").first
    ink = span.evaluate("s => getComputedStyle(s).color")
    for name in ("b12", "r12", "s12"):
        span.evaluate("(s, name) => { s.className = name; }", name)
        assert contrast(ink, background(page, 0)) > 4.5
    paper = "getComputedStyle(document.body).backgroundColor"
    for selector in ("body", "dt", "a", "#how", "#where", ".answer", "thead th"):
        color = page.locator(selector).first.evaluate("s => getComputedStyle(s).color")
        assert contrast(color, page.evaluate(paper)) > 4.5, selector


def test_it_fits_a_telephone(visit):
    page = visit(width=390)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_printed_it_has_colours_and_no_controls(visit):
    page = visit()
    page.emulate_media(media="print")
    assert not page.locator("#controls").is_visible()
    key = page.locator("#print-key").inner_text()
    assert key == "Colours: cell 3 of layer 2, h, from −1 (blue) to 1 (red)."
    text = page.locator("#text")
    assert text.evaluate("t => getComputedStyle(t).printColorAdjust") == "exact"
    assert text.evaluate("t => t.scrollHeight <= t.clientHeight + 1")


def test_controls_and_text_have_names(visit):
    page = visit()
    unnamed = page.evaluate(
        """[...document.querySelectorAll("input, select, button, [tabindex='0'], svg[role]")]
            .filter((e) => !(e.labels?.length || e.ariaLabel || e.textContent.trim()
                || e.getAttribute("aria-labelledby")))
            .map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert unnamed == []


def test_without_a_script_the_analyses_can_be_read(visit):
    page = visit(java_script_enabled=False)
    assert "needs JavaScript" in page.locator("#trouble").inner_text()
    assert page.locator(".answer").first.is_visible()
    assert not page.locator("#controls").is_visible()


def test_a_report_without_a_network_shows_the_recording(visit, report, tmp_path):
    save(replace(report, network=None), tmp_path / "none.html")
    page = visit("#layer=2&signal=h&cell=3", path=tmp_path / "none.html")
    wait_for_cell(page, 2, "h", 3)
    check_colours(page, report, 2, "h", 3)
    assert not page.locator("#writing").is_visible()
    assert not page.locator("#source").count()
    assert not page.locator("#trouble").is_visible()


def test_a_report_without_signals_still_shows_the_analyses(visit, report, tmp_path):
    nothing = replace(report.recording, values={})
    save(replace(report, recording=nothing), tmp_path / "none.html")
    page = visit(path=tmp_path / "none.html", java_script_enabled=False)
    assert page.locator(".answer").first.is_visible()
