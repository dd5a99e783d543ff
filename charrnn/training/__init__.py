"""Training: planning, optimizers, schedules, evaluation, the trainer, the run and its file."""
