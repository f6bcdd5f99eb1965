"""Other formats in and out, in chunks: `ingest`, `export` and `open_source` in their modules."""
