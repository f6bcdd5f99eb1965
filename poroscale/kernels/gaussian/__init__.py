"""Gaussian random fields: covariances from phases, kernels from covariances, noise to fields."""
