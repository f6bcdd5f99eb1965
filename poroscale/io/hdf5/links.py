"""Location of the voxels of an HDF5 dataset: the file and path at the end of its links.

A link may lead to another file, a virtual dataset is composed of others, and a dataset may keep
its bytes in a file beside it. HDF5 follows all of these to anywhere, and reads what is missing as
the fill value. Here a file is followed only within the folder of the file that was given.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import h5py

_DEEPEST = 16


def follow(path: Path, dataset: str) -> tuple[Path, str]:
    """File and absolute path of the object that `dataset` of the file `path` names.

    Raises
    ------
    ValueError
        If a link ends nowhere, or outside the folder of `path`.
    """
    file, inside = path, dataset
    for _ in range(_DEEPEST):
        step = _next(file, inside, path)
        if step is None:
            return file, "/" + inside.strip("/")
        file, inside = step
    raise ValueError(f"{path.name}::{dataset}: its links go round in a circle")


def _next(path: Path, dataset: str, given: Path) -> tuple[Path, str] | None:
    """Target of the first link on the way to `dataset`; None if there is no link."""
    import h5py

    parts = [part for part in dataset.split("/") if part not in {"", "."}]
    with h5py.File(path, "r") as file:
        group: h5py.Group = file
        for number, part in enumerate(parts):
            link = group.get(part, getlink=True) if isinstance(group, h5py.Group) else None
            rest = parts[number + 1 :]
            if isinstance(link, h5py.ExternalLink):
                target = linked_file(path, link.filename, given, f"{path.name}::{dataset}")
                return target, "/".join([link.path, *rest])
            if isinstance(link, h5py.SoftLink):
                start = [] if link.path.startswith("/") else parts[:number]
                return path, "/".join([*start, link.path, *rest])
            if link is None:
                return None
            group = group[part]
    return None


def linked_file(path: Path, name: str, given: Path, said_by: str) -> Path:
    """The file `name` that the file `path` points to.

    Parameters
    ----------
    given
        The file that the user named; nothing outside its folder is read.
    said_by
        Name in error messages of what points there.

    Raises
    ------
    ValueError
        If it does not exist, or lies outside the folder of `given`.
    """
    folder = given.parent.resolve()
    target = path if name == "." else path.parent / name
    if not target.resolve().is_relative_to(folder):
        raise ValueError(
            f"{said_by}: its voxels lie in {name}, outside the folder of {given.name}; copy that "
            "file into the folder and mend the link, or ingest that file itself"
        )
    if not target.is_file():
        raise ValueError(f"{said_by}: its voxels lie in {name}, which does not exist")
    return target


def refuse_holes(found: h5py.Dataset, given: Path) -> None:
    """Refuse a dataset of which a part was never written, or lies where it cannot be read.

    Raises
    ------
    ValueError
        Naming the dataset and what is missing: a file, a dataset in it, chunks.
    """
    _refuse_holes(found, Path(found.file.filename), given, depth=0)


def _refuse_holes(found: h5py.Dataset, path: Path, given: Path, depth: int) -> None:
    name = f"{path.name}::{found.name}"
    if found.external:
        raise ValueError(
            f"{name}: its voxels lie outside the HDF5 file, in {found.external[0][0]}; "
            "store them in it first, for example with h5repack"
        )
    if found.is_virtual:
        _refuse_lost_sources(found, path, given, depth)
    elif found.chunks is not None:
        _refuse_lost_chunks(found, name)
    elif found.size and not found.id.get_storage_size():
        raise ValueError(f"{name}: it was never written and would read as {found.fillvalue}")


def _refuse_lost_chunks(found: h5py.Dataset, name: str) -> None:
    expected = 1
    for size, chunk in zip(found.shape, found.chunks, strict=True):
        expected *= -(-size // chunk)
    written = found.id.get_num_chunks()
    if written < expected:
        raise ValueError(
            f"{name}: {expected - written} of its {expected} chunks were never written and would "
            f"read as {found.fillvalue}; write the file again in full, or a smaller dataset"
        )


def _refuse_lost_sources(found: h5py.Dataset, path: Path, given: Path, depth: int) -> None:
    name = f"{path.name}::{found.name}"
    covered = 0
    for source in found.virtual_sources():
        if "%" in source.file_name or "%" in source.dset_name:
            raise ValueError(f"{name}: a virtual dataset with a pattern of files cannot be checked")
        target = linked_file(path, source.file_name, given, name)
        _refuse_lost_source(found, source, (path, target, given), depth)
        covered += source.vspace.get_select_npoints()
    if covered < found.size:
        raise ValueError(
            f"{name}: its sources cover {covered} of its {found.size} voxels, the others were "
            f"never written and would read as {found.fillvalue}"
        )


def _refuse_lost_source(
    found: h5py.Dataset, source: h5py.h5d.VDSmap, paths: tuple[Path, Path, Path], depth: int
) -> None:
    import h5py

    path, target, given = paths
    name = f"{path.name}::{found.name}"
    if depth >= _DEEPEST:
        raise ValueError(f"{name}: its sources go round in a circle")
    where = f"{source.file_name}::{source.dset_name}"
    with h5py.File(target, "r") as file:
        there = file.get(source.dset_name)
        if not isinstance(there, h5py.Dataset):
            raise ValueError(f"{name}: its source {where} does not exist")
        if Path(there.file.filename).resolve() != target.resolve():
            raise ValueError(f"{name}: its source {where} is a link to another file")
        if not _holds(there, source):
            raise ValueError(f"{name}: its source {where} is smaller than it says: {there.shape}")
        _refuse_holes(there, target, given, depth + 1)


def _holds(there: h5py.Dataset, source: h5py.h5d.VDSmap) -> bool:
    """True if the selection that a virtual dataset takes from `there` lies inside it."""
    import h5py

    if source.src_space.get_select_type() == h5py.h5s.SEL_ALL:  # it is stored without a shape
        return bool(there.size == source.vspace.get_select_npoints())
    _, high = source.src_space.get_select_bounds()
    inside = (last < size for last, size in zip(high, there.shape, strict=False))
    return len(high) == there.ndim and all(inside)


def refuse_projections(found: h5py.Dataset, name: str) -> None:
    """Refuse radiographs: a volume is what a reconstruction makes of them.

    Projections are known by an angle or a key for each image (NXtomo's `rotation_angle` and
    `image_key`, Data Exchange's `theta`).

    Raises
    ------
    ValueError
        Naming the dataset.
    """
    import h5py

    images = found.shape[0] if found.ndim >= 3 else 0
    places = [found.parent]
    entry = _entry_of(found)
    if entry is not None and (_is_detector(found) or _text_of(entry, "definition") == "NXtomo"):
        places += [group for group in _groups(entry) if _word(group, "NX_class") == "NXsample"]
    for group in places:
        for key in ("image_key", "rotation_angle", "theta", "image_key_control"):
            angles = group.get(key)
            if isinstance(angles, h5py.Dataset) and angles.shape == (images,) and images > 1:
                raise ValueError(
                    f"{name}: these are {images} projections ({key} has one entry for each), no "
                    "volume; reconstruct them first"
                )


def _is_detector(found: h5py.Dataset) -> bool:
    return _word(found.parent, "NX_class") == "NXdetector"


def _entry_of(found: h5py.Dataset) -> h5py.Group | None:
    group = found.parent
    while group.name != "/":
        if _word(group, "NX_class") == "NXentry":
            return group
        group = group.parent
    return None


def _groups(entry: h5py.Group) -> list[h5py.Group]:
    import h5py

    return [group for group in entry.values() if isinstance(group, h5py.Group)]


def _word(group: h5py.Group, key: str) -> str:
    said = group.attrs.get(key, "")
    return said.decode() if isinstance(said, bytes) else str(said)


def _text_of(group: h5py.Group, key: str) -> str:
    """Text of the scalar dataset `key`; empty if there is none."""
    import h5py

    said = group.get(key)
    if not isinstance(said, h5py.Dataset) or said.size != 1:
        return ""
    value = said[()]
    return value.decode() if isinstance(value, bytes) else str(value)
