"""Figures of transport."""
