"""The panels in which the network of the page writes and reads, in a real browser."""

import re
from dataclasses import replace

import numpy as np
import pytest
from helpers.page import classes, number, wait_for_cell
from helpers.reports import HOSTILE, sample

from charrnn import sampling
from charrnn.network.holding import parse_all
from charrnn.render.report import save
from charrnn.sampling import Choice, Reader

PLAIN = "The ferry waits, (the ferry) leaves.\n" * 12


@pytest.fixture(scope="module")
def plain():
    return sample(PLAIN, cell="lstm", num_layers=2, spread=0.4)


@pytest.fixture(scope="module")
def plain_file(plain, tmp_path_factory):
    path = tmp_path_factory.mktemp("plain") / "plain.html"
    save(plain, path)
    return path


@pytest.fixture
def page(visit, plain_file):
    page = visit("#layer=2&signal=h&cell=3", path=plain_file)
    wait_for_cell(page, 2, "h", 3)
    wait_for_count(page, 240)
    return page


def wait_for_count(page, characters):
    page.wait_for_function(
        "n => Number(document.getElementById('count').textContent.replace(/,| .*/g, '')) >= n",
        arg=characters,
    )


def written(page):
    return page.locator("#written").text_content()


def begin(page, **settings):
    for name, value in settings.items():
        page.locator(f"#{name}").fill(str(value))
    page.get_by_role("button", name="Begin again").click()
    wait_for_count(page, 0)


def write(page, characters):
    page.locator("#speed").fill("6")  # 200 characters a second
    page.get_by_role("button", name="Write", exact=True).click()
    wait_for_count(page, characters)
    page.locator("#written").press("Escape")


def reader_after(model, text, start, hold=()):
    """A reader after a text, with some cells held."""
    reader = Reader(model)
    reader.hold(parse_all(model, hold))
    reader.state[...] = start.state[..., None]
    reader.logits[...] = start.logits[:, None]
    for index in model.vocabulary.encode(text):
        reader.read(np.array([index]))
    return reader


def likeliest(page):
    """The next characters and their probabilities in percent."""
    rows = page.locator("#next-characters button").all()
    return [
        (row.locator("code").text_content(), number(row.locator("data").text_content()))
        for row in rows
    ]


def check_next(page, model, logits):
    best, p = sampling.likeliest(logits, 5)
    found = likeliest(page)
    shown = [{"\n": "↵", " ": "␣"}.get(c, c) for c in model.vocabulary.decode(best)]
    assert [character for character, _ in found] == shown
    assert [p for _, p in found] == pytest.approx(100 * p, abs=0.0501)


def test_at_temperature_0_it_writes_what_sample_writes(page, plain):
    model = plain.network.model
    prime = "waits"
    begin(page, prime=prime, temperature=0)
    assert page.locator("#command").text_content() == "charrnn sample --temp 0 --prime waits"
    write(page, 150)
    start = reader_after(model, prime, plain.network.start)
    start = sampling.Start(start.state[..., 0], start.logits[:, 0])
    (characters,) = sampling.sample(model, start, 145, Choice(0))
    expected = prime + "".join(character.char for character in characters)
    assert written(page)[:150] == expected


def test_a_seed_repeats_a_text(page):
    begin(page, seed=5)
    write(page, 60)
    first = written(page)[:60]
    begin(page, seed=6)
    write(page, 60)
    other = written(page)[:60]
    begin(page, seed=5)
    write(page, 60)
    assert written(page)[:60] == first != other


def test_the_next_character_can_be_chosen(page, plain):
    model = plain.network.model
    begin(page, prime="The fe")
    assert written(page) == "The fe"
    check_next(page, model, reader_after(model, "The fe", plain.network.start).logits[:, 0])
    third = likeliest(page)[2][0]
    page.locator("#next-characters button").nth(2).click()
    assert written(page) == "The fe" + {"↵": "\n", "␣": " "}.get(third, third)
    page.locator("#written").focus()
    first = likeliest(page)[0][0]
    page.keyboard.press("1")
    assert written(page)[7:] == {"↵": "\n", "␣": " "}.get(first, first)
    page.keyboard.press("Space")
    wait_for_count(page, 12)
    page.keyboard.press("Space")
    length = len(written(page))
    page.wait_for_timeout(100)
    assert len(written(page)) == length
    assert page.get_by_role("button", name="Write", exact=True).is_visible()


