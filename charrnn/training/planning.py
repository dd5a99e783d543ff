"""The options that fit a text, chosen where none are given."""

from __future__ import annotations

from math import ceil

from charrnn.config import HIDDEN_SIZE, ModelConfig
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN

#: Steps of the default run: a minute or two on two cores with the default model.
STEPS = 3_500
#: Characters up to which a vocabulary changes neither the capacity of a model nor its speed much.
MAX_FREQUENT = 256


#: The sizes that learned most, by experiment (benchmarks/README.md). Keys: the characters that a
#: network of the default size would read in the time; from each on, a size is used. One layer each:
#: two layers take longer to learn as much.
SIZES = {0: HIDDEN_SIZE, 7_000_000: 384, 15_000_000: 512}
#: Two networks learn more than one in the same time if a network of the default size would read the
#: text at least this many times (benchmarks/README.md).
ENSEMBLE_EPOCHS = 60
#: The size for a vocabulary that makes training less than half as fast, and the characters up to
#: which it is used: fewer cells then learn more in the time.
SMALL_SIZE, SMALL_CHARACTERS = 128, 1_100_000
#: The default learning rate: RATE for layer types with gates, and for vanilla networks
#: min(VANILLA_RATE, VANILLA_REACH / (cells · layers)).
RATE, VANILLA_RATE, VANILLA_REACH = 0.03, 0.015, 2.56
#: Epochs of a short text by default, and the fewest steps.
EPOCHS, MIN_STEPS = 20, 1_000
#: The highest default dropout.
MAX_DROPOUT = 0.3
#: Steps of warm-up; at most a tenth of the run.
WARMUP = 50
#: Validations in a run, and points of its training loss.
VALIDATIONS, POINTS = 12, 100
#: The fewest characters to hold out: the loss of fewer says nothing.
MIN_HELD_OUT = 100
#: The default share of a text to hold out, and the most characters: to score more takes longer
#: and changes only the third decimal of the loss.
HELD_OUT, MAX_HELD_OUT = 0.1, 250_000


