"""Transport through a volume: what it conducts, as one number with its error."""
