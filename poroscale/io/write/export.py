"""A volume or a table in a format that other programs open: `export`."""

from __future__ import annotations

from math import prod
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np

from poroscale.config import Config
from poroscale.engine import JobPlan, Run
from poroscale.engine.byte_words import bytes_in_words
from poroscale.engine.jobs.job import free_space
from poroscale.io.ingest import refuse_overlap
from poroscale.io.opening import open_source
from poroscale.io.read.cast import Cast
from poroscale.io.read.source import Source
from poroscale.io.write.boxes import COPIES, plan_boxes
from poroscale.io.write.staging import staged
from poroscale.io.zarr_stores.stored import StoredSource
from poroscale.verb import Section, verb
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
    """Settings of `export`.

    Attributes
    ----------
    format
        ``tiff`` (ImageJ's, or BigTIFF where that cannot hold it), ``bigtiff``, ``tiff-stack`` (a
        folder with one file for each slice), ``overlay`` (RGB TIFF of the scan with its pores),
        ``raw`` (with .mhd), ``vtkhdf`` (ParaView), ``npy``; of a table ``csv``, ``parquet`` or
        ``xlsx``. None decides by the suffix of the output; no suffix is a ``tiff-stack``. All but
        ``npy`` write float16 as float32, because MetaImage, TIFF's readers and VTK have no half
        float.
    labels
        Volume of labels that ``overlay`` draws in colour over the scan.
    table
        Pore table of the labels, for ``vtkhdf`` of a volume of labels.
    columns
        Columns of `table` that every voxel of a pore is given, for ParaView to colour by.
    window
        Grey values that ``overlay`` shows as black and white; None takes those of the scan.
    opacity
        Strength of the colours of ``overlay``, from 0 to 1.
    """

    format: Format | None = None
    labels: str | None = None
    table: str | None = None
    columns: tuple[str, ...] = ("equivalent_diameter_um",)
    window: tuple[float, float] | None = None
    opacity: float = 0.6


@verb("export", Section.of("export", ExportConfig), plan="plan_export")
def export(
    src: str | Path | Volume,
    dst: str | Path,
    *,
    config: ExportConfig | None = None,
    run: Run | None = None,
) -> Path:
    """Write a volume or a table in the format of another program.

    Voxels go through in boxes that fit the budget. `dst` appears when it is whole.

    Parameters
    ----------
    src
        A volume, or anything that `open_source` opens; a Parquet table for the formats of tables.
    dst
        File or folder that is made.
    config
        Format, and its settings.
    run
        Memory, overwriting and progress; the rest does not apply.

    Returns
    -------
    Path
        File or folder to open: `dst`, or the .mhd header of a RAW file.

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
    _require_place(src)
    name = _format(config, dst)
    refuse_overlap(src.path if isinstance(src, Volume) else src, dst)
    if name in TABLES:
        return _export_table(src, dst, name, run)
    source = _exported_source(src, name)
    _require_space(_stored_bytes(source, name, config), dst)
    if name == "raw":
        return _export_raw(source, dst, run)
    with staged(dst, overwrite=run.overwrite) as partial:
        _write(source, partial, name, config=config, run=run)
    return dst


def _export_raw(source: Source, dst: Path, run: Run) -> Path:
    from poroscale.io.write.raw import write_raw

    named = dst.suffix.lower() in {".mhd", ".raw"}
    header = dst.with_suffix(".mhd") if named else dst.with_name(f"{dst.name}.mhd")
    write_raw(source, header, run)
    return header


def plan_export(
    src: str | Path | Volume,
    dst: str | Path,
    *,
    config: ExportConfig | None = None,
    run: Run | None = None,
) -> JobPlan:
    """The plan of `export`; a table goes through in batches of its own, and takes no blocks.

    Raises
    ------
    ValueError
        If the format is not known, or the input does not suit it.
    MemoryError
        If the budget cannot hold what the input decodes at a time.
    """
    config, run = config or ExportConfig(), run or Run()
    _require_place(src)
    name = _format(config, Path(dst))
    if name in TABLES:
        return JobPlan(notes={"table": "batch by batch"})
    source = _exported_source(src, name)
    disk = _stored_bytes(source, name, config)
    return JobPlan({"export": plan_boxes(source, run, _copies(source, name, config), disk=disk)})


def _copies(source: Source, name: Format, config: ExportConfig) -> float:
    """How many times a box is in memory at once."""
    if name == "overlay":
        from poroscale.io.write.overlay import overlay_copies

        return overlay_copies(source)
    return COPIES if config.table is None else COPIES + len(config.columns)


def _stored_bytes(source: Source, name: Format, config: ExportConfig) -> int:
    """What the voxels take on the disk, packed or not."""
    cell = 3 if name == "overlay" else source.dtype.itemsize
    columns = 0 if config.table is None else 4 * len(config.columns)
    return prod(source.shape) * (cell + columns)


def _exported_source(src: str | Path | Volume, name: Format) -> Source:
    if not isinstance(src, Volume) and Path(src).suffix.lower() == ".parquet":
        raise ValueError(
            f"{src} is a table: name an output with one of the suffixes .csv, .xlsx, .parquet"
        )
    source = StoredSource.from_volume(src) if isinstance(src, Volume) else open_source(src)
    if source.dtype == np.float16 and name != "npy":
        return Cast.of(source, np.dtype(np.float32))
    return source


def _require_place(src: Any) -> None:
    if not isinstance(src, str | PathLike | Volume):
        raise TypeError(
            f"`src` must be a path or a Volume, got {type(src).__name__}; ingest an array first"
        )


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
    from poroscale.io.write.table import copy_parquet, write_csv, write_xlsx

    if isinstance(src, Volume) or Path(src).suffix.lower() != ".parquet":
        raise ValueError(f"{dst.name} is made from a Parquet table (.parquet), got {src}")
    if not Path(src).is_file():
        raise FileNotFoundError(f"{src} does not exist")
    with staged(dst, overwrite=run.overwrite) as partial:
        write = {"csv": write_csv, "parquet": copy_parquet, "xlsx": write_xlsx}[name]
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


def _require_space(needed: int, dst: Path) -> None:
    free = free_space(dst.absolute().parent)
    if needed > free:
        raise OSError(
            f"{dst} would take {bytes_in_words(needed)} and {bytes_in_words(free)} are free"
        )
