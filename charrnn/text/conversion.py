"""Conversion of later texts, such as a prime: line ends and normal form of the training."""

from __future__ import annotations

from typing import NamedTuple

from charrnn.text.decoding import Decoding
from charrnn.text.line_ends import converted
from charrnn.text.normal_forms import fitting_form, normalized
from charrnn.text.vocabulary import Vocabulary


class Converted(NamedTuple):
    """A later text as a model reads it."""

    text: str
    #: The normal form that the text was brought into to fit the vocabulary; None for none.
    fitted: str | None


def converted_as_in_training(
    text: str, decoding: Decoding, normalize: str | None, vocabulary: Vocabulary
) -> Converted:
    """Convert a later text as the text of the training was converted.

    The text of a training without a normal form is in some form, too: `fitting_form` finds it.

    Args:
        text: the text; for a model of bytes, each byte as a character.
        decoding: of the text of the training, which sets the line ends.
        normalize: the normal form of the training; None for none.
        vocabulary: of the model.
    """
    text = converted(text, decoding.newlines)
    if normalize or decoding.binary:
        return Converted(normalized(text, normalize), None)
    if text.isascii() or vocabulary.knows(text).all():
        return Converted(text, None)
    form = fitting_form(lambda: [text], vocabulary)
    return Converted(normalized(text, form), form)
