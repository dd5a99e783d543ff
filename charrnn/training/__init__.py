"""Training: configuration, optimizers, schedules, evaluation, the loop."""
