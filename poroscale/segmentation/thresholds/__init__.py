"""Grey values to phases by global thresholds."""
