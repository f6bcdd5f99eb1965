"""Real micrographs against generated ones: topology, area, particles, each by condition."""
