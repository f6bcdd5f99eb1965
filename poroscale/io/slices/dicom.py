"""A DICOM series as a source: one file for each slice, sorted by its position in the patient.

Slices are sorted by ImagePositionPatient along the normal of the image plane; they must be evenly
spaced, parallel and of one series. RescaleSlope and RescaleIntercept are applied. PixelPaddingValue
stands for no measurement. Read by pydicom, which is an extra.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from poroscale.io.read.lengths import tidy, voxel_size_um
from poroscale.io.read.position import placed
from poroscale.io.read.source import BlockHint, Source, Voxels
from poroscale.volume import Index, Shape, VoxelSize

_DAMAGE = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    OSError,
    EOFError,
    struct.error,
)
_LONGEST = 120
_DEFLATED = "1.2.840.10008.1.2.1.99"
_UNEVEN = 0.01
"""Share of the spacing that a slice may lie off its place; coordinates are decimal texts."""
_TAGS = (
    "SeriesInstanceUID",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "RescaleSlope",
    "RescaleIntercept",
    "ModalityLUTSequence",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
)
_ALIKE = (
    "SeriesInstanceUID",
    "Rows",
    "Columns",
    "BitsStored",
    "PixelRepresentation",
    "PixelSpacing",
    "ImageOrientationPatient",
)


@dataclass(frozen=True, kw_only=True)
class DicomSource(Source):
    """One file a slice, all of one series; `scales` has slope and intercept of each."""

    folder: Path
    files: tuple[str, ...]
    scales: tuple[tuple[float, float], ...]
    missing: tuple[float, ...] = ()

    @property
    @override
    def name(self) -> str:
        return self.folder.name if len(self.files) > 1 else self.files[0]

    @property
    @override
    def preferred_block(self) -> BlockHint:
        return (1, None, None)

    @property
    @override
    def temporary(self) -> float:
        return 16.0  # a slice as it is stored and decoded, and rescaled in float64

    @override
    def slice_name(self, z: int) -> str:
        return self.files[z]

    @override
    def fingerprint(self) -> dict[str, Any]:
        sizes = [(self.folder / name).stat().st_size for name in self.files]
        scales = sorted({*self.scales})
        return {
            "format": "DICOM",
            "folder": self.folder.name,
            "files": list(self.files),
            "bytes": sizes,
            "scales": [list(scale) for scale in scales],
        }

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        box = np.empty(shape, self.dtype)
        y, x = slice(origin[1], origin[1] + shape[1]), slice(origin[2], origin[2] + shape[2])
        for k in range(shape[0]):
            slope, intercept = self.scales[origin[0] + k]
            stored = self._slice(self.files[origin[0] + k])[y, x]
            plain = (slope, intercept) == (1.0, 0.0)
            box[k] = stored if plain else stored.astype(np.float64) * slope + intercept
        return box

    def _slice(self, file: str) -> Voxels:
        import pydicom

        try:
            pixels = pydicom.dcmread(self.folder / file).pixel_array
        except _damage() as error:
            raise OSError(f"{file} cannot be decoded: {_sentence(error)}") from error
        if pixels.shape != self.shape[1:]:
            raise OSError(f"{file}: its pixels are {pixels.shape}, its header says otherwise")
        return np.asarray(pixels)


@dataclass(frozen=True)
class _Plane:
    """The header of one slice."""

    file: str
    header: Any
    corner: NDArray[np.float64]

    def said(self, tag: str) -> str:
        return str(getattr(self.header, tag, None))


def open_dicom(folder: Path, files: tuple[str, ...]) -> Source:
    """The source for the DICOM `files` of a folder.

    Raises
    ------
    ValueError
        If pydicom is not installed, or the files are no single series of evenly spaced, parallel,
        grey slices.
    """
    try:
        return _series(folder, [_plane(folder / file) for file in files])
    except (TypeError, AttributeError, LookupError, ArithmeticError) as error:
        raise ValueError(
            f"{folder.name}: a header of the series is damaged: {_sentence(error)}"
        ) from error


def _series(folder: Path, planes: list[_Plane]) -> Source:
    _require_one_series(planes, folder.name)
    row, column = _directions(planes[0])
    order, step = _in_order(planes, np.cross(row, column), folder.name)
    planes = [planes[index] for index in order]
    scales = tuple(_scale(plane) for plane in planes)
    first = planes[0].header
    source = DicomSource(
        shape=(len(planes), int(first.Rows), int(first.Columns)),
        dtype=_dtype(first, scales),
        voxel_size=_voxel_size(first, step, planes[0].file),
        folder=folder,
        files=tuple(plane.file for plane in planes),
        scales=scales,
        missing=_padding(planes, scales),
    )
    upright = np.allclose(row, (1, 0, 0)) and np.allclose(column, (0, 1, 0))
    x, y, z = (tidy(1000.0 * float(value)) for value in planes[0].corner)
    return placed(source, (z, y, x) if upright else None)


def _plane(path: Path) -> _Plane:
    try:
        import pydicom
        from pydicom.filereader import read_file_meta_info
    except ImportError as error:
        raise ValueError(
            f"{path.name} is a DICOM file, which needs the package pydicom: "
            "pip install 'poroscale[dicom]'"
        ) from error
    try:
        syntax = str(read_file_meta_info(path).get("TransferSyntaxUID", ""))
        if syntax == _DEFLATED:  # it would be inflated as a whole, whatever its length
            raise ValueError("it is deflated as a whole, which is not read")
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
        corner = np.array(header.get("ImagePositionPatient") or (0, 0, 0), np.float64)
        for tag in ("Rows", "Columns", "BitsAllocated", "PixelRepresentation"):
            int(header[tag].value)
        for tag in _TAGS:  # converted here, where damage is caught
            header.get(tag)
    except _damage() as error:
        raise ValueError(f"{path.name}: not a complete DICOM image: {_sentence(error)}") from error
    _require_grey(header, path.name)
    return _Plane(path.name, header, corner)


def _damage() -> tuple[type[Exception], ...]:
    """Errors that pydicom and its decoders raise on a damaged file."""
    from pydicom.errors import BytesLengthException, InvalidDicomError

    return (*_DAMAGE, InvalidDicomError, BytesLengthException)


def _sentence(error: Exception) -> str:
    """Message of an error, cut where bytes of the file are repeated in it."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}..."


