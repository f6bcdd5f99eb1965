"""Settings of `ingest`."""

from __future__ import annotations

from typing import Literal

from poroscale.config import Config
from poroscale.io.read.cast import Overflow
from poroscale.io.read.wrappers import BuildAxis


class IngestConfig(Config):
    """Settings for taking in a scan. Indices and sizes are those of the input, before it is turned.

    Attributes
    ----------
    voxel_size
        Edge of a voxel, or edges along (z, y, x) [um]. It overrides what the file states; None
        takes what the file states.
    dataset
        Path of the array inside an HDF5 file, an `.npz` file or a Zarr store; None takes the only
        one.
    pattern
        Shell pattern, as `slice_*.tif`, that picks the slices of one series from a folder; None
        takes all slices.
    box
        Region that is taken, (z0, z1, y0, y1, x0, x1) [voxels], half-open; None takes the whole
        input.
    channel
        Channel that is taken, counted from 0, from a file with several; "index" takes the stored
        numbers of a palette.
    invert
        Reverse the grey values of a scan whose solid is dark: the largest value of an unsigned
        dtype minus the value; a signed one is mirrored within its dtype; floats are negated. The
        values of `mask_fill` and `levels` are those of the reversed scan.
    mask
        Volume of the input's shape; where it is 0 the scan is set to `mask_fill`.
    mask_fill
        Grey value outside the mask.
    nan
        Grey value that replaces NaN and what the file marks as not measured; None refuses them.
    axes
        Axis of the input that is the build direction and becomes z.
    dtype
        Type to which grey values are converted; None keeps the type of the input.
    overflow
        Treatment of values that `dtype` cannot hold: "refuse" them, "clip" them to its range, or
        "scale" the range `levels` onto it.
    levels
        Lowest and highest grey value that "scale" maps to the ends of `dtype`.
    """

    voxel_size: float | tuple[float, float, float] | None = None
    dataset: str | None = None
    pattern: str | None = None
    channel: int | Literal["index"] | None = None
    invert: bool = False
    box: tuple[int, int, int, int, int, int] | None = None
    mask: str | None = None
    mask_fill: float = 0.0
    nan: float | None = None
    axes: BuildAxis = "z"
    dtype: Literal["uint8", "uint16", "uint32", "int8", "int16", "int32", "float32"] | None = None
    overflow: Overflow = "refuse"
    levels: tuple[float, float] | None = None
