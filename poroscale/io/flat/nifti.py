"""NIfTI-1 and -2 headers through nibabel; the voxels through the flat reader.

Voxels are kept as stored, x fastest; an affine that turns or mirrors the axes is not applied.
"""

from __future__ import annotations

import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from poroscale.io.flat.layout import Compression, Layout, layout_source
from poroscale.io.read.cast import Scaled
from poroscale.io.read.channels import Channel
from poroscale.io.read.lengths import um_per, voxel_size_um
from poroscale.io.read.position import index_at
from poroscale.io.read.source import Source, as_shape
from poroscale.volume import Index, VoxelSize

_UNITS = {1: "m", 2: "mm", 3: "um"}


def open_nifti(path: Path, scratch: Path | None, channel: Channel | None = None) -> Source:
    """The source for a `.nii`, `.nii.gz`, or `.hdr`/`.img` pair.

    A slope and intercept other than 1 and 0 are applied and give float32.

    Raises
    ------
    ValueError
        If nibabel is missing, the file is no NIfTI, or a `channel` must be chosen.
    """
    layout, slope, intercept = read_nifti(path)
    source = layout_source(layout, scratch, channel)
    if (slope, intercept) == (1.0, 0.0):
        return source
    return Scaled.of(source, slope=slope, intercept=intercept)


def read_nifti(path: Path) -> tuple[Layout, float, float]:
    """Layout, slope and intercept that the header states."""
    image = _loaded(path)
    header, proxy = image.header, image.dataobj
    if "xyzt_units" not in header:
        raise ValueError(f"{path.name}: must be NIfTI, got {type(image).__name__}")
    sizes, stored = [int(size) for size in image.shape], np.dtype(proxy.dtype)
    colours = len(stored.names or ())
    if colours:
        stored = stored[0]
    after = prod(sizes[3:])
    unit = _UNITS.get(int(header["xyzt_units"]) & 7)
    spacing = [float(f"{value:.7g}") for value in header["pixdim"][1:4][::-1]]  # float32 there
    size = voxel_size_um(spacing, unit, path.name)
    origin, notes = _origin(image, unit, size)
    data = Path(image.file_map["image"].filename)
    compression = _compression(data)
    if colours and after > 1:
        raise ValueError(f"{path.name}: the file must hold one volume, got {after} of colours")
    layout = Layout(
        header=path,
        data=data,
        shape=as_shape([*sizes, 1, 1][2::-1], path.name),
        stored=stored,
        voxel_size=size,
        kind="NIfTI",
        compression=compression,
        # the header of a .nii.gz is packed together with the voxels
        offset=int(proxy.offset) if compression == "raw" else 0,
        skip=0 if compression == "raw" else int(proxy.offset),
        channels=colours or after,
        interleaved=colours > 0,
        colours=min(colours, 3),
        opaque=colours == 4,
        origin=origin,
        notes=notes,
    )
    return layout, float(proxy.slope), float(proxy.inter)


def _loaded(path: Path) -> Any:
    try:
        import nibabel
        from nibabel.filebasedimages import ImageFileError
        from nibabel.imageglobals import LoggingOutputSuppressor
        from nibabel.spatialimages import HeaderDataError
    except ImportError as error:
        raise ValueError(
            f"{path.name}: NIfTI needs the package nibabel: pip install 'poroscale[io]'"
        ) from error
    try:
        with LoggingOutputSuppressor():  # its complaints precede its errors
            return nibabel.load(path)
    except (
        ImageFileError,
        HeaderDataError,
        EOFError,
        OSError,
        zlib.error,
        ValueError,
        LookupError,
        TypeError,
        ArithmeticError,
    ) as error:
        raise ValueError(f"{path.name}: not a NIfTI file: {error}") from error


def _origin(image: Any, unit: str | None, size: VoxelSize | None) -> tuple[Index, tuple[str, ...]]:
    """Index of the first voxel where the affine neither turns nor mirrors."""
    affine, factor = np.asarray(image.affine, np.float64), um_per(unit)
    places = affine[:3, 3]
    if size is None or factor is None or not places.any():
        return (0, 0, 0), ()
    steps = np.diagonal(affine)[:3]
    if not np.array_equal(affine[:3, :3], np.diag(steps)) or not (steps > 0).all():
        return (0, 0, 0), ("its position was left out: its axes are turned or mirrored (affine)",)
    z, y, x = (float(place) * factor for place in places[::-1])
    return index_at((z, y, x), size)


def _compression(data: Path) -> Compression:
    return {".gz": "gzip", ".bz2": "bzip2"}.get(data.suffix.lower(), "raw")  # type: ignore[return-value]
