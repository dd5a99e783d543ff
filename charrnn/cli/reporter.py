"""Progress of a training run: a bar on a terminal, lines elsewhere, and a log."""

from __future__ import annotations

import time
from math import log
from pathlib import Path
from types import TracebackType

from tqdm import tqdm

from charrnn import planning
from charrnn.cli.bars import Bar
from charrnn.cli.log import Log
from charrnn.training import Progress, Run

#: To plan for a time, steps are measured for this share of it, or for the warm-up.
MEASURED = 0.05
#: But for at least so many steps, which have to be within the warm-up.
LEAST_WARMUP = 5


def in_bits(loss: float) -> str:
    """A loss in nats and in bits a character."""
    return f"{loss:.4f} ({loss / log(2):.3f} bits a character)"


class Reporter:
    """Shows what a run yields.

    Args:
        run: the run.
        log_path: of a file to append a JSON object a step to; None for none.
    """

    def __init__(self, run: Run, log_path: Path | None) -> None:
        self.run = run
        self.started = time.monotonic()
        self.first_step = run.counters.step
        self.smooth: float | None = None
        history = run.counters.history
        self.val_loss = history[-1]["val_loss"] if history else None
        self.log = Log(log_path, self.say)
        self.bar = Bar(
            total=run.settings.steps,
            initial=self.first_step,
            unit="step",
            bar_format="{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {remaining} left{postfix}",
        )

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

    def plan(self, seconds: float, val_every: int | None) -> None:
        """Measure the first steps, and fix from them how many there will be.

        The learning rate of these steps does not depend on how many there will be: it still
        warms up.

        Args:
            seconds: that the run may take.
            val_every: steps from validation to validation; None to choose.
        """
        run, begun = self.run, time.monotonic()
        run.learner.score()
        self.started = time.monotonic()  # of the steps, whose speed is shown
        per_validation = self.started - begun
        self.show(run.step())  # the first is slower: memory is allocated
        measured, since = 0, time.monotonic()
        while measured < LEAST_WARMUP - 1 or (
            run.counters.step < run.settings.warmup_steps
            and time.monotonic() - since < MEASURED * seconds
        ):
            self.show(run.step())
            measured += 1
        per_step = (time.monotonic() - since) / measured
        left = seconds - (time.monotonic() - begun)
        taken = run.counters.step
        run.plan(*planning.steps_in(left, per_step, per_validation, taken, val_every))
        self.bar.total = run.settings.steps
        model, settings = run.model, run.settings
        self.say(
            f"{1000 * per_step:.1f} ms a step, so {settings.steps:,} steps: the same again with "
            f"--steps {settings.steps} --val-every {settings.val_every} --hidden-size "
            f"{model.hidden_size} --num-layers {model.num_layers} --dropout {model.dropout:g} "
            f"--workers {settings.workers}" + (" --mpi" if settings.ranks > 1 else "")
        )

    def show(self, progress: Progress) -> None:
        """Take a step into the bar, the lines and the log."""
        self.smooth = (
            progress.loss if self.smooth is None else 0.98 * self.smooth + 0.02 * progress.loss
        )
        if progress.val_loss is not None:
            self.val_loss = progress.val_loss
        now = time.monotonic()
        settings = self.run.settings
        characters = (progress.step - self.first_step) * settings.batch_size * settings.seq_length
        speed = characters / max(now - self.started, 1e-9)
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
                "chars_per_second": round(speed),
            }
        )
        self.bar.set_postfix_str(self._figures(speed), refresh=False)
        self.bar.update()
        if self.bar.disable and (
            self.bar.due() or progress.step in (self.first_step + 1, settings.steps)
        ):
            left = (settings.steps - progress.step) * (now - self.started)
            left /= progress.step - self.first_step
            self.say(
                f"step {progress.step:,} of {settings.steps:,}, epoch {progress.epoch:.2f}, "
                f"{self._figures(speed)}, {tqdm.format_interval(left)} left"
            )

    def _figures(self, speed: float) -> str:
        parts = []
        if self.smooth is not None:
            parts.append(f"loss {self.smooth:.3f} ({self.smooth / log(2):.2f} bits)")
        if self.val_loss is not None:
            parts.append(f"validation {self.val_loss:.3f}")
        parts.append(f"{speed / 1000:,.0f}k characters/s")
        return ", ".join(parts)

    def sample(self) -> None:
        """Show what the model writes now."""
        text = "".join(self.run.model.sample(200, temperature=0.8, seed=0))
        self.say(f"--- step {self.run.counters.step:,}\n{text}\n---")

    def say(self, message: str) -> None:
        """Say something without drawing into the bar."""
        self.bar.say(message)
