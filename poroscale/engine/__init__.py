"""Blocks to volumes; the only place that knows dask."""
