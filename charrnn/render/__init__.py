"""Draw answers on a terminal, in pictures and on a page. Nothing is computed here."""
