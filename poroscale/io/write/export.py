"""A volume or a table in a format that other programs open: `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from poroscale.config import Config
from poroscale.engine import Run
from poroscale.engine.byte_words import bytes_in_words
from poroscale.engine.jobs.job import free_space
from poroscale.io.ingest import refuse_overlap
from poroscale.io.opening import open_source
from poroscale.io.read.cast import Cast
from poroscale.io.read.source import Source
from poroscale.io.write.staging import staged
from poroscale.io.zarr_stores.stored import StoredSource
from poroscale.volume import Volume

Format = Literal[
    "tiff", "bigtiff", "tiff-stack", "overlay", "raw", "vtkhdf", "npy", "csv", "parquet", "xlsx"
]
TABLES = ("csv", "parquet", "xlsx")

_BY_SUFFIX: dict[str, Format] = {
    ".tif": "tiff",
    ".tiff": "tiff",
    ".mhd": "raw",
    ".raw": "raw",
    ".vtkhdf": "vtkhdf",
    ".hdf": "vtkhdf",
    ".npy": "npy",
    ".csv": "csv",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
    "": "tiff-stack",
}


class ExportConfig(Config):
    """What is written.

    Attributes
    ----------
    format
        ``tiff`` (ImageJ's, or BigTIFF where that cannot hold it), ``bigtiff``, ``tiff-stack`` (a
        folder with one file for each slice), ``overlay`` (RGB TIFF of the scan with its pores),
        ``raw`` (with .mhd), ``vtkhdf`` (ParaView), ``npy``; of a table ``csv``, ``parquet`` or
        ``xlsx``. None goes by the suffix of the output; no suffix is a ``tiff-stack``. MetaImage,
        TIFF's readers and VTK have no half float: float16 becomes float32 for all but ``npy``.
    labels
        For ``overlay``: the volume of labels.
    table, columns
        For ``vtkhdf`` of a volume of labels: the pore table of these labels, and which of its
        columns every voxel of a pore is given, for ParaView to colour by.
    window, opacity
        For ``overlay``: grey values shown as black and white, and how strong the colours are.
    """

    format: Format | None = None
    labels: str | None = None
    table: str | None = None
    columns: tuple[str, ...] = ("equivalent_diameter_um",)
    window: tuple[float, float] | None = None
    opacity: float = 0.6


def export(
    src: str | Path | Volume,
    dst: str | Path,
    *,
    config: ExportConfig | None = None,
    run: Run | None = None,
) -> Path:
    """Write the volume or table `src` to `dst` in another program's format.

    Voxels go through in boxes that fit the budget. `dst` appears when it is whole.

    Parameters
    ----------
    src
        A volume, or anything that `open_source` opens; a Parquet table for the formats of tables.
    dst
        File or folder that is made.
    config
        Which format, and its settings.
    run
        Memory, overwriting and progress; the rest does not apply.

    Returns
    -------
    Path
        What to open: `dst`, or the .mhd header of a RAW file.

    Raises
    ------
    FileExistsError
        If `dst` exists and is not to be overwritten.
    ValueError
        If the format is not known, or the input does not suit it.
    OSError
        If the disk cannot hold the output.
    """
    config, run, dst = config or ExportConfig(), run or Run(), Path(dst)
    name = _format(config, dst)
    refuse_overlap(src.path if isinstance(src, Volume) else src, dst)
    if name in TABLES:
        return _export_table(src, dst, name, run)
    source = _opened(src, name)
    _require_space(source, dst, channels=3 if name == "overlay" else 1)
    if name == "raw":
        from poroscale.io.write.raw import write_raw

        named = dst.suffix.lower() in {".mhd", ".raw"}
        header = dst.with_suffix(".mhd") if named else dst.with_name(f"{dst.name}.mhd")
        write_raw(source, header, run)
        return header
    with staged(dst, overwrite=run.overwrite) as partial:
        _write(source, partial, name, config=config, run=run)
    return dst


def _opened(src: str | Path | Volume, name: Format) -> Source:
    if not isinstance(src, Volume) and Path(src).suffix.lower() == ".parquet":
        raise ValueError(
            f"{src} is a table: name an output with one of the suffixes .csv, .xlsx, .parquet"
        )
    source = StoredSource.from_volume(src) if isinstance(src, Volume) else open_source(src)
    if source.dtype == np.float16 and name != "npy":
        return Cast.of(source, np.dtype(np.float32))
    return source


def _format(config: ExportConfig, dst: Path) -> Format:
    name = config.format or _BY_SUFFIX.get(dst.suffix.lower())
    if name is None:
        raise ValueError(
            f"{dst.name}: the format must be said, or follow from a suffix among "
            f"{', '.join(sorted(filter(None, _BY_SUFFIX)))}"
        )
    if name == "tiff" and config.labels is not None:
        return "overlay"
    if (name == "overlay") != (config.labels is not None):
        raise ValueError("labels must be given for the format overlay, and for no other")
    if config.table is not None and name != "vtkhdf":
        raise ValueError("a table must be given for the format vtkhdf of labels, and for no other")
    return name


def _export_table(src: str | Path | Volume, dst: Path, name: str, run: Run) -> Path:
    from poroscale.io.write.table import write_csv, write_parquet, write_xlsx

    if isinstance(src, Volume) or Path(src).suffix.lower() != ".parquet":
        raise ValueError(f"{dst.name} is made from a Parquet table (.parquet), got {src}")
    if not Path(src).is_file():
        raise FileNotFoundError(f"{src} does not exist")
    with staged(dst, overwrite=run.overwrite) as partial:
        write = {"csv": write_csv, "parquet": write_parquet, "xlsx": write_xlsx}[name]
        write(Path(src), partial)
    return dst


def _write(source: Source, path: Path, name: Format, *, config: ExportConfig, run: Run) -> None:
    match name:
        case "tiff" | "bigtiff":
            from poroscale.io.write.tiff import write_tiff

            write_tiff(source, path, run, big=name == "bigtiff")
        case "tiff-stack":
            from poroscale.io.write.tiff import write_slices

            write_slices(source, path, run)
        case "overlay":
            from poroscale.io.write.overlay import write_overlay

            labels = open_source(config.labels or "")
            write_overlay(source, labels, path, run, window=config.window, opacity=config.opacity)
        case "vtkhdf":
            from poroscale.io.write.vtkhdf import pore_columns, write_vtkhdf

            table = None if config.table is None else pore_columns(config.table, config.columns)
            write_vtkhdf(source, path, run, table=table)
        case _:
            from poroscale.io.write.raw import write_npy

            write_npy(source, path, run)


def _require_space(source: Source, dst: Path, *, channels: int) -> None:
    z, y, x = source.shape
    needed = z * y * x * (channels if channels > 1 else source.dtype.itemsize)
    free = free_space(dst.absolute().parent)
    if needed > free:
        raise OSError(
            f"{dst} would take {bytes_in_words(needed)} and {bytes_in_words(free)} are free"
        )
