"""Methods by which a microstructure is fitted and made: one module each, listed in `registry`."""
