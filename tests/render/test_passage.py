import numpy as np

from charrnn.inspection.answer import ColoredText
from charrnn.render.passage import passage


def test_each_character_has_the_class_of_its_shade():
    picture = ColoredText("T", "ab<c\n", np.array([-1, -1, 0.5, 0.01, 2]), ((0.0, "0 bits"),))
    assert passage(picture) == (
        '<h3>T</h3><p class="passage"><span class="b12">ab</span><span class="r6">&lt;</span>c'
        '<span class="r12">↵\n</span></p><p class="passage"> 0 bits </p>'
    )


def test_harmful_characters_are_spelled_out():
    picture = ColoredText("\x1b", "\u202e\x00", np.zeros(2), ())
    assert "<h3>\\x1b</h3>" in passage(picture)
    assert ">\\u202e\\x00<" in passage(picture)
