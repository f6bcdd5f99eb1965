"""Properties that `transport` measures: one module each, listed in `registry`."""
