"""The frequencies of the characters of a text, and the replacement of rare characters."""

from __future__ import annotations

import numpy as np

from charrnn.arrays import Array
from charrnn.text.storage import concatenate
from charrnn.text.vocabulary import REPLACEMENT, Vocabulary

#: Characters counted or replaced at a time.
CHUNK = 1 << 16


def frequencies(text: Array, vocabulary_size: int) -> Array:
    """The number of each index in a text (N,), (V,)."""
    counts = np.zeros(vocabulary_size, np.intp)
    # A part at a time: np.bincount converts what it counts to eight bytes each.
    for start in range(0, len(text), CHUNK):
        counts += np.bincount(text[start : start + CHUNK], minlength=vocabulary_size)
    return counts


def count_rare(text: Array, vocabulary_size: int, min_count: int, enough: int) -> int:
    """The number of indices that occur fewer than `min_count` times in a text (N,).

    Args:
        text: the text.
        vocabulary_size: V.
        min_count: the frequency.
        enough: counting ends early, with a result of at most `enough`, if there cannot be more.
    """
    counts = np.zeros(vocabulary_size, np.intp)
    rare = vocabulary_size
    for start in range(0, len(text), CHUNK):
        if rare <= enough:
            break
        counts += np.bincount(text[start : start + CHUNK], minlength=vocabulary_size)
        rare = int(np.count_nonzero(counts < min_count))
    return rare


def replace_rare(
    text: Array, vocabulary: Vocabulary, counts: Array, min_count: int, keep: str = ""
) -> tuple[Vocabulary, Array]:
    """Replace the rare characters of a text by U+FFFD.

    Args:
        text: indices (N,).
        vocabulary: of the text.
        counts: the frequency of each index, (V,).
        min_count: characters with a lower frequency are replaced.
        keep: characters that stay, however rare.

    Returns:
        A vocabulary without the rare characters, which `replaces` unknown ones, and the text in
        its indices. U+FFFD is added only if it replaces a character.

    Raises:
        TextError: if the temporary directory cannot hold the text.
    """
    rare = counts < min_count
    rare[vocabulary.encode(keep + REPLACEMENT, unknown="skip")] = False
    if not rare.any():
        return Vocabulary(vocabulary.ix_to_char, replaces=True), text
    kept = vocabulary.decode(np.flatnonzero(~rare))
    smaller = Vocabulary(kept + REPLACEMENT, replaces=True)
    table = smaller.encode(vocabulary.ix_to_char)  # (V,): the new index of each old one
    parts = (table[text[start : start + CHUNK]] for start in range(0, len(text), CHUNK))
    return smaller, concatenate(parts, len(text), smaller.dtype)
