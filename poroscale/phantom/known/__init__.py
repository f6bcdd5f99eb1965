"""Scans of known truth of many kinds, drawn from a seed: what judges a segmentation."""

from poroscale.phantom.known.scans import KINDS, MODELLED, TOMOGRAPHIC, KnownScan, known_scan

__all__ = ["KINDS", "MODELLED", "TOMOGRAPHIC", "KnownScan", "known_scan"]
