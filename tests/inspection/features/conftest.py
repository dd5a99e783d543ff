import pytest

from charrnn.inspection.features.features import FEATURES

#: A text of each kind, to go before another, so that its kind is known.
BEFORE = {
    "prose": "The owls sat in the barn and did not mind.\n\n",
    "python": "import birds\n\ndef feed(owl):\n    return owl\n\n",
    "c": "#include <birds.h>\n\nint feed(int owl) {\n    return owl;\n}\n\n",
}


@pytest.fixture
def marked():
    """Draws where a feature holds in a text, as a block of lines.

    A line of the text begins with |; marks below it stand where the feature holds after a
    character, which may be the end of the line. The text is taken from a block such as this.
    """

    def draw(name, kind, block):
        lines = [line[1:] + "\n" for line in block.splitlines() if line.startswith("|")]
        before = BEFORE[kind]
        values = iter(FEATURES[name].measure(before + "".join(lines))[len(before) :])
        drawn = []
        for line in lines:
            marks = "".join("^" if next(values) else " " for _ in line).rstrip()
            drawn += ["|" + line.rstrip("\n"), *([" " + marks] if marks else [])]
        return "\n".join(["", *drawn, ""])

    return draw
