"""Torch modules and losses. No data, no files, no Dask."""
