"""Whole jobs, one file each; they read like a methods section."""
