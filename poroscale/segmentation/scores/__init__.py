"""Scores of a network to phases."""
