"""Training of SWNN: local patterns, their distance, steps of the optimiser, calibration."""
