"""Conduction through phases: conductivity, diffusivity, and how winding the ways are."""
