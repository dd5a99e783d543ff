"""What fits a text: sizes, steps, and a word of advice."""

from __future__ import annotations

from math import ceil, exp, log2
from typing import NamedTuple

import numpy as np

from charrnn.arrays import Array

#: Steps of the default run: about three minutes on two cores with the default model.
STEPS = 5_000


class Size(NamedTuple):
    """Units of a layer, and how fast the default cell of that size is trained on two cores."""

    hidden_size: int
    characters_a_second: int


#: What learned most in a time, by experiment (benchmarks/README.md): from so many seconds on,
#: so large. One layer each: with two, it takes longer to learn as much.
SIZES = {0: Size(256, 55_000), 150: Size(384, 30_000), 1200: Size(512, 18_000)}
#: The highest learning rate; of a vanilla network times units and layers, where that is less.
RATE, VANILLA_RATE = 0.015, 2.56
#: A short text is read no more often than this by default, and not for fewer steps than that.
EPOCHS, LEAST_STEPS = 20, 1_000
#: Validations in a run.
VALIDATIONS = 12
#: Fewer characters are not worth holding out: their loss says nothing.
LEAST_HELD_OUT = 100
#: The share of a text to hold out, and how many characters at most, where nothing is asked for:
#: to score more takes longer, and moves no more than the third decimal of the loss.
HELD_OUT, MOST_HELD_OUT = 0.1, 250_000
#: Characters of a text that are counted at most, for the loss by frequencies.
MOST_COUNTED = 1_000_000
#: A loss above this share of the loss by frequencies is hardly better than frequencies.
HARDLY_LEARNED = 0.95


def held_out(characters: int, fraction: float | None = None) -> int:
    """How many characters at the end of a text to hold out for validation.

    Args:
        characters: of the text.
        fraction: the share, obeyed exactly; None for the default.
    """
    share = HELD_OUT if fraction is None else fraction
    kept = max(2, int(characters * (1 - share)))  # the same cut as nanoGPT's
    count = characters - kept
    if fraction is None:
        count = min(count, MOST_HELD_OUT)
    return count if count >= LEAST_HELD_OUT else 0


