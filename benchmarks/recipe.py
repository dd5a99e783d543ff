"""The recipe of a training run: its text and settings, for the same training in another library."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from charrnn import checkpoint as checkpoints
from charrnn.config import ModelConfig, TrainingConfig


@dataclass(frozen=True)
class Recipe:
    """The settings of a run of charrnn, as its checkpoint has them.

    Attributes:
        text: the path of the text.
        held_out: the characters at its end that are held out.
        model, config: the shape of the network, and the options of the training.
    """

    text: str
    held_out: int
    model: ModelConfig
    config: TrainingConfig

    @classmethod
    def of_run(cls, checkpoint: Path, text: Path) -> Recipe:
        """The recipe of the run that a checkpoint holds."""
        saved = checkpoints.read(checkpoint)
        assert saved.settings
        assert saved.corpus
        return cls(str(text), saved.corpus.held_out, saved.model, saved.settings)

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """Read a file of `write`."""
        found = json.loads(path.read_text(encoding="utf-8"))
        model, config = ModelConfig(**found.pop("model")), TrainingConfig(**found.pop("config"))
        return cls(**found, model=model, config=config)

    def write(self, path: Path) -> None:
        """Write the recipe as JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")
