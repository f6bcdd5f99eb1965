"""Modules that every reader shares: the source contract, axes, lengths, placement, casts."""
