"""Real parts against generated ones, and against themselves."""
