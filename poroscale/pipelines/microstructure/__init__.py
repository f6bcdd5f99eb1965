"""Microstructures: from an image to a model, and from a model to volumes of any size."""
