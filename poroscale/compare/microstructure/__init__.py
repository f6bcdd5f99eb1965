"""A reference microstructure against generated ones, beside the spread of the reference itself."""
