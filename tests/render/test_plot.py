import subprocess
import sys
import warnings
from dataclasses import replace
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure as Picture

from charrnn.errors import MissingExtraError, SettingError
from charrnn.inspection.answer import ColoredText, Figure, Series
from charrnn.render.colored import BLUE, RED
from charrnn.render.colored import draw as draw_text
from charrnn.render.colored import height_of as height_of_text
from charrnn.render.plot import INK, check_suffix, save, svg

LINE = Figure("Loss", "steps", "nats", (Series("gru", [0, 1, 2], [4, 2, 1]),))
BARS = Figure("Words", "", "bits", (Series("", ["one", "two"], [1, 2], "bars"),))
#: Text that would be a formula, markup or a script elsewhere.
HOSTILE = (
    '$x_1$ \\frac{ </text><script>alert(1)</script> <!-- --> & " id="p1" url(#p) #010203 \x1b\ufffe'
)
NAMESPACE = "{http://www.w3.org/2000/svg}"


def hostile():
    series = Series(HOSTILE, [HOSTILE, "$", "\n"], [1, 2, 3], "bars")
    return Figure(HOSTILE, HOSTILE, HOSTILE, (series,))


@pytest.mark.parametrize(
    ("suffix", "magic"),
    [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml"), ("PNG", b"\x89PNG")],
)
def test_the_kind_of_a_picture_follows_from_its_suffix(suffix, magic, tmp_path):
    save([LINE, BARS], tmp_path / f"a.{suffix}")
    assert (tmp_path / f"a.{suffix}").read_bytes().startswith(magic)


@pytest.mark.parametrize("name", ["a.jpg", "a", ".png", "png"])
def test_another_suffix_is_refused_before_any_work(name, tmp_path):
    with pytest.raises(SettingError, match=r"ends in \.png, \.svg or \.pdf"):
        check_suffix(name)
    with pytest.raises(SettingError, match="ends in"):
        save([LINE], tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_same_figures_are_the_same_file(suffix, tmp_path):
    paths = [tmp_path / f"{name}.{suffix}" for name in "ab"]
    for path in paths:
        save([LINE], path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_path_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(SettingError, match=r"nowhere.*cannot be written"):
        save([LINE], tmp_path / "nowhere" / "a.png")


def test_many_pictures_stand_side_by_side(tmp_path):
    sizes = []
    for number in (1, 4, 5):
        save(number * [LINE], tmp_path / "a.svg")
        root = ElementTree.parse(tmp_path / "a.svg").getroot()
        sizes.append([float(part) for part in root.get("viewBox").split()[2:]])
    (width, height), four, five = sizes
    assert four == pytest.approx([width, 4 * height])
    assert five == pytest.approx([2 * width, 3 * height])


def test_without_matplotlib_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for draw in (lambda: check_suffix("a.png"), lambda: svg(LINE)):
        with pytest.raises(MissingExtraError, match=r"pip install jinja2 matplotlib"):
            draw()


def test_the_users_settings_neither_show_nor_change(tmp_path):
    before = svg(LINE)
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path"}):
        assert svg(LINE) == before
        assert matplotlib.rcParams["font.size"] == 30


def test_pyplot_is_left_alone():
    code = (
        "import sys; from charrnn.render.plot import svg; "
        "from charrnn.inspection.answer import Figure; svg(Figure('', '', '', ())); "
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_an_element_stands_in_a_page():
    drawn = svg(LINE)
    root = ElementTree.fromstring(drawn)
    assert drawn.startswith("<svg ")
    assert root.tag == f"{NAMESPACE}svg"
    assert root.get("role") == "img"
    title = root[0]
    assert (title.tag, title.text) == (f"{NAMESPACE}title", "Loss")
    assert root.get("aria-labelledby") == title.get("id")
    assert "<style" not in drawn
    assert "metadata" not in drawn
    assert drawn.count("http") == 1  # the namespace


def test_its_text_is_text():
    texts = [text.text for text in ElementTree.fromstring(svg(LINE)).iter(f"{NAMESPACE}text")]
    assert {"Loss", "steps", "nats", "gru", "2"} <= set(texts)


def test_it_has_the_colour_of_the_text_around_it():
    drawn = svg(LINE)
    assert INK not in drawn
    assert "#000000" not in drawn
    for text in ElementTree.fromstring(drawn).iter(f"{NAMESPACE}text"):
        assert "fill: currentColor" in text.get("style")


def test_its_background_is_what_is_behind_it():
    assert "#ffffff" not in svg(LINE)


def test_names_of_one_page_do_not_clash():
    ids = []
    for figure in (LINE, BARS, hostile()):
        root = ElementTree.fromstring(svg(figure))
        own = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(own) > 1
        for element in root.iter():
            clip = element.get("clip-path")
            assert clip is None or clip[len("url(#") : -1] in own
        ids += own
    assert len(set(ids)) == len(ids)


def test_the_same_figure_is_the_same_element():
    assert svg(LINE) == svg(LINE)


def test_text_is_neither_formula_nor_markup():
    root = ElementTree.fromstring(svg(hostile()))
    assert not list(root.iter(f"{NAMESPACE}script"))
    texts = [text.text for text in root.iter(f"{NAMESPACE}text")]
    beginning = r"$x_1$ \frac{ </text><script>alert(1)"
    assert sum(text.startswith(beginning) for text in texts) >= 3
    assert {"$", r"\n"} <= set(texts)
    assert root[0].text == HOSTILE.replace("\x1b", r"\x1b").replace("\ufffe", r"\ufffe")


def test_hostile_text_can_be_drawn_into_files(tmp_path):
    for suffix in ("png", "svg", "pdf"):
        save([hostile()], tmp_path / f"a.{suffix}")
    ElementTree.parse(tmp_path / "a.svg")


def test_characters_that_the_font_lacks_cause_no_warning(tmp_path):
    figure = Figure("한국어 字 😀", "", "", LINE.series)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save([figure], tmp_path / "a.png")
        assert "한국어" in svg(figure)


def test_arrays_are_drawn_like_lists():
    arrays = Series("gru", np.arange(3), np.array([4, 2, 1], np.float32))
    assert svg(Figure("Loss", "steps", "nats", (arrays,))) == svg(LINE)


def words(path):
    """The texts of a picture."""
    root = ElementTree.parse(path).getroot()
    return [text.text for text in root.iter(f"{NAMESPACE}text")]


def test_a_picture_has_its_caption(tmp_path):
    captioned = replace(LINE, caption="Lower is better.")
    save([captioned], tmp_path / "a.svg")
    assert "Lower is better." in words(tmp_path / "a.svg")
    assert "Lower is better." not in svg(captioned)  # the page has it as text


def colored(text, shades):
    return ColoredText(
        "Cell 1 of layer 1", text, np.array(shades), ((-1.0, "-1"), (1.0, "1")), "How."
    )


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_coloured_text_is_a_picture(suffix, tmp_path):
    text = "a (b)\tc\n각 e\u0301 \x1b $x$\n" * 40
    save([colored(text, np.linspace(-1, 1, len(text))), LINE], tmp_path / f"a.{suffix}")
    assert (tmp_path / f"a.{suffix}").stat().st_size > 5_000
    if suffix == "svg":
        assert {"Cell 1 of layer 1", "How.", "Loss"} <= set(words(tmp_path / "a.svg"))


def test_each_character_of_a_picture_is_on_the_colour_of_its_value():
    axes = Picture().add_subplot()
    draw_text(colored("ab\nc", [-1.0, 0.5, 0.0, 1.0]), axes, "black")
    (image,) = axes.images
    colors = np.asarray(image.get_array())
    assert colors[0, 0] == pytest.approx([*(part / 255 for part in BLUE), 1])
    assert colors[0, 1] == pytest.approx([*(part / 255 for part in RED), 0.5])
    assert colors[0, 2, 3] == 0
    assert colors[1, 0] == pytest.approx([*(part / 255 for part in RED), 1])
    assert axes.get_title() == "Cell 1 of layer 1"


def test_a_picture_of_a_long_text_says_how_much_is_left_out(tmp_path):
    short, long = (colored(n * "ab\n", np.zeros(3 * n)) for n in (400, 3_000))
    save([long], tmp_path / "a.png")
    assert height_of_text(long) < height_of_text(short) + 1
