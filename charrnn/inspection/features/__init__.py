"""The features of a text that cells may follow, and the parsers that recognize them."""
