"""Scans to phases by a trained network."""
