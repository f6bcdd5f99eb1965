"""Topology of a block: components and cavities by value, Euler characteristic, persistence."""