def _require_grey(header: Any, name: str) -> None:
    if int(header.get("NumberOfFrames") or 1) != 1:
        raise ValueError(
            f"{name}: a DICOM file of several frames is not read; convert it to one file a slice"
        )
    kind = str(header.get("PhotometricInterpretation", "MONOCHROME2"))
    if int(header.get("SamplesPerPixel") or 1) != 1 or kind != "MONOCHROME2":
        raise ValueError(f"{name}: pixels must be grey (MONOCHROME2), got {kind}")
    if header.get("ModalityLUTSequence"):
        raise ValueError(f"{name}: grey values by a table (ModalityLUTSequence) are not read")


def _require_one_series(planes: Sequence[_Plane], name: str) -> None:
    for tag in _ALIKE:
        values = {plane.said(tag): plane.file for plane in planes}
        if len(values) > 1:
            first, second = list(values.values())[:2]
            hint = " `pattern` picks one series" if tag == "SeriesInstanceUID" else ""
            raise ValueError(
                f"{name}: slices must be of one series, but {first} and {second} differ in {tag}"
                f"{';' + hint if hint else ''}"
            )


def _directions(plane: _Plane) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors along a row and along a column of pixels."""
    values = plane.header.get("ImageOrientationPatient") or (1, 0, 0, 0, 1, 0)
    both = np.array([float(value) for value in values], np.float64)
    row, column = (both[:3], both[3:]) if both.size == 6 else (both, both)
    lengths = (np.linalg.norm(row), np.linalg.norm(column))
    if both.size != 6 or not np.allclose(lengths, 1, atol=1e-3) or abs(row @ column) > 1e-3:
        raise ValueError(
            f"{plane.file}: ImageOrientationPatient must be two perpendicular unit vectors, "
            f"got {both.tolist()}"
        )
    return row, column


def _in_order(
    planes: Sequence[_Plane], normal: NDArray[np.float64], name: str
) -> tuple[list[int], float | None]:
    """Order of the slices along the normal, and their spacing [mm]; None for one slice."""
    if len(planes) == 1:
        return [0], None
    if any(plane.header.get("ImagePositionPatient") is None for plane in planes):
        raise ValueError(f"{name}: slices must state ImagePositionPatient to be sorted")
    corners = np.stack([plane.corner for plane in planes])
    heights = corners @ normal
    order = [int(index) for index in np.argsort(heights, kind="stable")]
    steps = np.diff(heights[order])
    step = float(np.median(steps))
    if not step > 0 or steps.min() < step * _UNEVEN:
        twins = int(np.argmin(steps))
        first, second = (planes[order[k]].file for k in (twins, twins + 1))
        raise ValueError(f"{name}: {first} and {second} lie in the same place")
    if np.abs(steps - step).max() > _UNEVEN * step:
        worst = int(np.argmax(np.abs(steps - step)))
        first, second = (planes[order[k]].file for k in (worst, worst + 1))
        raise ValueError(
            f"{name}: slices must be evenly spaced, but {first} and {second} lie "
            f"{steps[worst]:.6g} mm apart and others {step:.6g} mm: is one missing?"
        )
    sideways = corners - corners[:1] - np.outer(heights - heights[0], normal)
    if np.abs(sideways).max() > _UNEVEN * step:
        raise ValueError(
            f"{name}: slices must lie straight above each other (the gantry is tilted)"
        )
    return order, step


def _scale(plane: _Plane) -> tuple[float, float]:
    slope = plane.header.get("RescaleSlope")
    intercept = plane.header.get("RescaleIntercept")
    if (slope is None) != (intercept is None):
        raise ValueError(
            f"{plane.file}: RescaleSlope and RescaleIntercept must be stated together, got one"
        )
    found = (1.0 if slope is None else float(slope), 0.0 if intercept is None else float(intercept))
    if not np.isfinite(found).all() or not found[0]:
        raise ValueError(f"{plane.file}: RescaleSlope and RescaleIntercept must be numbers")
    return found


def _dtype(header: Any, scales: Sequence[tuple[float, float]]) -> np.dtype[Any]:
    """The smallest type that holds all rescaled values; float32 where a scale has a fraction."""
    bits = int(header.get("BitsAllocated"))
    if bits not in {8, 16, 32}:
        raise ValueError(f"pixels must have 8, 16 or 32 bits, got {bits}")
    signed = bool(int(header.PixelRepresentation))
    if set(scales) == {(1.0, 0.0)}:
        return np.dtype(f"{'i' if signed else 'u'}{bits // 8}")
    if not all(value.is_integer() for scale in scales for value in scale):
        return np.dtype(np.float32)
    stored = int(header.get("BitsStored") or bits)
    low, high = (
        (-(1 << (stored - 1)), (1 << (stored - 1)) - 1) if signed else (0, (1 << stored) - 1)
    )
    ends = [slope * end + intercept for slope, intercept in scales for end in (low, high)]
    for name in ("u1", "i1", "u2", "i2", "u4", "i4"):
        limits = np.iinfo(name)
        if limits.min <= min(ends) and max(ends) <= limits.max:
            return np.dtype(name)
    return np.dtype(np.float64)


def _padding(planes: Sequence[_Plane], scales: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """PixelPaddingValue after rescaling."""
    found = set()
    for plane, (slope, intercept) in zip(planes, scales, strict=True):
        value = plane.header.get("PixelPaddingValue")
        if plane.header.get("PixelPaddingRangeLimit") is not None:
            raise ValueError(f"{plane.file}: a range of padding values is not read")
        if value is not None:
            found.add(float(value) * slope + intercept)
    return tuple(sorted(found))


def _voxel_size(header: Any, step: float | None, name: str) -> VoxelSize | None:
    spacing = header.get("PixelSpacing")
    if spacing is None:
        return None
    depth = step or header.get("SpacingBetweenSlices") or header.get("SliceThickness")
    rows, columns = (float(value) for value in spacing)
    return voxel_size_um((float(depth or rows), rows, columns), "mm", name)
