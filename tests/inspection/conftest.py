import numpy as np
import pytest

from charrnn.model import CharRNN
from charrnn.parallel.team import Team
from charrnn.settings import Settings
from charrnn.text.vocabulary import Vocabulary
from charrnn.training import Run, train


def brackets(rng, lines):
    """Lines that open brackets among letters, and then close just as many: `(a((b.)))`."""
    text = []
    for _ in range(lines):
        opened = 1
        text.append("(")
        while rng.random() > 0.15:
            text.append(rng.choice(["(", "a", "b"] if opened < 7 else ["a", "b"]))
            opened += text[-1] == "("
        text += [".", ")" * opened, "\n"]
    return "".join(text)


@pytest.fixture(scope="session")
def counter():
    """A network that can count brackets, and a text that is new to it."""
    rng = np.random.default_rng(3)
    text = brackets(rng, 5_000)
    vocabulary = Vocabulary("()ab.\n")
    model = CharRNN(vocabulary, cell="lstm", hidden_size=4)
    model.initialize(np.random.default_rng(1))
    settings = Settings(steps=1_500, batch_size=16, seq_length=32, learning_rate=0.02)
    for _ in train(Run(model, vocabulary.encode(text), vocabulary.encode(""), settings, Team())):
        pass
    return model, brackets(rng, 700)
