"""Drawing what the library returns: nothing is computed here."""
