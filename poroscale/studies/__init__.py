"""Studies: networks and losses compared on phantoms with known pores."""
