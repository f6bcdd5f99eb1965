"""Files that hold voxels and tables: chunks, Parquet files, and checks of their digests."""
