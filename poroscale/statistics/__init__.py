"""What a volume holds as a whole: its values, the interface between two phases."""
