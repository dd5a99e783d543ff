"""The Python API: train a model, load one, sample from it, score texts, save it."""

from charrnn.api.model import CharRNN, load
from charrnn.api.training import train

__all__ = ["CharRNN", "load", "train"]
