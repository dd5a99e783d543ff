"""The search for cells that follow something in the text."""

#: The least length of a text to search, so that both halves have enough.
MIN_CHARACTERS = 1_000
