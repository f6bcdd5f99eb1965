"""Several scans side by side: one table with a row per scan, all pores in one file, one page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poroscale.report.pages.page import store
from poroscale.storage.parquet_files import parquet_file, parquet_writer, write_parquet

if TYPE_CHECKING:
    import pyarrow as pa

    from poroscale.report.pages.panels import Panel

COLUMNS = {  # column of the table: where `report.json` has it
    "pore_count": "numbers",
    "porosity": "numbers",
    "porosity_low": "numbers",
    "porosity_high": "numbers",
    "closed_porosity": "numbers",
    "number_density_per_mm3": "numbers",
    "part_volume_um3": "numbers",
    "pore_volume_um3": "numbers",
    "median_diameter_um": "numbers",
    "mean_diameter_um": "numbers",
    "std_diameter_um": "numbers",
    "volume_weighted_mean_diameter_um": "numbers",
    "max_diameter_um": "numbers",
    "max_sqrt_area_um": "numbers",
    "median_sphericity": "numbers",
    "median_anisotropy": "numbers",
    "open_count": "numbers",
    "touches_edge_count": "numbers",
    "unresolved_share": "numbers",
    "median_diameter_voxels": "numbers",
    "outer_threshold": "segmentation",
    "inner_threshold": "segmentation",
    "score_threshold": "segmentation",
}
WHOLE = {"pore_count", "open_count", "touches_edge_count"}


def write_batch(out_dir: Path, reports: Sequence[Path]) -> Path:
    """Write `batch.parquet`, `batch.csv` and `index.html` into `out_dir`; return the page's path.

    `batch.parquet` and `batch.csv` have one row per scan, in the order of `reports`; where the
    folders hold `pores.parquet`, `batch_pores.parquet` has every pore with its scan's name.

    Parameters
    ----------
    out_dir : Path
        Folder of the batch. Folders of `reports` inside it are linked from the page.
    reports : sequence of Path
        Folders that `write_report` filled; their names name the scans.

    Raises
    ------
    FileNotFoundError
        If a folder has no `report.json`.
    ValueError
        If there is no report, two have the same name, or one cannot be read.
    """
    out_dir, folders = Path(out_dir), [Path(folder) for folder in reports]
    scans = _read_reports(folders)
    table = _scan_table(scans)
    _store_table(table, out_dir)
    _store_pores(folders, out_dir)
    page = _render(scans, _links(folders, out_dir))
    return store(out_dir / "index.html", page.encode())


def _read_reports(folders: Sequence[Path]) -> dict[str, dict[str, Any]]:
    if not folders:
        raise ValueError("a batch must have at least one report, got none")
    scans: dict[str, dict[str, Any]] = {}
    for folder in folders:
        path = folder / "report.json"
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist; write the scan's report first")
        if folder.name in scans:
            raise ValueError(f"scans of a batch must have different names, got {folder.name} twice")
        try:
            facts = json.loads(path.read_text("utf-8"))
            scans[folder.name] = {"numbers": facts["numbers"], **facts}
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} must be a report of poroscale: {error}") from None
    return scans


def _scan_table(scans: Mapping[str, Mapping[str, Any]]) -> pa.Table:
    """One row per scan; voxel size of cubic voxels as one number per axis."""
    import pyarrow as pa

    names = pa.array(list(scans), pa.string())
    columns: dict[str, Any] = {"scan": names}
    for axis, letter in enumerate("zyx"):
        sizes = [(facts.get("volume") or {}).get("voxel_size_um") for facts in scans.values()]
        values = [None if size is None else size[axis] for size in sizes]
        columns[f"voxel_size_{letter}_um"] = pa.array(values, pa.float64())
    for name, part in COLUMNS.items():
        values = [facts[part].get(name) for facts in scans.values()]
        columns[name] = pa.array(values, pa.int64() if name in WHOLE else pa.float64())
    return pa.table(columns)


def _store_table(table: pa.Table, out_dir: Path) -> None:
    import pyarrow as pa
    from pyarrow import csv

    write_parquet(table, out_dir / "batch.parquet", compression="snappy")
    sink = pa.BufferOutputStream()
    csv.write_csv(table, sink)
    store(out_dir / "batch.csv", sink.getvalue().to_pybytes())


def _store_pores(folders: Sequence[Path], out_dir: Path) -> None:
    """Copy every pore, row group by row group, so that memory does not grow with the batch."""
    import pyarrow as pa

    tables = [folder / "pores.parquet" for folder in folders]
    if not all(path.is_file() for path in tables):
        return
    schemas = [_schema(path) for path in tables]
    schema = schemas[0]
    for path, other in zip(tables, schemas, strict=True):
        if other.names != schema.names:
            raise ValueError(f"{path} must have the columns of {tables[0]}")
    target = pa.schema([pa.field("scan", pa.string()), *schema], schema.metadata)
    with parquet_writer(out_dir / "batch_pores.parquet", target, compression="snappy") as writer:
        for folder, path in zip(folders, tables, strict=True):
            with parquet_file(path) as file:
                for rows in file.iter_batches(65536):
                    name = pa.array([folder.name] * rows.num_rows, pa.string())
                    whole = pa.Table.from_arrays([name, *rows.columns], ["scan", *schema.names])
                    writer.write_table(whole.cast(target))


def _schema(path: Path) -> pa.Schema:
    with parquet_file(path, checked=False) as file:
        return file.schema_arrow


def _links(folders: Sequence[Path], out_dir: Path) -> dict[str, str]:
    """Relative links to the reports that lie inside `out_dir`."""
    from urllib.parse import quote

    root = out_dir.resolve()
    return {
        folder.name: quote((folder.resolve() / "report.html").relative_to(root).as_posix())
        for folder in folders
        if folder.resolve().is_relative_to(root)
    }


def _render(scans: Mapping[str, Mapping[str, Any]], links: Mapping[str, str]) -> str:
    from poroscale.report.pages.template import render
    from poroscale.version import __version__

    return render(
        "batch.html",
        scans=scans,
        links=links,
        panels=_panels(scans),
        version=__version__,
        combined=_combined(scans),
    )


def _combined(scans: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    numbers = [facts["numbers"] for facts in scans.values()]
    porosity = [n["porosity"] for n in numbers if n.get("porosity") is not None]
    roots = [n["max_sqrt_area_um"] for n in numbers if n.get("max_sqrt_area_um") is not None]
    return {
        "scans": len(numbers),
        "pores": sum(n["pore_count"] for n in numbers),
        "porosity": (min(porosity), max(porosity)) if porosity else None,
        "max_sqrt_area_um": max(roots) if roots else None,
    }


def _panels(scans: Mapping[str, Mapping[str, Any]]) -> list[Panel]:
    from poroscale.report.figures import comparison
    from poroscale.report.pages.panels import Panel
    from poroscale.report.style import house_style, svg_of

    drawings = (
        (
            "porosity",
            comparison.porosities,
            "Porosity of each scan. The bar spans what thresholds a few per cent up and down give.",
        ),
        (
            "diameters",
            comparison.diameters,
            "Equivalent diameter of the pores: median (line), middle half (box) and middle nine "
            "tenths (whiskers); the cross is the largest pore.",
        ),
        (
            "roots",
            comparison.largest_roots,
            "Largest √area projected along the build direction, the measure of Murakami.",
        ),
        (
            "densities",
            comparison.number_densities,
            "Number of pores per volume of the part.",
        ),
    )
    panels = []
    with house_style():
        for name, draw, caption in drawings:
            figure = draw(scans)
            if figure is not None:
                panels.append(Panel(name, caption, svg_of(figure, name)))
    return panels
