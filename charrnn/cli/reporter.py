"""Progress of a training run: a bar on a terminal, lines elsewhere, and a log."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import log
from pathlib import Path
from types import TracebackType

import numpy as np
from tqdm import tqdm

from charrnn.arrays import Array
from charrnn.cli.log import Log
from charrnn.cli.progress import Bar
from charrnn.errors import TrainingError
from charrnn.inspection.positions import read_on
from charrnn.render.escape import readable_bytes
from charrnn.sampling import beginning, sample_text
from charrnn.text.normal_forms import compose
from charrnn.training.run import Run
from charrnn.training.trainer import Progress


def in_bits(loss: float) -> str:
    """A loss in nats and in bits a character."""
    return f"{loss:.4f} ({loss / log(2):.3f} bits a character)"


@dataclass(frozen=True)
class Samples:
    """The samples to show during a run.

    Args:
        every: steps from sample to sample.
        prime: indices (N,) of the beginning of each sample.
        length: characters of a sample, not counting the prime.
        temperature: as in `charrnn.sampling.Choice`.
    """

    every: int
    prime: Array
    length: int
    temperature: float


class Reporter:
    """Shows the progress of a run.

    Args:
        run: the run.
        log_path: the path of a file that gets a JSON object per step; None for none.
        samples: the samples to show; None for none.
    """

    def __init__(self, run: Run, log_path: Path | None, samples: Samples | None) -> None:
        self.run, self.trainer = run, run.trainer
        self.samples = samples
        self.started = time.monotonic()
        self.first_step = run.trainer.counters.step
        self.smooth: float | None = None
        self.speed = 0.0  # characters a second
        history = run.trainer.counters.history
        losses = [point["val_loss"] for point in history if point["val_loss"] is not None]
        self.val_loss = losses[-1] if losses else None
        self.bar = Bar(
            total=run.trainer.config.steps,
            initial=self.first_step,
            unit="step",
            figures=self._beside_bar(),
        )
        self.log = Log(log_path, self.bar.say, self.first_step, run.resumed)

    def __enter__(self) -> Reporter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.bar.close()
        self.log.close()

    def restart(self) -> None:
        """Measure the speed from now on."""
        self.started = time.monotonic()

    def show(self, progress: Progress) -> None:
        """Show a step in the bar or in lines, log it, and show a sample if one is due."""
        self.bar.total = progress.steps
        self.smooth = (
            progress.loss if self.smooth is None else 0.98 * self.smooth + 0.02 * progress.loss
        )
        if progress.val_loss is not None:
            self.val_loss = progress.val_loss
        now = time.monotonic()
        taken = progress.step - self.first_step
        characters = taken * progress.characters / progress.step
        self.speed = characters / max(now - self.started, 1e-9)
        if not self.bar.disable:
            self.bar.figures = self._beside_bar()
        self.log.write(
            {
                "step": progress.step,
                "epoch": round(progress.epoch, 4),
                "characters": progress.characters,
                "loss": progress.loss,
                "bpc": progress.loss / log(2),
                "val_loss": progress.val_loss,
                "learning_rate": progress.learning_rate,
                "grad_norm": progress.grad_norm,
                "chars_per_second": round(self.speed),
            }
        )
        self.bar.update()
        if self.bar.disable and (
            self.bar.due() or progress.step in (self.first_step + 1, progress.steps)
        ):
            left = (progress.steps - progress.step) * (now - self.started) / taken
            self.say(
                f"step {progress.step:,} of {progress.steps:,}, epoch {progress.epoch:.2f}, "
                f"{self._figures()}, {tqdm.format_interval(left)} left"
            )
        if self.samples and progress.step % self.samples.every == 0:
            self.sample(self.samples)

    def _beside_bar(self) -> list[str]:
        """The figures beside the bar, the most important first."""
        figures = ["{remaining} left", "{n_fmt}/{total_fmt}", _speed(self.speed)]
        if self.val_loss is not None:
            figures.insert(0, f"validation {self.val_loss:.3f}")
        if self.smooth is not None:
            figures.insert(0, f"loss {self.smooth:.3f}")
            figures.append(f"{self.smooth / log(2):.2f} bits a character")
        return figures

    def _figures(self) -> str:
        parts = []
        if self.smooth is not None:
            parts.append(f"loss {self.smooth:.3f} ({self.smooth / log(2):.2f} bits)")
        if self.val_loss is not None:
            parts.append(f"validation {self.val_loss:.3f}")
        parts.append(_speed(self.speed))
        return ", ".join(parts)

    @np.errstate(over="ignore", invalid="ignore")  # `sample` finds non-finite logits
    def sample(self, samples: Samples) -> None:
        """Show a text that the model writes now, as `charrnn sample` shows it on a terminal."""
        model, corpus = self.trainer.model, self.run.corpus
        text = model.vocabulary.decode(samples.prime)
        try:
            start = read_on(model, beginning(model, self.run.excerpt), samples.prime)
            drawn = sample_text(
                model, samples.length, start=start, temperature=samples.temperature, seed=0
            )
            text += "".join(drawn)
        except TrainingError as error:  # the training itself may recover
            text = str(error)
        if corpus.binary:
            text = "".join(readable_bytes([text]))
        elif corpus.normalize == "nfd":  # letters and accents are apart: show them together
            text = "".join(compose(text))
        self.bar.say(f"--- step {self.trainer.counters.step:,}\n{text}\n---", text=True)

    def say(self, message: str) -> None:
        """Write a message without drawing into the bar."""
        self.bar.say(message)


def _speed(speed: float) -> str:
    """A speed in characters a second, in words."""
    return f"{speed / 1000:,.0f}k characters/s" if speed >= 1_000 else f"{speed:.0f} characters/s"
