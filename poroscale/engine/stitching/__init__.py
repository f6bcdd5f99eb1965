"""Overlapping windows over a volume, inferred once and averaged exactly."""
