"""Micrographs by their conditions: chips of large images, and networks that make new ones."""
