"""The free surface of a part: its radius map, its roughness parameters, and new surfaces like it."""
