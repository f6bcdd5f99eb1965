"""NIfTI-1 and -2 headers through nibabel; the voxels through the flat reader.

Voxels are kept as stored, x fastest; the affine's axes and signs are not applied.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from poroscale.io.cast import Scaled
from poroscale.io.layout import Compression, Layout, layout_source
from poroscale.io.lengths import voxel_size_um
from poroscale.io.source import Source, as_shape

_UNITS = {1: "m", 2: "mm", 3: "um"}


def open_nifti(path: Path, scratch: Path | None) -> Source:
    """The source for a `.nii`, `.nii.gz`, or `.hdr`/`.img` pair.

    A slope and intercept other than 1 and 0 are applied and give float32.

    Raises
    ------
    ValueError
        If nibabel is missing, the file is no NIfTI, or it has more than three axes.
    """
    layout, slope, intercept = read_nifti(path)
    source = layout_source(layout, scratch)
    if (slope, intercept) == (1.0, 0.0):
        return source
    return Scaled.of(source, slope=slope, intercept=intercept)


def read_nifti(path: Path) -> tuple[Layout, float, float]:
    """Layout, slope and intercept that the header states."""
    try:
        import nibabel
        from nibabel.filebasedimages import ImageFileError
        from nibabel.spatialimages import HeaderDataError
    except ImportError as error:
        raise ValueError(
            f"{path.name}: NIfTI needs the package nibabel: pip install 'poroscale[io]'"
        ) from error
    try:
        image = nibabel.load(path)
    except (ImageFileError, HeaderDataError, EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path.name}: not a NIfTI file: {error}") from error
    header, proxy = image.header, image.dataobj
    if "xyzt_units" not in header:
        raise ValueError(f"{path.name}: must be NIfTI, got {type(image).__name__}")
    sizes = list(image.shape)
    while len(sizes) > 3 and sizes[-1] == 1:
        sizes.pop()
    unit = _UNITS.get(int(header["xyzt_units"]) & 7)
    spacing = [float(f"{value:.7g}") for value in header["pixdim"][1:4][::-1]]  # float32 there
    data = Path(image.file_map["image"].filename)
    compression = _compression(data)
    layout = Layout(
        header=path,
        data=data,
        shape=as_shape(sizes[::-1], path.name),
        stored=np.dtype(proxy.dtype),
        voxel_size=voxel_size_um(spacing, unit, path.name),
        kind="NIfTI",
        compression=compression,
        # the header of a .nii.gz is packed together with the voxels
        offset=int(proxy.offset) if compression == "raw" else 0,
        skip=0 if compression == "raw" else int(proxy.offset),
    )
    return layout, float(proxy.slope), float(proxy.inter)


def _compression(data: Path) -> Compression:
    return {".gz": "gzip", ".bz2": "bzip2"}.get(data.suffix.lower(), "raw")  # type: ignore[return-value]
