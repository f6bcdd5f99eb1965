"""Training of a segmentation network from scans on disk."""
