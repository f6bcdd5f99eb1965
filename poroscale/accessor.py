"""The accessor `da.poro`: a `DataArray` as a volume.

`import poroscale.accessor` registers it with xarray; so does the first `Volume.to_xarray()`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray

from poroscale.io.read.arrays import array_source
from poroscale.volume import Index, Volume, VoxelSize


@xarray.register_dataarray_accessor("poro")  # type: ignore[no-untyped-call]
class PoroAccessor:
    """A `DataArray` of voxels as the verbs of poroscale see it.

    The axes are the dimensions z, y and x, in any order. Coordinates with the attribute `units`
    give the voxel size and the place.

    Parameters
    ----------
    array
        The `DataArray`.
    """

    def __init__(self, array: xarray.DataArray) -> None:
        self._array = array

    @property
    def voxel_size(self) -> VoxelSize:
        """Edges of a voxel along (z, y, x) [um], from the coordinates.

        Raises
        ------
        ValueError
            If coordinates are missing, uneven or without a unit of length.
        """
        size = self._source().voxel_size
        assert size is not None
        return size

    @property
    def origin(self) -> Index:
        """Absolute index (z, y, x) of the first voxel, from the coordinates.

        Raises
        ------
        ValueError
            As `voxel_size`.
        """
        return self._source().origin

    def to_volume(self, out: str | Path, **settings: Any) -> Volume:
        """Ingest the array, block by block, into the volume `out`: `poroscale.ingest`."""
        volume: Volume = _verb("ingest")(self._array, out, **settings)
        return volume

    def segment(self, out: str | Path, **settings: Any) -> Any:
        """Separate outside, solid and pores of a scan: `poroscale.segment`."""
        return _verb("segment")(self._array, out, **settings)

    def pores(self, out_dir: str | Path, **settings: Any) -> Any:
        """Measure the pores of phases or of a mask: `poroscale.pores`."""
        return _verb("pores")(self._array, out_dir, **settings)

    def surface(self, out_dir: str | Path, **settings: Any) -> Any:
        """Measure the unrolled surface of the part in phases: `poroscale.surface`."""
        return _verb("surface")(self._array, out_dir, **settings)

    def stats(self, out_dir: str | Path | None = None, **settings: Any) -> Any:
        """Measure the statistics of phases: `poroscale.stats`."""
        return _verb("stats")(self._array, out_dir, **settings)

    def topology(self, out_dir: str | Path, **settings: Any) -> Any:
        """Count components, handles and cavities: `poroscale.topology`."""
        return _verb("topology")(self._array, out_dir, **settings)

    def export(self, dst: str | Path, **settings: Any) -> Any:
        """Write the array in another format: `poroscale.export`."""
        return _verb("export")(self._array, dst, **settings)

    def _source(self) -> Any:
        return array_source(self._array, name="the array")


def _verb(name: str) -> Any:
    """A public verb by its name, looked up when it is called."""
    import poroscale

    return getattr(poroscale, name)