def test_unknown_characters_of_the_start_text_are_said(page):
    begin(page, prime="The €€ \x07 ferry")
    assert written(page) == "The   ferry"
    notice = page.locator("#prime-notice").text_content()
    assert notice.startswith("3 unknown characters left out: € \\x07")


def test_what_is_typed_is_read_as_the_training_read_its_text(visit, tmp_path):
    for name, text, binary in (("nfd", "cafe\u0301\n", False), ("bytes", "caf\xc3\xa9\n", True)):
        report = sample(9 * text, num_layers=1)
        network = replace(report.network, binary=binary)
        save(replace(report, network=network), tmp_path / f"{name}.html")
        page = visit("#layer=1&signal=h&cell=3", path=tmp_path / f"{name}.html")
        wait_for_count(page, 240)
        begin(page, prime="caf\xe9")
        assert written(page) == text.strip()
        assert page.locator("#prime-notice").text_content() == ""


def test_a_cell_is_held_at_a_value(page, plain):
    model = plain.network.model
    begin(page, prime="The ferry")

    page.get_by_role("slider", name="Value of cell 2.3", exact=True).fill("0.75")
    assert page.locator(".hold output").text_content() == "0.75 held"
    begin(page)
    reader = reader_after(model, "The ferry", plain.network.start, ["2.3=0.75"])
    check_next(page, model, reader.logits[:, 0])
    assert set(classes(page, "written")) == {"r9"}
    assert page.locator("#command").text_content().endswith("--prime 'The ferry' --hold 2.3=0.75")
    page.locator("#signal").select_option(label="c – memory, as tanh c")
    page.get_by_role("button", name="Hold cell 2.3.c at its low end").click()
    low = np.quantile(plain.recording.values[plain_signal(plain, 2, "c")][:, 3], 0.05)
    assert (
        page.locator("#command")
        .text_content()
        .endswith(f"--hold 2.3=0.75 --hold 2.3.c={low:.3f}".rstrip("0"))
    )
    assert page.locator(".hold").count() == 2
    command = page.locator("#command").text_content().split(" --hold ")[1:]
    begin(page, temperature=0)
    write(page, 60)
    reader = reader_after(model, "The ferry", plain.network.start, command)
    start = sampling.Start(reader.state[..., 0], reader.logits[:, 0])
    held = parse_all(model, command)
    (characters,) = sampling.sample(model, start, 51, Choice(0), hold=held)
    assert written(page)[9:60] == "".join(character.char for character in characters)
    page.get_by_role("button", name="Let go of all").click()
    assert page.locator(".hold").count() == 1
    assert page.locator(".hold output").text_content().endswith("free")
    begin(page)
    check_next(page, model, reader_after(model, "The ferry", plain.network.start).logits[:, 0])


def plain_signal(report, layer, name):
    return next(s for s in report.recording.values if (s.layer, s.name) == (layer, name))


def test_a_found_cell_has_its_ends_on_the_slider(visit, report):
    page = visit()
    page.get_by_role("link", name="the ferry").click()
    wait_for_cell(page, 2, "h", 3)
    values = report.recording.values[plain_signal(report, 2, "h")][:, 3]
    for name, share in (("low", 0.05), ("high", 0.95)):
        end = f"{np.quantile(values, share):.2f}".rstrip("0").replace("-", "−")
        button = page.get_by_role("button", name=f"Hold cell 2.3 at its {name} end, {end}")
        button.click()
        assert page.locator(".hold output").text_content().endswith(" held")


def test_a_text_that_is_typed_is_coloured_at_once(page, plain):
    model, start = plain.network.model, plain.network.start
    page.get_by_text("your own").click()
    for text in ("The ferry € leaves", "The ferry € waits,\n(the"):  # the second one is an edit
        page.locator("#typed").fill(text)
        known = text.replace("€", "")
        page.wait_for_function("t => document.getElementById('text').textContent === t", arg=known)
        assert page.locator("#own-notice").text_content() == "1 unknown character left out: €"
        expected = [
            reader_after(model, known[: n + 1], start).state[1, 0, 3, 0] for n in range(len(known))
        ]
        shades = [(-1 if c[:1] == "b" else 1) * int(c[1:] or 0) / 12 for c in classes(page)]
        assert shades == pytest.approx(expected, abs=0.5 / 12 + 0.5 / 63 + 1e-4)
    page.locator("#text span").nth(5).click()
    logits = reader_after(model, known[:5], start).logits
    (log_p,) = sampling.log_softmax(logits, model.vocabulary.encode(known[5]))
    surprisal = page.locator("#surprisal-here").text_content()
    assert number(surprisal) == pytest.approx(-log_p / np.log(2), abs=0.0051)
    page.get_by_text("the held-out", exact=False).or_(
        page.locator("#source span").first
    ).first.click()
    assert page.locator("#text").text_content() == PLAIN


