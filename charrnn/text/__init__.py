"""From bytes to batches: characters, indices, windows of streams."""
