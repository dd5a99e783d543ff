"""Networks with a planted cell, whose every value is known."""

import numpy as np

from charrnn.network.model import CharRNN
from charrnn.text.vocabulary import Vocabulary

#: The change of c of the planted cell at an opening bracket, and with a minus at a closing one.
STEP = 0.25


def bracket_counter(cell=2, hidden_size=6):
    """An LSTM that counts open brackets in c of one cell, for as long as they are open.

    The other cells have random weights.
    """
    model = CharRNN(Vocabulary("()ab.\n"), layer_type="lstm", hidden_size=hidden_size)
    model.initialize(np.random.default_rng(1))
    weights = model.layers[0].weights
    for number, gate in enumerate("ifog"):
        row = number * hidden_size + cell
        weights["Wh"][row] = 0
        weights["Wx"][row] = 0
        weights["b"][row] = 0 if gate == "g" else 40  # i = f = o = 1
    g = weights["Wx"][3 * hidden_size + cell]
    g[model.vocabulary.char_to_ix["("]] = np.arctanh(STEP)
    g[model.vocabulary.char_to_ix[")"]] = -np.arctanh(STEP)
    return model


def bracket_kinds(dtype=np.float64):
    """An LSTM whose only working cell remembers the kind of the open bracket, `(` or `[`.

    c is 1 after `(`, −1 after `[`, and 0 after a closing bracket, whatever stood before. The logits
    of `)` and `]` are h and −h, all others 0.
    """
    model = CharRNN(Vocabulary("()[]ab"), layer_type="lstm", hidden_size=1, dtype=dtype)
    weights, at = model.layers[0].weights, model.vocabulary.char_to_ix
    model.parameters.flat[...] = 0
    i, f, o, g = range(4)
    weights["b"][[i, f, o]] = 40  # i = f = o = 1
    for bracket, kind in (("(", 40), ("[", -40)):
        weights["Wx"][f, at[bracket]] = -80  # f = 0
        weights["Wx"][g, at[bracket]] = kind  # g = ±1
    for bracket in ")]":
        weights["Wx"][f, at[bracket]] = -80
    model.parameters["Wy"][at[")"], 0], model.parameters["Wy"][at["]"], 0] = 1, -1
    return model


def long_brackets(rng, characters):
    """A text whose brackets stay open for thousands of characters, and its depth (N,)."""
    text, depth = [], [0]
    for number in range(characters):
        change = 0
        if number % 1_500 == 700:
            change = 1 if depth[-1] < 2 or (depth[-1] < 6 and rng.random() < 0.5) else -1
        text.append(rng.choice(list("ab.\n")) if not change else "(" if change > 0 else ")")
        depth.append(depth[-1] + change)
    return "".join(text), np.array(depth[1:])