def held_out(characters: int, fraction: float | None = None, vocabulary_size: int = 0) -> int:
    """The number of characters at the end of a text to hold out for validation.

    Args:
        characters: the number of characters of the text.
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
    """The steps of a run without a given length: 20 epochs, but 1,000 to 3,500 steps."""
    epochs = epochs_to_steps(EPOCHS, characters, batch_size, seq_length)
    return min(STEPS, max(MIN_STEPS, epochs))


def epochs_to_steps(epochs: float, characters: int, batch_size: int, seq_length: int) -> int:
    """The steps in which a text is read `epochs` times."""
    return max(1, ceil(epochs * characters / (batch_size * seq_length)))


def val_every(steps: int, held_out: int, window: int) -> int:
    """The default number of steps between two validations.

    Args:
        steps: the steps of the run.
        held_out: characters to score. Scoring a character costs a third of training on it: there
            is no backward pass. Validations take at most a sixth of the time, except in runs so
            short that this would leave fewer than four.
        window: characters of a step, T·B.
    """
    affordable = ceil(2 * held_out / window)
    return max(ceil(steps / VALIDATIONS), min(affordable, ceil(steps / 4)))


def record_every(steps: int) -> int:
    """The number of steps between two points of the training loss, in a run of `steps`."""
    return max(1, steps // POINTS)


def relative_speed(
    vocabulary_size: int, hidden_size: int = HIDDEN_SIZE, num_layers: int = 1
) -> float:
    """The speed of training, as a share of that of one layer of 256 cells with 256 characters.

    The products of a character need 3·H² weights of a GRU and V·H of the output; up to 256
    characters change little. From 128 to 512 cells, the time for a character grows with H^1.5.
    """
    few = min(vocabulary_size, MAX_FREQUENT)
    of_vocabulary = (3 * hidden_size + few) / (3 * hidden_size + vocabulary_size)
    of_cells: float = (HIDDEN_SIZE / hidden_size) ** 1.5
    return of_vocabulary * of_cells / num_layers


def size_for(characters: float | None, vocabulary_size: int) -> int:
    """The cells with which a network learns most in a time; None for the default run.

    Args:
        characters: those that a network of the default size would read in the time.
        vocabulary_size: V.
    """
    few = (characters or 0) < SMALL_CHARACTERS
    if few and relative_speed(vocabulary_size) < 0.5:
        return SMALL_SIZE
    return SIZES[max(least for least in SIZES if least <= (characters or 0))]


def sized(
    model: ModelConfig, readable: float | None, characters: int, vocabulary_size: int
) -> ModelConfig:
    """A model with the size and the number of networks that learn most in a time.

    Args:
        model: the options as given.
        readable: the characters that a network of the default size would read in the time; None for
            the default run.
        characters: the number of characters of the text.
        vocabulary_size: V.
    """
    alone = bool(model.hidden_size) or model.num_layers > 1
    often = (readable or 0) >= ENSEMBLE_EPOCHS * characters
    model = model.filled(ensemble=2 if often and not alone else 1)
    each = None if readable is None else readable / model.ensemble
    return model.filled(hidden_size=model.ensemble * size_for(each, vocabulary_size))


def rate_for(layer_type: str, hidden_size: int, num_layers: int) -> float:
    """The default learning rate: 0.03, of a vanilla network min(0.015, 2.56 / (cells · layers)).

    With Adam, which it was fitted with, every weight changes by about the rate. So a step moves
    the input of a cell by up to the rate times the cells, and each layer adds to the movement. The
    gates of an LSTM or GRU bound what a step does to the state; a vanilla network has none
    (benchmarks/README.md).

    Args:
        layer_type: a name in `charrnn.network.layers.LAYER_TYPES`.
        hidden_size: cells of a layer.
        num_layers: layers.
    """
    if LAYER_TYPES[layer_type].gates:
        return RATE
    return min(VANILLA_RATE, VANILLA_REACH / (hidden_size * num_layers))


def warmup_for(steps: int) -> int:
    """The default steps of warm-up: 50, at most a tenth of the steps."""
    return min(WARMUP, steps // 10)


def capacity(model: CharRNN) -> int:
    """The number of parameters with which a model can memorize a text.

    The weights of one character act only where the character is read or predicted. In a large
    vocabulary most characters are rare, and their weights are a table of which a position of the
    text uses one entry. Therefore the weights of at most 256 characters count. The networks of an
    ensemble memorize each on its own: the parameters of one of them count.
    """
    uncounted = max(0, len(model.vocabulary) - MAX_FREQUENT)
    return (model.parameters.flat.size - uncounted * model.character_weights) // model.ensemble


def dropout_for(capacity: int, characters: int, read: int) -> float:
    """The default dropout: grows with parameters per character and with epochs.

    More of either makes it easier to memorize the text. The curve is fitted to experiments with
    texts of 100 kB and 1 MB, 6 to 20 epochs (benchmarks/README.md).

    Args:
        capacity: the capacity of the model, in parameters; see `capacity`.
        characters: the number of characters of the text.
        read: characters that will be read in training.
    """
    ease = capacity / characters * read / characters
    share: float = 0.014 * ease**0.7
    return round(min(MAX_DROPOUT, share), 2)


def steps_in(
    seconds: float,
    per_step: float,
    per_validation: float,
    taken: int,
    val_every: int | None = None,
) -> tuple[int, int]:
    """The values of `steps` and `val_every` for a time.

    Args:
        seconds: the time left.
        per_step, per_validation: seconds, as measured.
        taken: steps taken already.
        val_every: the steps between validations, if given.

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


def steadier(
    layer_type: str, hidden_size: int, num_layers: int, learning_rate: float, grad_clip: float
) -> dict[str, float]:
    """The options with which a training that diverged goes on, by name.

    Args:
        layer_type, hidden_size, num_layers: those of the network.
        learning_rate, grad_clip: those of the run.
    """
    rate = min(learning_rate / 3, rate_for(layer_type, hidden_size, num_layers))
    options = {"learning_rate": float(f"{rate:.2g}")}
    return options if grad_clip else {**options, "grad_clip": 1.0}
