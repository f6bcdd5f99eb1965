"""Scans of known truth of many kinds, drawn from a seed, by which segmentations are judged."""

from poroscale.phantoms.known.scans import KINDS, MODELLED, TOMOGRAPHIC, KnownScan, known_scan

__all__ = ["KINDS", "MODELLED", "TOMOGRAPHIC", "KnownScan", "known_scan"]
