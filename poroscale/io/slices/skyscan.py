"""The `.log` that Bruker's SkyScan scanners leave beside their slices: it has the pixel size."""

from __future__ import annotations

import configparser
from pathlib import Path

from poroscale.io.read.lengths import voxel_size_um
from poroscale.volume import VoxelSize

_LARGEST = 1 << 20
_RECONSTRUCTED, _ACQUIRED = "pixel size (um)", "image pixel size (um)"


def logged_voxel_size(folder: Path, first: str) -> VoxelSize | None:
    """Voxel size in um that the log of the series of the slice `first` states, or None.

    The pixel size of the reconstruction counts before that of the acquisition. Several logs must
    agree.

    Raises
    ------
    ValueError
        If they do not, or a size is no positive number.
    """
    logs = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".log")
    named = [path for path in logs if first.startswith(path.stem)]
    found = {path: size for path in named or logs if (size := _pixel_size(path)) is not None}
    if len(set(found.values())) > 1:
        raise ValueError(
            f"{folder.name}: its logs state several pixel sizes "
            f"({', '.join(sorted(path.name for path in found))}): give one with `voxel_size`"
        )
    for path, text in found.items():
        try:
            value = float(text.replace(",", "."))
        except ValueError as error:
            raise ValueError(
                f"{path.name}: the pixel size must be a number, got {text!r}"
            ) from error
        return voxel_size_um([value] * 3, "um", path.name)
    return None


def _pixel_size(path: Path) -> str | None:
    if not path.is_file() or path.stat().st_size > _LARGEST:
        return None
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    try:
        parser.read_string(path.read_text(encoding="latin-1"))
    except configparser.Error:
        return None  # a log of something else
    sections = {name.lower(): dict(parser.items(name)) for name in parser.sections()}
    sizes = (
        sections.get("reconstruction", {}).get(_RECONSTRUCTED),
        sections.get("acquisition", {}).get(_ACQUIRED),
    )
    return next((size for size in sizes if size), None)
