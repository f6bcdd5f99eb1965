"""Statistics of samples: distances between them, and the uncertainty of a figure."""
