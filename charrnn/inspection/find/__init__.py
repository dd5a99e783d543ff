"""The search for cells that follow something in the text."""
