"""Codes of voxels that hold none of the phases; those of the phases count from 0."""

BEYOND, STRANGE, OUTSIDE = 253, 254, 255
"""Not in the volume; of a value that is no phase; not part: beyond the mask, or of the phase
`outside`. All codes below `BEYOND` are phases, and none is above `OUTSIDE`."""
