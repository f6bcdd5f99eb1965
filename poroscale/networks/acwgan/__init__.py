"""The networks of the conditional micrographs: a generator, and critics with heads."""
