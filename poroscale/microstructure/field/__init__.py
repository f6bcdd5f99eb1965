"""Gaussian random fields cut at levels: fitted to images in seconds, sampled for any box."""