def test_a_character_is_explained_by_those_before_it(page, plain):
    model = plain.network.model
    position = 60
    target = model.vocabulary.encode(PLAIN[position])

    def log2(n):
        """log2 of the probability after n characters, from an empty state."""
        reader = Reader(model)
        reader.logits[...] = model.parameters["by"][:, None]
        for index in model.vocabulary.encode(PLAIN[position - n : position]):
            reader.read(np.array([index]))
        return sampling.log_softmax(reader.logits, target)[0] / np.log(2)

    page.locator("#text span").nth(position).click()
    page.wait_for_selector("#why-reading .sentence:has-text('Without')")
    titles = page.locator("#why-reading .context span").evaluate_all(
        "spans => spans.map((span) => span.title)"
    )
    assert len(titles) == 41
    found = [number(title.split(" bits")[0]) for title in titles[-2::-1]]
    expected = [log2(n) - log2(n - 1) for n in range(1, 41)]
    assert found == pytest.approx(expected, abs=0.0052)
    assert np.ptp(found) > 0.05
    said = page.locator("#why-reading .sentence").text_content()
    adds = number(re.search(r"adds (\S+) bits", said)[1])
    assert adds == pytest.approx(log2(40) - log2(0), abs=0.0052)
    page.locator("#written span").nth(3).click()
    page.wait_for_selector("#why-writing .sentence:has-text('Without')")
    assert page.locator("#why-writing .context span").count() == 4


def test_nothing_that_is_typed_runs(visit):
    page = visit()
    hostile = "".join(c for c in "\n".join(HOSTILE) if c.isprintable() or c == "\n")
    page.locator("#prime").fill(hostile)
    page.get_by_text("your own").click()
    page.locator("#typed").fill(hostile)
    page.wait_for_function(
        "t => document.getElementById('text').textContent.includes(t)", arg=HOSTILE[1]
    )
    assert HOSTILE[1] in written(page)
    assert page.locator("img, .text :not(div, span)").count() == 0
    command = page.locator("#command").text_content()
    assert r"'\''onmouseover" not in command
    assert "\n" not in command
    page.locator("#text span").nth(5).click()  # explained, and described
    page.wait_for_selector("#why-reading .sentence:not(:empty)")


def test_a_long_text_has_elements_only_where_it_is_in_view(visit, tmp_path):
    report = sample("The ferry waits.\n" * 3_000, cell="gru", num_layers=1, hidden_size=2)
    save(report, tmp_path / "long.html")
    page = visit("#layer=1&signal=h&cell=1&position=50000", path=tmp_path / "long.html")
    page.wait_for_selector("#where:has-text('50,000')")
    page.wait_for_timeout(100)
    assert 100 < page.locator("#text span").count() < 12_000
    here = page.locator("#text [data-here]")
    assert here.text_content() == report.text[50_000]
    assert here.is_visible()
    page.locator("#text").focus()
    page.keyboard.press("Control+Home")
    assert page.locator("#where").text_content().startswith("character 0 of 51,000")
    assert page.locator("#text").text_content() == report.text


RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def test_axe_finds_no_obstacle(page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page.get_by_text("your own").click()
    page.locator("#typed").fill("The ferry")
    page.locator("#text span").nth(5).click()
    page.get_by_role("button", name="Hold cell 2.3 at its low end").click()
    page.wait_for_selector("#why-reading .sentence:not(:empty)")
    for scheme, width in (("dark", 1280), ("light", 390)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        options = {"runOnly": {"type": "tag", "values": list(RULES)}}
        found = axe.run(page, options=options).response["violations"]
        assert [(each["id"], [node["html"] for node in each["nodes"][:3]]) for each in found] == []
