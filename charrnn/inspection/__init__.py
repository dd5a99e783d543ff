"""Looking inside: arrays in, arrays out. Nothing here prints or draws."""
