"""Transport through pore spaces: what passes, and what it meets."""
