"""Scans with a known truth: parts, scanner, reconstruction."""
