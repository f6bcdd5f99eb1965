"""Unbounded media: samplers of microstructures, exact for any box."""
