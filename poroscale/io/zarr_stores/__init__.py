"""Readers of Zarr stores: foreign ones, and finished volumes of this package."""
