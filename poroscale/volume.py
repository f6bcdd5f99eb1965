"""A volume: one (z, y, x) Zarr array with its voxel size, inside an OME-Zarr 0.5 group.

Arrays are in C order, lengths in micrometres. The centre of voxel (i, j, k) lies at
((i, j, k) + 0.5) * voxel size from the volume's corner.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from poroscale.lazy_array import ReadByBox, dask_array, labelled
from poroscale.manifest import JOURNAL_DIR, Manifest, check
from poroscale.storage.chunk_files import ChunkFiles

if TYPE_CHECKING:
    import dask.array
    import xarray
    import zarr

Index = tuple[int, int, int]
Shape = tuple[int, int, int]
VoxelSize = tuple[float, float, float]

CHUNK = 128
"""Edge of a storage chunk: 2 MiB of labels a byte each, a fair read for a slice and a block."""

SMALLEST = 1e-6
"""Smallest edge of a voxel [um]; its inverse is the largest."""
UNSUPPORTED = ("longdouble", "float128")

COARSEST = 256
"""Voxels an axis of the coarsest level of a pyramid."""

PHASES = {"outside": 0, "solid": 1, "pore": 2}
"""Phases of a part, uint8."""


class FieldSampler(Protocol):
    """Voxels that are computed, not stored: a frozen dataclass that pickles.

    The same voxels come whatever box is asked, so that a verb may read one like a volume.
    """

    @property
    def shape(self) -> Shape:
        """Voxels along (z, y, x)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels."""

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """The box of `shape` at `origin`."""


def flat_axis(shape: Shape) -> int | None:
    """The axis along which a volume is one voxel thick, an image then; None of any other."""
    thin = [axis for axis, n in enumerate(shape) if n == 1]
    return thin[0] if len(thin) == 1 else None


@dataclass(frozen=True)
class VolumeSpec:
    """Specification of a volume, before there are voxels.

    Attributes
    ----------
    shape
        Voxels along (z, y, x).
    dtype
        Type of the voxels: a bool, integer or float type of fixed size.
    voxel_size
        Edge lengths of a voxel along (z, y, x) [um].
    origin
        Absolute voxel index of the first voxel; a crop keeps its position in the scan.
    attributes
        JSON that is stored with the volume: kind, thresholds, source.
    chunks
        Shape of a storage chunk; None takes 128 voxels along an axis, or the volume's own extent
        where that is less.
    pyramid
        Rule by which coarser levels are made, "mean" or "max"; None stores full resolution alone.
    """

    shape: Shape
    dtype: np.dtype[Any]
    voxel_size: VoxelSize
    origin: Index = (0, 0, 0)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    chunks: Shape | None = None
    pyramid: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", np.dtype(self.dtype))
        object.__setattr__(self, "shape", _three(self.shape, "shape", int))
        object.__setattr__(self, "voxel_size", _three(self.voxel_size, "voxel size", float))
        object.__setattr__(self, "origin", _three(self.origin, "origin", int))
        if min(self.shape) < 1:
            raise ValueError(f"shape must be positive, got {self.shape}")
        if not all(SMALLEST <= edge <= 1 / SMALLEST for edge in self.voxel_size):
            raise ValueError(
                f"voxel size must be positive, from {SMALLEST:g} to {1 / SMALLEST:g} um, "
                f"got {self.voxel_size}"
            )
        if self.dtype.kind not in "buif" or self.dtype.name in UNSUPPORTED:
            raise TypeError(
                f"dtype must be bool, integer, float16, float32 or float64, got {self.dtype}; "
                "ingest it with `dtype` float32"
            )
        chunks = self.chunks or (CHUNK, CHUNK, CHUNK)
        clipped = tuple(min(c, n) for c, n in zip(chunks, self.shape, strict=True))
        object.__setattr__(self, "chunks", clipped)

    @property
    def nbytes(self) -> int:
        """Size of the voxels in memory [bytes]."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    @property
    def chunk_shape(self) -> Shape:
        """`chunks`, which are never None once the spec is made."""
        assert self.chunks is not None
        return self.chunks

    @property
    def levels(self) -> int:
        """Levels of the pyramid: halved until a level fits `COARSEST` voxels an axis."""
        levels = 1
        while self.pyramid is not None and max(self.shape) > COARSEST << (levels - 1):
            levels += 1
        return levels

    def at_level(self, level: int) -> VolumeSpec:
        """The spec of one level: halved `level` times, rounded up."""
        z, y, x = (-(-n // 2**level) for n in self.shape)
        dz, dy, dx = (edge * 2**level for edge in self.voxel_size)
        return self.but(shape=(z, y, x), voxel_size=(dz, dy, dx))

    def but(self, **changes: Any) -> VolumeSpec:
        """This spec with some fields replaced."""
        return replace(self, **changes)


def _three(value: Any, name: str, kind: type) -> Any:
    numbers = tuple(kind(number) for number in value)
    if len(numbers) != 3:
        raise ValueError(f"{name} must have three entries (z, y, x), got {value!r}")
    return numbers


@dataclass(frozen=True)
class Volume(ReadByBox):
    """A finished volume on disk. Pickles as its path and spec; reads open it where they run.

    Calling a volume reads it: `volume(origin, shape)`, the signature of every sampler.
    """

    path: Path
    spec: VolumeSpec
    digest: str
    level: int = 0

    @classmethod
    def open(cls, path: str | Path, *, level: int = 0) -> Volume:
        """Open a finished volume of poroscale; what others wrote is ingested first.

        Parameters
        ----------
        path
            Folder of the volume.
        level
            Level of its pyramid; 0 is full resolution.

        Raises
        ------
        FileNotFoundError
            If there is nothing at `path`.
        ValueError
            If the volume is unfinished, or poroscale did not write it.
        OSError
            If its manifest or metadata is damaged.
        """
        path = Path(path)
        if not isinstance(level, int):
            raise TypeError(f"level must be a whole number from 0 on, got {level!r}")
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist")
        if not (path / JOURNAL_DIR).exists():
            raise ValueError(
                f"{path} was not written by poroscale, or lost its manifest; ingest it"
            )
        try:
            manifest = Manifest.load(path)
        except FileNotFoundError:
            raise ValueError(
                f"{path} is unfinished; run the command that makes it again to finish it"
            ) from None
        if "zarr.json" not in manifest.files:
            raise ValueError(f"{path} holds a result, not a volume")
        return cls(path, _spec_of(path, manifest, level), manifest.digest, level)

    def __repr__(self) -> str:
        """Path, shape and voxel size on one line; the attributes may fill pages."""
        shape = " x ".join(map(str, self.shape))
        edges = " x ".join(f"{edge:g}" for edge in self.voxel_size)
        level = f", level={self.level}" if self.level else ""
        kind = self.attributes.get("kind", "volume")
        return f"<Volume {str(self.path)!r}{level}: {kind}, {shape} {self.dtype}, {edges} um>"

    @property
    def shape(self) -> Shape:
        """Voxels along (z, y, x)."""
        return self.spec.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels."""
        return self.spec.dtype

    @property
    def voxel_size(self) -> VoxelSize:
        """Voxel edges along (z, y, x) [um]."""
        return self.spec.voxel_size

    @property
    def origin(self) -> Index:
        """Absolute index of the first voxel."""
        return self.spec.origin

    @property
    def attributes(self) -> Mapping[str, Any]:
        """JSON that travels with the voxels."""
        return self.spec.attributes

    @property
    def chunks(self) -> Shape:
        """Shape of a storage chunk."""
        return self.spec.chunk_shape

    @property
    def array(self) -> zarr.Array[Any]:
        """The Zarr array, read-only and verified."""
        return _open_array(self.path, self.level, self.digest)

    @property
    def levels(self) -> int:
        """Levels of its pyramid, full resolution included."""
        return self.level + self.spec.levels

    def at_level(self, level: int) -> Volume:
        """Another level of its pyramid; 0 is full resolution.

        Raises
        ------
        ValueError
            If there is no such level.
        OSError
            If the volume was replaced since it was opened.
        """
        found = Volume.open(self.path, level=level)
        if found.digest != self.digest:
            raise OSError(f"{self.path} was replaced while it was in use")
        return found

    def read(self, origin: Index | None = None, shape: Shape | None = None) -> NDArray[Any]:
        """Voxels of the box of `shape` at `origin`, both in this volume's own index.

        Raises
        ------
        IndexError
            If the box leaves the volume.
        OSError
            If a chunk is missing or is not what was written; the file is named.
        """
        origin = origin if origin is not None else (0, 0, 0)
        rest = tuple(n - o for n, o in zip(self.shape, origin, strict=True))
        out = np.empty(tuple(max(0, n) for n in shape or rest), self.dtype)
        self.read_into(out, origin)
        return out

    __call__ = read

    def read_into(self, out: NDArray[Any], origin: Index) -> None:
        """Fill the array `out`, of this volume's dtype, with the box of its shape at `origin`.

        Raises
        ------
        IndexError, OSError
            As `read`.
        """
        stop = tuple(o + n for o, n in zip(origin, out.shape, strict=True))
        if min(origin) < 0 or any(b > n for b, n in zip(stop, self.shape, strict=True)):
            raise IndexError(f"box {origin} to {stop} leaves {self.path} of shape {self.shape}")
        manifest = _manifest(self.path, self.digest)
        ChunkFiles(self.path, self.level, self.shape, self.chunks, self.dtype, manifest).read(
            origin, out
        )

    def to_dask(self, *, level: int | None = None) -> dask.array.Array:
        """The voxels (z, y, x) as a lazy dask array, one chunk for each chunk on disk.

        Parameters
        ----------
        level
            Level of the pyramid; None is the level of this volume.
        """
        volume = self if level is None else self.at_level(level)
        name = f"{volume.path.name}-{volume.digest}-{volume.level}"
        return dask_array(volume, chunks=volume.chunks, name=name)

    def to_xarray(self, *, level: int | None = None) -> xarray.DataArray:
        """The voxels as a lazy, labelled, dask-backed array; coordinates are voxel centres [um].

        Parameters
        ----------
        level
            Level of the pyramid; None is the level of this volume.
        """
        volume = self if level is None else self.at_level(level)
        return labelled(
            volume.to_dask(),
            voxel_size=volume.voxel_size,
            origin=volume.origin,
            name=volume.path.stem,
            attributes=volume.attributes,
        )


@lru_cache(maxsize=32)
def _open_array(path: Path, level: int, digest: str) -> zarr.Array[Any]:
    import zarr

    from poroscale.storage.verified_store import VerifiedStore

    store = VerifiedStore(path, manifest=_manifest(path, digest))
    return zarr.open_array(store, path=str(level), mode="r")


@lru_cache(maxsize=32)
def _manifest(path: Path, digest: str) -> Manifest:
    """The manifest of the volume at `path`, looked up once; later reads compare files with it."""
    manifest = Manifest.load(path)
    if manifest.digest != digest:
        raise OSError(f"{path} was replaced while it was in use")
    return manifest


def _spec_of(path: Path, manifest: Manifest, level: int) -> VolumeSpec:
    """The spec that `engine.metadata` and the array of one level record."""
    attributes: dict[str, Any] = _metadata(path, manifest, "zarr.json")["attributes"]
    datasets = attributes["ome"]["multiscales"][0]["datasets"]
    if not 0 <= level < len(datasets):
        count = f"{len(datasets)} level{'s' * (len(datasets) > 1)}"
        raise ValueError(f"{path} has {count}, counted from 0, got level {level}")
    array = _metadata(path, manifest, f"{level}/zarr.json")
    own = attributes["poroscale"]
    return VolumeSpec(
        shape=array["shape"],
        dtype=np.dtype(array["data_type"]),
        voxel_size=tuple(datasets[level]["coordinateTransformations"][0]["scale"]),
        origin=tuple(o // 2**level for o in own["origin"]),
        attributes=own["attributes"],
        chunks=tuple(array["chunk_grid"]["configuration"]["chunk_shape"]),
        pyramid=own["pyramid"],
    )


def _metadata(path: Path, manifest: Manifest, key: str) -> dict[str, Any]:
    """Content of one `zarr.json` of a volume."""
    try:
        data = (path / key).read_bytes()
    except FileNotFoundError:
        raise OSError(f"{path / key} is missing") from None
    check(path / key, data, manifest.files[key])
    body: dict[str, Any] = json.loads(data)
    return body
