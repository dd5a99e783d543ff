"""The panels in which the network of the page writes and reads, in a real browser."""

import re
import shlex
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


#: Types a long text: `fill` takes long for one.
TYPE = "(box, text) => { box.value = text; box.dispatchEvent(new Event('input')); }"
#: Lets the page do what it does before it is drawn, twice.
TWO_FRAMES = "new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"


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
    wait_for_the_start(page)


def wait_for_the_start(page):
    """Wait until the start text has been read."""
    page.wait_for_selector("#written[aria-busy='false']")


def write(page, characters):
    page.locator("#speed").fill("7")  # as fast as it can
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
    page.locator("#speed").fill("6")
    page.locator("#written").focus()
    page.keyboard.press("Space")
    wait_for_count(page, 12)
    page.keyboard.press("Space")
    page.get_by_role("button", name="Write", exact=True).wait_for()
    length = len(written(page))
    page.evaluate(TWO_FRAMES)
    assert len(written(page)) == length


def test_while_the_network_writes_a_next_character_can_be_pressed(page):
    page.locator("#speed").fill("6")  # 200 characters a second
    begin(page, prime="The fe")
    page.get_by_role("button", name="Write", exact=True).click()
    wait_for_count(page, 12)
    page.locator("#next-characters button").nth(1).hover()
    page.mouse.down()
    length, pressed = len(written(page)), likeliest(page)[1][0]
    page.evaluate(TWO_FRAMES)
    page.mouse.up()
    assert written(page)[length:] == {"↵": "\n", "␣": " "}.get(pressed, pressed)


def test_the_view_follows_only_where_it_is_at_the_end(page):
    scrolled = "document.getElementById('written').scrollTop"
    page.locator("#prime").evaluate(TYPE, 4 * PLAIN)
    begin(page, speed=6)
    page.get_by_role("button", name="Write", exact=True).click()
    wait_for_count(page, 4 * len(PLAIN) + 5)
    assert page.evaluate(scrolled) > 400
    page.evaluate(f"{scrolled} = 0")
    wait_for_count(page, len(written(page)) + 5)
    assert page.evaluate(scrolled) == 0
    page.locator("#written").press("Escape")


def test_nothing_is_written_while_the_start_text_is_read(page, plain):
    prime = 20 * PLAIN
    said = page.evaluate(
        f"""(prime) => {{
            ({TYPE})(document.getElementById("prime"), prime);  // reads the first slice
            document.getElementById("write").click();
            document.querySelector("#next-characters button").click();
            document.querySelector(".hold button").click();
            return document.getElementById("count").textContent;
        }}""",
        prime,
    )
    assert said.startswith("reading the start text: ")
    wait_for_the_start(page)
    assert written(page) == prime
    assert page.locator("#count").text_content() == f"{len(prime):,} characters"
    assert page.get_by_role("button", name="Write", exact=True).is_enabled()
    (held,) = page.locator("#command").text_content().split(" --hold ")[1:]
    low = plain.ranges[plain_signal(plain, 2, "h")][3, 1]
    assert float(held.removeprefix("2.3=")) == pytest.approx(low, abs=0.0006)


def test_a_state_that_becomes_infinite_ends_the_text(visit, tmp_path):
    text = "The ferry waits."
    report = sample(text, cell="vanilla-relu", num_layers=1, spread=4)
    save(report, tmp_path / "infinite.html")
    page = visit("#layer=1&signal=h&cell=3", path=tmp_path / "infinite.html")
    notice = page.locator("#prime-notice:has-text('infinite: begin again')")
    notice.wait_for()
    assert 16 < len(written(page)) < 240
    assert page.locator("#count").text_content() == f"{len(written(page))} characters"
    begin(page, prime=15 * text)
    notice.wait_for()
    read = written(page)
    assert 16 < len(read) < 240
    assert (15 * text).startswith(read)
    assert len(classes(page, "written")) == len(read)
    assert all(re.fullmatch(r"([br]\d+)?", name) for name in classes(page, "written"))


def test_unknown_characters_of_the_start_text_are_said(page):
    begin(page, prime="The €€ \x07 ferry")
    assert written(page) == "The   ferry"
    notice = page.locator("#prime-notice").text_content()
    assert notice.startswith("3 unknown characters left out: € \\x07")
    words = ["charrnn", "sample", "--temp", "0.8"]
    assert command(page) == [*words, "--prime-file", "start.txt", "--unknown", "skip"]
    assert page.locator("#prime-file").is_visible()  # \x07 cannot be typed
    begin(page, prime="The €")
    assert command(page) == [*words, "--prime", "The €", "--unknown", "skip"]
    begin(page, prime="The (")
    assert command(page) == [*words, "--prime", "The ("]
    assert not page.locator("#prime-file").is_visible()


