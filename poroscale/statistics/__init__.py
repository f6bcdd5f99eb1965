"""Statistics of a volume as a whole: its values, the interface between two phases."""
