"""Complete configurations for tests that set only some options."""

from charrnn.config import TrainingConfig

#: The options that the planning would choose.
CHOSEN = {
    "learning_rate": 0.015,
    "warmup_steps": 100,
    "weight_decay": 0.0,
    "val_every": 500,
    "workers": 1,
}


def complete(**options):
    """A configuration of the training with these options."""
    return TrainingConfig(**{**CHOSEN, **options})