def command(page):
    return shlex.split(page.locator("#command").text_content())


def test_the_command_names_the_checkpoint_and_the_weights(visit, plain, tmp_path):
    words = ("charrnn", "sample", "-c", "my model.npz", "--weights", "last")
    network = replace(plain.network, command=words)
    save(replace(plain, network=network), tmp_path / "named.html")
    page = visit(path=tmp_path / "named.html")
    page.wait_for_selector("#command:not(:empty)")
    assert command(page) == [*words, "--temp", "0.8"]


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
        page.get_by_label("Search").fill("f\xe9")
        assert page.locator("#hits").text_content() == "9 found"
        if not binary:  # the form with the fewest unknown characters, also where one stays
            begin(page, prime="caf\xe9€")
            assert written(page) == text.strip()


def test_unknown_characters_can_be_read_as_the_replacement(visit, tmp_path):
    report = sample(9 * "caf\xe9 \ufffd\n", num_layers=1)
    report.network.model.vocabulary.replaces = True
    network = replace(report.network, normalize="nfc")
    save(replace(report, network=network), tmp_path / "replaces.html")
    page = visit("#layer=1&signal=h&cell=3", path=tmp_path / "replaces.html")
    wait_for_count(page, 240)
    begin(page, prime="cafe\u0301€")
    assert written(page) == "caf\xe9\ufffd"
    notice = page.locator("#prime-notice").text_content()
    assert notice == "1 unknown character read as U+FFFD: €"
    assert "--unknown" not in command(page)


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
    low = plain.ranges[plain_signal(plain, 2, "c")][3, 1]
    holds = command(page)[-3::2]
    assert holds[0] == "2.3=0.75"
    assert holds[1].startswith("2.3.c=")
    assert float(holds[1].removeprefix("2.3.c=")) == pytest.approx(low, abs=0.00051)
    assert page.locator(".hold").count() == 2
    begin(page, temperature=0)
    write(page, 60)
    reader = reader_after(model, "The ferry", plain.network.start, holds)
    start = sampling.Start(reader.state[..., 0], reader.logits[:, 0])
    held = parse_all(model, holds)
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
        end = np.quantile(values, share)
        page.get_by_role("button", name=f"Hold cell 2.3 at its {name} end").click()
        said = page.locator(".hold output").text_content()
        assert said.endswith(" held")
        assert number(said.removesuffix(" held")) == pytest.approx(end, abs=0.0056)
    marks = page.locator(".hold option").evaluate_all("marks => marks.map((mark) => +mark.value)")
    assert marks == pytest.approx(np.quantile(values, (0.05, 0.95)), abs=0.0056)


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
    page.locator("#typed").fill("The")  # what is explained is gone
    assert not page.locator("#why-reading").is_visible()
    page.locator("#typed").evaluate(TYPE, 50 * PLAIN)
    notice = page.locator("#own-notice:has-text('only the first 20,000 characters are read')")
    notice.wait_for()
    page.locator("#source span").first.click()
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
    words = page.locator("#command").text_content()
    escaped = hostile.replace("\\", r"\\").replace("\n", r"\n")
    assert shlex.split(words) == ["charrnn", "sample", "--temp", "0.8", "--prime", escaped]
    assert "\n" not in words
    page.locator("#text span").nth(5).click()  # explained, and described
    page.wait_for_selector("#why-reading .sentence:not(:empty)")


def test_a_long_text_has_elements_only_where_it_is_in_view(visit, tmp_path):
    report = sample("The ferry waits.\n" * 3_000, cell="gru", num_layers=1, hidden_size=2)
    save(report, tmp_path / "long.html")
    page = visit("#layer=1&signal=h&cell=1&position=50000", path=tmp_path / "long.html")
    page.wait_for_selector("#where:has-text('50,000')")
    # Blocks of 24 lines: within a height of the view around it by the heights that they are taken
    # to have, one more at each end, and the first four.
    high = page.locator("#text").evaluate("text => text.clientHeight")
    most = (3 * high / (18 * 16) + 2 + 4) * 24 * 17
    fewer = "most => document.querySelectorAll('#text span').length <= most"
    page.wait_for_function(fewer, arg=most)
    assert page.locator("#text span").count() > 100
    here = page.locator("#text [data-here]")
    assert here.text_content() == report.text[50_000]
    assert here.is_visible()
    page.locator("#text").focus()
    page.keyboard.press("Control+Home")
    assert page.locator("#where").text_content().startswith("character 0 of 51,000")
    assert page.locator("#text").text_content() == report.text
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#text span").count() == 51_000
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.wait_for_function(fewer, arg=most)


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
