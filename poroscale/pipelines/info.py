"""Content and origin of an output: in lines to read, and as plain values for JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from poroscale.manifest import Manifest
from poroscale.microstructure.model import MicrostructureModel
from poroscale.parts.model import SETTINGS, PartModel
from poroscale.pipelines.checks import MICROSTRUCTURE, NETWORK, kind_of, outputs_in
from poroscale.storage.parquet_files import parquet_file
from poroscale.verb import verb
from poroscale.volume import Volume

SHADES = " .:-=+*#%@"
CELLS = 24
"""Columns of the map of pores that is printed; half as many rows, as characters are tall."""
REPORT = "report.json"
SHOWN = 12
"""Settings that are listed at most; `--json` has all."""
LINE = 96
"""Characters of a line of settings."""


@verb("info")
def info(path: str | Path, *, as_json: bool = False) -> list[Any]:
    """Tell what an output holds and how it was made.

    Parameters
    ----------
    path
        A volume, a table, or a folder of them.
    as_json
        Give everything as plain values, one entry for each output.

    Returns
    -------
    list
        Lines to read, or the entries.

    Raises
    ------
    FileNotFoundError
        If there is nothing at `path`.
    ValueError
        If poroscale wrote nothing there.
    """
    path = Path(path)
    if as_json:
        return info_json(path)
    lines = list(_model_lines(path)) if (path / SETTINGS).exists() else []
    for output in outputs_in(path):
        lines += list(_lines(output, facts_of(output)))
    return lines


def info_json(path: str | Path) -> list[dict[str, Any]]:
    """The same as plain values, with every attribute; one entry for each output."""
    return [{"path": str(output), **facts_of(output)} for output in outputs_in(Path(path))]


def facts_of(path: Path) -> dict[str, Any]:
    """Description of one output.

    Its `kind` is "results", "table", "segmentation model", "unfinished", or that of the volume.

    Raises
    ------
    ValueError
        If a file is no Parquet table.
    """
    if path.is_file():
        return _table(path)
    if kind_of(path) == NETWORK:
        from poroscale.segmentation.network.model import SegmentationModel

        return {"kind": NETWORK, "says": list(SegmentationModel.open(path).describe())}
    try:
        manifest = Manifest.load(path)
        if manifest.is_results:
            return _results(path, manifest)
        volume = Volume.open(path)
    except FileNotFoundError:
        return {"kind": "unfinished"}
    return {
        "kind": volume.attributes.get("kind", "volume"),
        "shape": list(volume.shape),
        "dtype": str(volume.dtype),
        "voxel_size_um": list(volume.voxel_size),
        "origin": list(volume.origin),
        "levels": volume.spec.levels,
        "bytes": sum(size for size, _ in manifest.files.values()),
        "files": len(manifest.files),
        "empty_chunks": len(manifest.empty),
        "content": volume.digest,
        "attributes": dict(volume.attributes),
    }


def _results(path: Path, manifest: Manifest) -> dict[str, Any]:
    facts: dict[str, Any] = {"kind": "results", "holds": [*manifest.files, *manifest.result]}
    if REPORT in manifest.files:
        report = json.loads((path / REPORT).read_text("utf-8"))
        facts["report"] = {name: report.get(name) for name in ("numbers", "warnings", "kind")}
    return facts


def _table(path: Path) -> dict[str, Any]:
    if path.suffix != ".parquet":
        raise ValueError(f"{path} is neither a volume nor a Parquet table")
    with parquet_file(path) as table:
        rows, schema = table.metadata.num_rows, table.schema_arrow
    columns = []
    for column in schema:
        notes = column.metadata or {}
        said = {key: notes.get(key.encode(), b"").decode() for key in ("unit", "description")}
        columns.append({"name": column.name, "type": str(column.type), **said})
    return {"kind": "table", "rows": rows, "columns": columns}


def _lines(path: Path, facts: Mapping[str, Any]) -> Iterator[str]:
    match facts["kind"]:
        case "unfinished":
            yield f"{path} is unfinished, or was not written by poroscale"
        case "table":
            yield f"{path}: {facts['rows']} rows"
            for c in facts["columns"]:
                line = f"  {c['name']:<28} {c['type']:<8} {c['unit']:<8} {c['description']}"
                yield line.rstrip()
        case "segmentation model":
            yield f"{path}: {NETWORK}"
            yield from (f"  {line}" for line in facts["says"])
        case "results":
            yield f"{path}: results {', '.join(facts['holds'])}"
            yield from _report_lines(facts.get("report") or {})
        case _:
            yield from _volume_lines(path, facts)


def _report_lines(report: Mapping[str, Any]) -> Iterator[str]:
    numbers = report.get("numbers") or {}
    if numbers:
        yield f"  {_porosity(numbers)}, {numbers['pore_count']} pores"
        if numbers.get("median_diameter_um") is not None:
            yield (
                f"  equivalent diameter {numbers['median_diameter_um']:.4g} um in the median, "
                + (f"{numbers['max_diameter_um']:.4g} um at most")
            )
    yield from (f"  warning: {each}" for each in report.get("warnings") or ())


def _volume_lines(path: Path, facts: Mapping[str, Any]) -> Iterator[str]:
    z, y, x = facts["shape"]
    size, origin = facts["voxel_size_um"], facts["origin"]
    edge = f"{size[0]:g}" if min(size) == max(size) else " x ".join(f"{each:g}" for each in size)
    yield f"{path}: {facts['kind']}, {z} x {y} x {x} {facts['dtype']}"
    yield f"  voxels     {edge} um (z, y, x), first voxel at {' '.join(map(str, origin))}"
    s = "s" * (facts["levels"] > 1)
    yield (
        f"  on disk    {facts['bytes'] / 1e6:.1f} MB, {facts['files']} files, "
        f"{facts['empty_chunks']} chunks empty, {facts['levels']} level{s}"
    )
    yield f"  content    {facts['content']}"
    about = {k: v for k, v in facts["attributes"].items() if k not in ("made_by", "kind")}
    record = about.pop("segmentation", None)
    if isinstance(record, Mapping):
        yield from _segmentation_lines(record)
    yield from _settings_lines(about)


def _segmentation_lines(record: Mapping[str, Any]) -> Iterator[str]:
    """Porosity, what parted pore from solid, the outside, and every warning."""
    count = f", {record['pore_count']} pores" if "pore_count" in record else ""
    yield f"  found      {_porosity(record)}{count}, by method {record.get('method', 'otsu')}"
    levels = [
        f"{words} {record[name]:.5g}"
        for name, words in (
            ("air_level", "air"),
            ("void_level", "void"),
            ("solid_level", "solid"),
            ("outer_threshold", "outer threshold"),
            ("inner_threshold", "inner threshold"),
            ("score_threshold", "threshold of the score"),
        )
        if isinstance(record.get(name), int | float)
    ]
    if levels:
        yield f"  levels     {', '.join(levels)}"
    outside = record.get("outside")
    if isinstance(outside, Mapping) and "share" in outside:
        yield f"  outside    {100 * outside['share']:.1f} % of the volume ({outside['chosen']})"
    yield from (f"  warning: {each}" for each in record.get("warnings") or ())


def _porosity(record: Mapping[str, Any]) -> str:
    if record.get("porosity") is None:
        return "no porosity"
    text = f"porosity {100 * record['porosity']:.4g} %"
    low, high = record.get("porosity_low"), record.get("porosity_high")
    return (
        text if low is None or high is None else f"{text} ({100 * low:.4g} to {100 * high:.4g} %)"
    )


def _settings_lines(about: Mapping[str, Any]) -> Iterator[str]:
    """The first settings, some to a line, and how many there are besides."""
    flat = list(_flat(about, ""))
    line = ""
    for text in flat[:SHOWN]:
        if line and len(line) + len(text) > LINE:
            yield f"  made with  {line}"
            line = ""
        line = f"{line}, {text}" if line else text
    if line:
        yield f"  made with  {line}"
    if len(flat) > SHOWN:
        yield f"  and        {len(flat) - SHOWN} settings more; `poroscale info --json` has them"


def _flat(values: Mapping[str, Any], before: str) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        elif value is not None:
            text = json.dumps(value, default=str)
            yield f"{before}{name} {text if len(text) <= 60 else f'{text[:60]} ...'}"


def _model_lines(folder: Path) -> Iterator[str]:
    """Description of a model; of a part with a map of its pores along the build direction."""
    if kind_of(folder) == MICROSTRUCTURE:
        yield from MicrostructureModel.open(folder).describe()
        return
    model = PartModel.open(folder)
    yield from model.describe()
    width = float(model.settings["width_um"])
    edges = [(np.arange(n + 1) / n - 0.5) * width for n in (CELLS // 2, CELLS)]
    pores = model.pores
    counts, _, _ = np.histogram2d(pores["y_um"], pores["x_um"], edges, weights=pores["rate"])
    steps = np.ceil(counts / max(counts.max(), 1e-300) * (len(SHADES) - 1)).astype(int)
    for row in steps:
        yield "           " + "".join(SHADES[step] for step in row)
