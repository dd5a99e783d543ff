import re
import subprocess
import sys

import numpy as np
import pytest

from charrnn.inspection import copying
from charrnn.inspection.analyses import ANALYSES, ON_REQUEST, analysis
from charrnn.inspection.answer import Answer
from charrnn.inspection.find import search
from charrnn.inspection.reading import signals_of
from charrnn.inspection.subject import Subject
from charrnn.network.model import CharRNN

#: The effect of a cell needs a layer of more cells: tests/inspection/test_effect.py.
OF_ANY_MODEL = [name for name in (*ANALYSES, *ON_REQUEST) if name != "effect"]


def subject_of(model, rng, characters=1_500):
    text = "".join(rng.choice(list("abcdefg"), characters))

    def make_untrained():
        untrained = CharRNN(model.vocabulary, **model.configuration)
        untrained.initialize(np.random.default_rng(0))
        return untrained

    return Subject(
        model,
        text,
        model.vocabulary.encode(text),
        signals_of(model),
        read_training_text=lambda: rng.integers(0, 7, 900),
        make_untrained=make_untrained,
        why="[abc]",
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Fewer characters written, and fewer untrained models: all of them take seconds."""
    monkeypatch.setattr(copying, "WRITTEN", 2_000)
    monkeypatch.setattr(search, "UNTRAINED_MODELS", 3)


@pytest.mark.parametrize("layer_type", ["lstm", "vanilla", "vanilla-relu"])
@pytest.mark.parametrize("name", OF_ANY_MODEL)
def test_an_analysis_turns_a_subject_into_an_answer_and_says_how_to_read_it(
    name, layer_type, tiny_model, rng
):
    module = analysis(name)
    answer = module.answer(module.analyse(subject_of(tiny_model(layer_type), rng)))
    assert isinstance(answer, Answer)
    assert answer.sentence.endswith(".")
    assert module.HELP.endswith((".", "?"))
    assert module.HEADING
    for part in (*answer.figures, *([answer.table] if answer.table else [])):
        assert re.fullmatch(r"[A-Z].*\.", part.caption)


def test_costly_attributes_are_computed_once_and_only_when_used(tiny_model, rng):
    subject = subject_of(tiny_model(), rng)
    reads = []
    subject.read_training_text = lambda: reads.append(1) or np.arange(7)
    assert reads == []
    assert subject.ngram.trained == 7
    assert subject.train is subject.train
    assert len(reads) == 1
    assert subject.untrained is subject.untrained


def test_each_analysis_has_the_same_random_numbers(tiny_model, rng):
    subject = subject_of(tiny_model(), rng)
    assert subject.rng.random() == subject.rng.random()


def test_the_table_is_imported_without_the_analyses():
    code = "import charrnn.inspection.analyses; print(hasattr(charrnn.inspection, 'memory'))"
    run = [sys.executable, "-c", code]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "False\n"
