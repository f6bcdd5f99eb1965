"""Other formats in and out, in chunks."""
