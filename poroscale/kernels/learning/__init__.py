"""Kernels around networks: augmentation, score compensation, ranking."""
