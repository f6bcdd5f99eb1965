"""Grey values to phases."""
