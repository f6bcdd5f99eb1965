"""Sections through volumes, and the counts of part and pore in each."""
