"""An array where a volume is expected: ingested first, block by block, beside the output.

The copy is an ordinary volume, `OUT.input.zarr` beside `OUT` or `OUT.zarr`. It stays, so that the
same call goes on where it was ended, and later calls find it; it may be removed once the output is
finished.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from poroscale.engine import Run
from poroscale.io.ingest import ingest_array
from poroscale.io.ingest_config import IngestConfig
from poroscale.io.read.keyed import Keyed, keyed_array, refuse_others
from poroscale.volume import Volume, VoxelSize


def as_volume(
    thing: Any,
    *,
    beside: str | Path,
    voxel_size: float | VoxelSize | None = None,
    name: str | None = None,
    role: str = "input",
    run: Run | None = None,
) -> Volume:
    """The volume that a path, a volume or an array stands for; an array is ingested first.

    Parameters
    ----------
    thing
        A `Volume`; the path of one; a numpy array, dask array or `zarr.Array` with the axes
        (z, y, x); an `xarray.DataArray` with dimensions of these names in any order. Bool, integers
        or floats (float32, float64) without NaN; bool becomes uint8.
    beside
        Output of the verb. The array is ingested as `OUT.ROLE.zarr` beside it.
    voxel_size
        Edge of a voxel, or edges along (z, y, x) [um]; None takes it from the coordinates of a
        `DataArray`, or from the metadata of a `zarr.Array` in a folder.
    name
        Name of the array. The caller warrants that an array of this name is always the
        same. None knows a dask array by its own name, which is a token of its graph, and reads any
        other array once to know it by its content.
    role
        Role of the array in a verb that takes several.
    run
        Run settings. The array is read by threads of this process; a dask array is computed by the
        Dask client, if there is one, and its voxels pass through this process block by block.

    Returns
    -------
    Volume
        In it voxels lie as in the array, but that the axes are (z, y, x) and coordinates rise.

    Raises
    ------
    FileNotFoundError
        If there is nothing at a path.
    ValueError
        If the voxel size is not known, the array is not one volume or holds NaN, or another array
        was ingested to the same place.
    TypeError
        If `thing` is none of these, or of a type that is not read.
    MemoryError
        If the budget cannot hold one block and the chunks that it is computed from.
    """
    if isinstance(thing, Volume | str | Path):
        if voxel_size is not None:
            raise ValueError("voxel_size must be left out for a volume, which has its own")
        return thing if isinstance(thing, Volume) else Volume.open(thing)
    refuse_others(thing)
    array = keyed_array(thing, name=name, role=role, voxel_size=voxel_size)
    out, run = _place(Path(beside), role), run or Run()
    run = run.but(overwrite=_is_of_another(out, array, run))
    return ingest_array(array, out, config=IngestConfig(voxel_size=voxel_size), run=run)


def _place(beside: Path, role: str) -> Path:
    return beside.with_name(f"{beside.name.removesuffix('.zarr')}.{role}.zarr")


def _is_of_another(out: Path, source: Keyed, run: Run) -> bool:
    """True if something else was ingested to `out`, and may be replaced.

    Raises
    ------
    ValueError
        If it may not.
    """
    try:
        there = Volume.open(out)
    except (OSError, ValueError):  # nothing, unfinished, or no volume: the job on it decides
        return run.overwrite
    if there.attributes.get("source", {}).get("key") == source.key:
        same = (there.voxel_size, there.origin) == (source.voxel_size, source.origin)
        return run.overwrite and not same
    if not run.overwrite:
        raise ValueError(
            f"{out} was made of another array than {source.name}; remove it, choose another "
            "output, or replace both with overwrite"
        )
    return True
