"""The options that fit a text, chosen where none are given; and advice."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, exp, log2
from typing import NamedTuple

import numpy as np

from charrnn.arrays import Array
from charrnn.config import HIDDEN_SIZE
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN
from charrnn.text.frequencies import frequencies

#: Steps of the default run: about three minutes on two cores with the default model.
STEPS = 5_000


#: Characters up to which a vocabulary changes neither the capacity of a model nor its speed much.
MAX_FREQUENT = 256


class Size(NamedTuple):
    """Cells of a layer, and the speed of training with one layer of the default type, two cores."""

    hidden_size: int
    characters_a_second: int

    def speed(self, vocabulary_size: int) -> float:
        """Characters a second with V characters; up to 256 change little.

        The products of a character need 3·H² weights of the layer and V·H of the output.
        """
        H, few = self.hidden_size, min(vocabulary_size, MAX_FREQUENT)
        return self.characters_a_second * ((3 * H + few) / (3 * H + vocabulary_size))


#: The sizes that learned most in a time, by experiment (benchmarks/README.md). Keys: training
#: seconds from which a size is used. One layer each: two layers take longer to learn as much.
SIZES = {0: Size(HIDDEN_SIZE, 55_000), 150: Size(384, 30_000), 1200: Size(512, 18_000)}
#: The size for a vocabulary that makes training less than half as fast, and the seconds of training
#: with a small vocabulary up to which this size is used: fewer cells then learn more in the time.
SMALL_SIZE, SMALL_SECONDS = Size(128, 139_000), 20
#: The default learning rate: RATE for all layer types; vanilla networks get
#: min(RATE, VANILLA_RATE / (cells · layers)).
RATE, VANILLA_RATE = 0.015, 2.56
#: Epochs of a short text by default, and the fewest steps.
EPOCHS, MIN_STEPS = 20, 1_000
#: Steps of warm-up; at most a tenth of the run.
WARMUP = 50
#: Validations in a run, and points of its training loss.
VALIDATIONS, POINTS = 12, 100
#: The fewest characters to hold out: the loss of fewer says nothing.
MIN_HELD_OUT = 100
#: The default share of a text to hold out, and the most characters: to score more takes longer
#: and changes only the third decimal of the loss.
HELD_OUT, MAX_HELD_OUT = 0.1, 250_000
#: The most characters to count for the loss by frequencies.
MAX_COUNTED = 1_000_000
#: A model with a loss above this share of the loss by frequencies has hardly learned.
HARDLY_LEARNED = 0.95
#: The least rise of the validation loss that is called overfitting, in nats: on a text of 20 kB the
#: loss varies by as much in a run that does not overfit.
MIN_RISE = 0.02
#: Passes through a text from which a model that is large for it memorizes it.
MEMORIZING_EPOCHS = 5
#: A character is rare with fewer occurrences. Rare characters matter if there are more than
#: MANY_RARE, and their share of the parameters is above RARE_SHARE.
RARE, MANY_RARE, RARE_SHARE = 5, 100, 0.05


def held_out(characters: int, fraction: float | None = None, vocabulary_size: int = 0) -> int:
    """The number of characters at the end of a text to hold out for validation.

    Args:
        characters: of the text.
        fraction: the exact share; None for a tenth, at most 250,000 characters.
        vocabulary_size: V; a large one makes scoring slow, and the most characters fewer.
    """
    share = HELD_OUT if fraction is None else fraction
    kept = max(2, int(characters * (1 - share)))  # the same cut as nanoGPT's
    count = characters - kept
    if fraction is None:
        count = min(count, int(MAX_HELD_OUT * relative_speed(vocabulary_size)))
    return count if count >= MIN_HELD_OUT else 0


def fit_window(characters: int, batch_size: int, seq_length: int) -> tuple[int, int]:
    """The batch size and sequence length for a text, not above those given.

    A window is no longer than the text, and an epoch has at least four windows if the text
    allows more than one stream.
    """
    seq_length = min(seq_length, characters)
    return max(1, min(batch_size, characters // (4 * seq_length))), seq_length


def default_steps(characters: int, batch_size: int, seq_length: int) -> int:
    """The steps of a run without a given length: 20 epochs, but 1,000 to 5,000 steps."""
    epochs = epochs_to_steps(EPOCHS, characters, batch_size, seq_length)
    return min(STEPS, max(MIN_STEPS, epochs))


def epochs_to_steps(epochs: float, characters: int, batch_size: int, seq_length: int) -> int:
    """The steps in which a text is read `epochs` times."""
    return max(1, ceil(epochs * characters / (batch_size * seq_length)))


def val_every(steps: int, held_out: int, window: int) -> int:
    """The default number of steps from validation to validation.

    Args:
        steps: of the run.
        held_out: characters to score. Scoring a character costs a third of training on it: there
            is no backward pass. Validations take at most a sixth of the time, except in runs so
            short that this would leave fewer than four.
        window: characters of a step, T·B.
    """
    affordable = ceil(2 * held_out / window)
    return max(ceil(steps / VALIDATIONS), min(affordable, ceil(steps / 4)))


def record_every(steps: int) -> int:
    """The number of steps from one point of the training loss to the next, of `steps`."""
    return max(1, steps // POINTS)


def relative_speed(vocabulary_size: int) -> float:
    """The speed of training with V characters, as a share of that with 256 or fewer."""
    return SIZES[0].speed(vocabulary_size) / SIZES[0].characters_a_second


def size_for(seconds: float | None, vocabulary_size: int) -> Size:
    """The size that learns most in a time; that of the default run for None.

    A large vocabulary makes training slow: a time counts as the time in which a small vocabulary
    has as many steps.
    """
    speed = relative_speed(vocabulary_size)
    counted = (seconds or 0) * speed
    if speed < 0.5 and counted < SMALL_SECONDS:
        return SMALL_SIZE
    return SIZES[max(least for least in SIZES if least <= counted)]


def rate_for(layer_type: str, hidden_size: int, num_layers: int) -> float:
    """The default learning rate: 0.015, of a vanilla network at most 2.56 / (cells · layers).

    Adam changes every weight by about the rate, so a step moves the input of a cell by up to
    the rate times the cells, and each layer adds to the movement. The gates of an LSTM or GRU
    bound what a step does to the state; a vanilla network has none (benchmarks/README.md).

    Args:
        layer_type: a name in `charrnn.network.layers.LAYER_TYPES`.
        hidden_size: cells of a layer.
        num_layers: layers.
    """
    if LAYER_TYPES[layer_type].gates:
        return RATE
    return min(RATE, VANILLA_RATE / (hidden_size * num_layers))


def warmup_for(steps: int) -> int:
    """The default steps of warm-up: 50, at most a tenth of the steps."""
    return min(WARMUP, steps // 10)


def capacity(model: CharRNN) -> int:
    """The number of parameters with which a model can memorize a text.

    The weights of one character act only where the character is read or predicted. In a large
    vocabulary most characters are rare, and their weights are a table of which a position of the
    text uses one entry. Therefore the weights of at most 256 characters count.
    """
    uncounted = max(0, len(model.vocabulary) - MAX_FREQUENT)
    return model.parameters.flat.size - uncounted * model.character_weights


def dropout_for(capacity: int, characters: int, read: int) -> float:
    """The default dropout, by the size of the model for its text, and the number of epochs.

    Each doubling of either makes it easier to memorize the text. The line is fitted to
    experiments with texts of 100 kB, 1 MB and 5 MB.

    Args:
        capacity: of the model, in parameters; see `capacity`.
        characters: of the text.
        read: characters that will be read in training.
    """
    ease = capacity / characters * read / characters
    return round(min(0.5, max(0.05, 0.13 + 0.06 * log2(ease))), 2) if ease else 0.05


def steps_in(
    seconds: float,
    per_step: float,
    per_validation: float,
    taken: int,
    val_every: int | None = None,
) -> tuple[int, int]:
    """The number of steps that a time allows, and of steps from validation to validation.

    Args:
        seconds: left.
        per_step, per_validation: seconds, as measured.
        taken: steps taken already.
        val_every: if it is given.

    Returns:
        The steps of the whole run, and `val_every`.
    """
    if val_every:
        steps = taken + max(1, int(seconds / (per_step + per_validation / val_every)))
        return steps, val_every
    # Validations take at most a tenth of the time.
    validations = max(1, min(VALIDATIONS, int(0.1 * seconds / max(per_validation, 1e-9))))
    left = max(1, int((seconds - validations * per_validation) / per_step))
    steps = taken + left
    return steps, ceil(steps / validations)


def advice_before(capacity: int, characters: int, epochs: float) -> str:
    """One line on the size of a model against its text (after Karpathy's notes to char-rnn).

    Args:
        capacity: of the model, in parameters; see `capacity`.
        characters: of the text to train on.
        epochs: times that the text will be read.
    """
    ratio = capacity / characters
    if ratio > 0.7 and epochs < MEMORIZING_EPOCHS:
        return (
            f"{ratio:,.1f} parameters for each character of text, which will be read "
            f"{epochs:.2g} times: too little to memorize it; more --steps would teach it more"
        )
    if ratio > 3:
        return (
            f"{ratio:,.1f} parameters for each character of text: it will memorize the "
            "text; a smaller --hidden-size or more text would teach it more"
        )
    if ratio > 0.7:
        return (
            f"{ratio:.1f} parameters for each character of text: only dropout prevents memorizing"
        )
    if ratio < 0.03:
        return (
            f"{1 / ratio:,.0f} characters of text for each parameter: a larger --hidden-size "
            "can learn more, given time"
        )
    return f"{ratio:.2f} parameters for each character of text: a fair match"


def advice_on_rare(rare: int, model: CharRNN) -> str | None:
    """One line on the rare characters of a text; None where they do not matter.

    Args:
        rare: characters that occur fewer than RARE times in the text to train on.
        model: to train.
    """
    share = rare * model.character_weights / model.parameters.flat.size
    if rare <= MANY_RARE or share <= RARE_SHARE:
        return None
    return (
        f"{rare:,} characters occur fewer than {RARE} times, and {int(100 * share)} % of the "
        f"parameters are theirs: --min-count {RARE} replaces them by U+FFFD"
    )


def loss_by_frequencies(train: Array, text: Array, vocabulary_size: int) -> float:
    """The loss of a model that knows only the frequency of each character, in nats a character.

    Args:
        train: indices (N,) of the text to count in, of which the last million count. Every count
            is one higher, so that no frequency is 0.
        text: indices (M,) of the text to score, of which the first million count.
        vocabulary_size: V.
    """
    counts = frequencies(train[-MAX_COUNTED:], vocabulary_size) + 1
    scored = frequencies(text[:MAX_COUNTED], vocabulary_size)
    return float(np.log(counts.sum()) - np.average(np.log(counts), weights=scored))


def remedy(
    layer_type: str,
    hidden_size: int,
    num_layers: int,
    optimizer: str,
    learning_rate: float,
    steps: int,
) -> str:
    """One clause on the change that helps a network which has hardly learned.

    Args:
        layer_type, hidden_size, num_layers: of the network.
        optimizer, learning_rate: of the run.
        steps: taken.
    """
    default = rate_for(layer_type, hidden_size, num_layers)
    again = "start again with --overwrite and"
    if learning_rate > 1.01 * default:
        return f"{again} a lower --learning-rate {default:.2g}"
    if learning_rate < default / 10:
        return f"{again} a higher --learning-rate {default:.2g}"
    if steps < MIN_STEPS:
        return f"train longer, for {MIN_STEPS:,} steps or more"
    if optimizer != "adam":
        return f"{again} --optimizer adam"
    return f"{again} a lower --learning-rate {learning_rate / 3:.2g}"


def steadier(
    layer_type: str, hidden_size: int, num_layers: int, learning_rate: float, grad_clip: float
) -> dict[str, float]:
    """The options with which a training that diverged goes on, by name.

    Args:
        layer_type, hidden_size, num_layers: of the network.
        learning_rate, grad_clip: of the run.
    """
    rate = min(learning_rate / 3, rate_for(layer_type, hidden_size, num_layers))
    options = {"learning_rate": float(f"{rate:.2g}")}
    return options if grad_clip else {**options, "grad_clip": 1.0}


def advice_after(
    train_loss: float,
    val_loss: float | None,
    best_step: int,
    later_losses: Sequence[float],
    step: int,
    by_frequencies: float,
    remedy: str,
    epoch: float,
    reorder: str = "",
) -> str:
    """One line on the change that the losses at the end of a run suggest.

    Args:
        train_loss: the latest, in nats a character.
        val_loss: the lowest; None where no text was held out.
        best_step: the step of the lowest.
        later_losses: those of the validations since then, in order.
        step: the last.
        by_frequencies: the loss of `loss_by_frequencies` on the text held out, or on the text
            trained on where nothing was held out.
        remedy: the advice where the loss is hardly lower than `by_frequencies`.
        epoch: times that the text was read.
        reorder: the remedy where the text held out is unlike the rest of the text.
    """
    # If the training loss fell but the validation loss did not, the advice is below.
    reached = train_loss if val_loss is None else min(train_loss, val_loss)
    if reached > HARDLY_LEARNED * by_frequencies:
        return (
            "the model has hardly learned more than the frequencies of characters, which alone "
            f"give {by_frequencies:.2f} nats: {remedy}"
        )
    if val_loss is None:
        typical = exp(-train_loss)
        return f"the model gives the right character a probability of {typical:.2f}, typically"
    gap = val_loss - train_loss
    if reorder and (gap > 0.25 or best_step < 0.7 * step):
        return (
            f"{gap:.2f} nats worse on the text held out, which is unlike the rest of the text, so "
            f"this is no sign of overfitting: {reorder}"
        )
    if epoch < 1:
        return f"only {100 * epoch:.0f} % of the text was read: more --steps or --time would help"
    if best_step < 0.7 * step and rises(val_loss, later_losses):
        return (
            f"overfitting since step {best_step:,}: more --dropout or --weight-decay, a smaller "
            "--hidden-size, or more text"
        )
    if gap > 0.25:
        return f"{gap:.2f} nats worse on unseen text: more --dropout or more text would help"
    if gap < 0.05:
        return (
            "as good on unseen text as on the training text: a larger --hidden-size or more time "
            "would help"
        )
    return "neither much over- nor underfitting: more time, or a larger model with more time"


def rises(best: float, later: Sequence[float]) -> bool:
    """True if a validation loss has risen clearly since its lowest value.

    The loss of a network that learns the training text by memory rises steadily. A loss that only
    varies falls about as far as it rises, so a clear rise is more than twice the largest fall from
    one validation to the next.

    Args:
        best: the lowest loss, in nats a character.
        later: the losses of the validations since then, in order.
    """
    if not later:
        return False
    largest_fall = max(before - after for before, after in zip([best, *later], later))
    return later[-1] - best > max(MIN_RISE, 2 * largest_fall)
