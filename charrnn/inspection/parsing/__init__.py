"""Reading texts as people do: what is a word, a quotation, a comment, and what is inside of it."""
