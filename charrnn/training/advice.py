"""Advice in one line, before a training and after it: the change that promises most."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

import numpy as np

from charrnn.arrays import Array
from charrnn.checkpoint import Checkpoint
from charrnn.config import TrainingConfig
from charrnn.network.model import CharRNN
from charrnn.text.corpus_info import CorpusInfo
from charrnn.text.frequencies import count_rare, frequencies
from charrnn.training import likeness, planning
from charrnn.training.trainer import Trainer

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


def before(capacity: int, characters: int, epochs: float) -> str:
    """One line on the size of a model compared with its text (after Karpathy's notes to char-rnn).

    Args:
        capacity: the capacity of the model, in parameters; see `planning.capacity`.
        characters: the number of characters to train on.
        epochs: the number of times that the text will be read.
    """
    ratio = capacity / characters
    if ratio > 0.7 and epochs < MEMORIZING_EPOCHS:
        times = "once" if f"{epochs:.2g}" == "1" else f"{epochs:.2g} times"
        return (
            f"{ratio:,.1f} parameters for each character of text, which will be read "
            f"{times}: too little to memorize it; more --steps would teach it more"
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
    return f"{ratio:.2f} parameters for each character of text: a good size for this text"


def on_rare(rare: int, model: CharRNN) -> str | None:
    """One line on the rare characters of a text; None where they do not matter.

    Args:
        rare: the number of characters that occur fewer than RARE times in the text to train on.
        model: the model to train.
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
        layer_type, hidden_size, num_layers: those of the network.
        optimizer, learning_rate: those of the run.
        steps: the steps taken.
    """
    default = planning.rate_for(layer_type, hidden_size, num_layers)
    again = "start again with --overwrite"
    if learning_rate > 1.01 * default:
        return f"{again} --learning-rate {default:.2g} (lower)"
    if learning_rate < default / 10:
        return f"{again} --learning-rate {default:.2g} (higher)"
    if steps < planning.MIN_STEPS:
        return f"train longer, for {planning.MIN_STEPS:,} steps or more"
    if optimizer not in (TrainingConfig.optimizer, "adam"):
        return f"{again} --optimizer {TrainingConfig.optimizer}"
    return f"{again} --learning-rate {learning_rate / 3:.2g} (lower)"


def on_text(
    train: Array,
    validation: Array,
    network: CharRNN,
    info: CorpusInfo,
    init_from: Checkpoint | None,
) -> list[str]:
    """Lines on rare characters, and on a text held out that is unlike the rest, with remedies."""
    found = []
    # Bytes and the characters of an older model stay, however rare.
    if info.min_count == 1 and not info.binary and not init_from:
        V, enough = len(network.vocabulary), MANY_RARE
        found.append(on_rare(count_rare(train, V, RARE, enough), network))
    compared = None
    if info.holds_out_end:  # other parts are like the rest
        compared = likeness.compare(train, validation, network.vocabulary)
    if compared and compared.unlike:
        found.append(likeness.advice(compared, len(validation)))
    return [line for line in found if line]


def at_end(
    trainer: Trainer, train: Array, held_out: Array, info: CorpusInfo, train_loss: float
) -> str:
    """One line on the change that promises most, after the last step of a run.

    Args:
        trainer: the training.
        train: the text trained on, indices (N,).
        held_out: the text held out, indices (M,); empty where none is held out.
        info: the description of the text.
        train_loss: the latest training loss, in nats a character.
    """
    model, config, counters = trainer.model, trainer.config, trainer.counters
    text = held_out if len(held_out) else train[-MAX_COUNTED:]
    later = [
        loss
        for point in counters.history
        if (loss := point["val_loss"]) is not None and (point["step"] or 0) > counters.best_step
    ]
    best = counters.best_loss
    overfitted = best is not None and seems_overfitted(
        best - train_loss, counters.best_step, counters.step
    )
    compared = None
    if overfitted and info.holds_out_end:
        compared = likeness.compare(train, held_out, model.vocabulary)
    reorder = ""
    if compared and compared.unlike:
        reorder = f"start again with --overwrite and {likeness.remedy(compared)}"
    return after(
        train_loss,
        best,
        counters.best_step,
        later,
        counters.step,
        loss_by_frequencies(train, text, len(model.vocabulary)),
        remedy(
            model.layer_type,
            model.width,
            model.num_layers,
            config.optimizer,
            config.learning_rate,
            counters.step,
        ),
        counters.step * config.batch_size * config.seq_length / len(train),
        reorder,
    )


def after(
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
        train_loss: the latest training loss, in nats a character.
        val_loss: the lowest validation loss; None where no text was held out.
        best_step: the step of the lowest validation loss.
        later_losses: the losses of the validations since then, in order.
        step: the last step.
        by_frequencies: the loss of `loss_by_frequencies` on the text held out, or on the text
            trained on where nothing was held out.
        remedy: the advice where the loss is hardly lower than `by_frequencies`.
        epoch: the number of times that the text was read.
        reorder: the remedy where the text held out is unlike the rest of the text.
    """
    # If the training loss fell but the validation loss did not, the advice is below.
    reached = train_loss if val_loss is None else min(train_loss, val_loss)
    if reached > HARDLY_LEARNED * by_frequencies:
        return (
            f"the model is hardly better than character frequencies alone ({by_frequencies:.2f} "
            f"nats): {remedy}"
        )
    if val_loss is None:
        return f"typical probability of the right character: {exp(-train_loss):.2f}"
    gap = val_loss - train_loss
    if reorder and seems_overfitted(gap, best_step, step):
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
    return "no clear over- or underfitting: train longer, or a larger model for longer"


def seems_overfitted(gap: float, best_step: int, step: int) -> bool:
    """True if the loss on the text held out is far higher, or was lowest long before the end.

    Args:
        gap: the loss on the text held out, less that on the text trained on, in nats a character.
        best_step: the step of the lowest loss on the text held out.
        step: the last step.
    """
    return gap > 0.25 or best_step < 0.7 * step


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
