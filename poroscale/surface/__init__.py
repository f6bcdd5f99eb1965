"""The free surface of a part: its radius map, its parameters, and new surfaces like it."""