def fit_window(characters: int, batch_size: int, seq_length: int) -> tuple[int, int]:
    """The batch size and sequence length for a text, not above those given.

    A window is no longer than the text, and an epoch has at least four windows if the text
    allows more than one stream.
    """
    seq_length = min(seq_length, characters)
    return max(1, min(batch_size, characters // (4 * seq_length))), seq_length


def default_steps(characters: int, batch_size: int, seq_length: int) -> int:
    """Steps of a run whose length nobody asked for."""
    epochs = epochs_to_steps(EPOCHS, characters, batch_size, seq_length)
    return min(STEPS, max(LEAST_STEPS, epochs))


def epochs_to_steps(epochs: float, characters: int, batch_size: int, seq_length: int) -> int:
    """The steps in which a text is read `epochs` times."""
    return max(1, ceil(epochs * characters / (batch_size * seq_length)))


def val_every(steps: int, held_out: int, window: int) -> int:
    """From how many steps to how many to validate, where nobody said.

    Args:
        steps: of the run.
        held_out: characters to score; each costs a third of one to train on, since there is no
            way back. No more than a sixth of the time goes into that, unless the run is so short
            that there would be fewer than four.
        window: characters of a step, T·B.
    """
    affordable = ceil(2 * held_out / window)
    return max(ceil(steps / VALIDATIONS), min(affordable, ceil(steps / 4)))


def size_for(seconds: float | None) -> Size:
    """The size that does best in a time; that of the default run for None."""
    return SIZES[max(least for least in SIZES if least <= (seconds or 0))]


def rate_for(cell: str, hidden_size: int, num_layers: int) -> float:
    """The default learning rate: 0.015, of a vanilla network at most 2.56 / (units · layers).

    Adam changes every weight by about the rate, so a step moves the input of a unit by up to
    the rate times the units, and each layer adds to the movement. The gates of an LSTM or GRU
    bound what a step does to the state; a vanilla network has none (benchmarks/README.md).

    Args:
        cell: a name in `charrnn.network.layers.LAYER_TYPES`.
        hidden_size: units of a layer.
        num_layers: layers.
    """
    if not cell.startswith("vanilla"):
        return RATE
    return min(RATE, VANILLA_RATE / (hidden_size * num_layers))


def dropout_for(parameters: int, characters: int, read: int) -> float:
    """How much to drop, from how large a model is for its text and how often the text is read.

    Each doubling of either makes it easier to learn the text by heart. The line is drawn
    through experiments with texts of 100 kB, 1 MB and 5 MB.

    Args:
        parameters: of the model.
        characters: of the text.
        read: characters that will be read in training.
    """
    ease = parameters / characters * read / characters
    return round(min(0.5, max(0.05, 0.13 + 0.06 * log2(ease))), 2) if ease else 0.05


def steps_in(
    seconds: float,
    per_step: float,
    per_validation: float,
    taken: int,
    val_every: int | None = None,
) -> tuple[int, int]:
    """How many steps a time allows, and from how many to how many to validate.

    Args:
        seconds: that are left.
        per_step, per_validation: seconds, as measured.
        taken: steps taken already.
        val_every: from validation to validation, where that is given.

    Returns:
        The steps of the whole run, and `val_every`.
    """
    if val_every:
        steps = taken + max(1, int(seconds / (per_step + per_validation / val_every)))
        return steps, val_every
    # No more than a tenth of the time goes into validation.
    validations = max(1, min(VALIDATIONS, int(0.1 * seconds / max(per_validation, 1e-9))))
    left = max(1, int((seconds - validations * per_validation) / per_step))
    steps = taken + left
    return steps, ceil(steps / validations)


def advice_before(parameters: int, characters: int) -> str:
    """One line on the size of a model against its text (after Karpathy's notes to char-rnn)."""
    ratio = parameters / characters
    if ratio > 3:
        return (
            f"{ratio:,.1f} parameters for each character of text: it will learn the text by "
            "heart; a smaller --hidden-size or more text would teach it more"
        )
    if ratio > 0.7:
        return f"{ratio:.1f} parameters for each character of text: only dropout prevents rote"
    if ratio < 0.03:
        return (
            f"{1 / ratio:,.0f} characters of text for each parameter: a larger --hidden-size "
            "can learn more, given time"
        )
    return f"{ratio:.2f} parameters for each character of text: a fair match"


def loss_by_frequencies(train: Array, text: Array, vocabulary_size: int) -> float:
    """The loss of a model that knows only the frequency of each character, in nats a character.

    Args:
        train: indices (N,) of the text to count in, of which the last million count. Every count
            is one higher, so that no frequency is 0.
        text: indices (M,) of the text to score, of which the first million count.
        vocabulary_size: V.
    """
    counts = np.bincount(train[-MOST_COUNTED:], minlength=vocabulary_size) + 1
    scored = np.bincount(text[:MOST_COUNTED], minlength=vocabulary_size)
    return float(np.log(counts.sum()) - np.average(np.log(counts), weights=scored))


def remedy(
    cell: str, hidden_size: int, num_layers: int, optimizer: str, learning_rate: float, steps: int
) -> str:
    """One clause on the change that helps a network which has hardly learned.

    Args:
        cell, hidden_size, num_layers: of the network.
        optimizer, learning_rate: of the run.
        steps: taken.
    """
    default = rate_for(cell, hidden_size, num_layers)
    again = "start again with --overwrite and"
    if learning_rate > 1.01 * default:
        return f"{again} a lower --learning-rate {default:.2g}"
    if learning_rate < default / 10:
        return f"{again} a higher --learning-rate {default:.2g}"
    if steps < LEAST_STEPS:
        return f"train longer, for {LEAST_STEPS:,} steps or more"
    if optimizer != "adam":
        return f"{again} --optimizer adam"
    return f"{again} a lower --learning-rate {learning_rate / 3:.2g}"


def advice_after(
    train_loss: float,
    val_loss: float | None,
    best_step: int,
    step: int,
    by_frequencies: float,
    remedy: str,
) -> str:
    """One line on what the losses at the end of a run say to change.

    Args:
        train_loss: the latest, in nats a character.
        val_loss: the lowest; None where nothing was held out.
        best_step: where it was.
        step: the last.
        by_frequencies: the loss of `loss_by_frequencies` on the text held out, or on the text
            trained on where nothing was held out.
        remedy: what helps where the loss is hardly lower than `by_frequencies`.
    """
    # What is learned in training and does not hold on unseen text has other remedies, below.
    reached = train_loss if val_loss is None else min(train_loss, val_loss)
    if reached > HARDLY_LEARNED * by_frequencies:
        return (
            f"it has hardly learned more than the frequencies of characters, which alone give "
            f"{by_frequencies:.2f} nats: {remedy}"
        )
    if val_loss is None:
        return f"it gives the right character a probability of {exp(-train_loss):.2f}, typically"
    gap = val_loss - train_loss
    if best_step < 0.7 * step:
        return (
            f"overfitting since step {best_step:,}: more --dropout or --weight-decay, a smaller "
            "--hidden-size, or more text"
        )
    if gap > 0.25:
        return f"{gap:.2f} nats worse on unseen text: more --dropout or more text would help"
    if gap < 0.05:
        return (
            "as good on unseen text as on its own: a larger --hidden-size or more time would help"
        )
    return "neither much over- nor underfitting: more time, or a larger model with more time"
