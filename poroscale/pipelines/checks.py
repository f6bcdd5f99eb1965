"""What is there, whether it is whole, and what this machine can run."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from poroscale import __version__
from poroscale.engine.job import is_results
from poroscale.manifest import JOURNAL_DIR, Manifest, check_file
from poroscale.parts.model import SETTINGS, PartModel
from poroscale.segment.card import CARD, WEIGHTS
from poroscale.volume import Volume

OPTIONAL = {
    "nibabel": "NIfTI",
    "nrrd": "NRRD",
    "imagecodecs": "compressed TIFF",
    "dask_cuda": "GPUs through dask-cuda",
    "napari": "napari",
}


def outputs_in(path: Path) -> list[Path]:
    """`path`, or the outputs and folders of results in and below it, in the order of their names.

    Raises
    ------
    FileNotFoundError
        If there is nothing at `path`.
    ValueError
        If there is no output of ours.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    if path.is_file():
        return [path]
    found = [Path(folder) for folder, names, files in os.walk(path) if _is_output(names, files)]
    tables = [table for table in path.rglob("*.parquet") if not _inside(table, found)]
    if not found and not tables:
        raise ValueError(f"{path} holds no output of poroscale")
    return sorted([*found, *tables])


def _is_output(names: list[str], files: list[str]) -> bool:
    """Whether a folder holds a manifest or a journal, a model, or a volume without a manifest."""
    model = CARD in files and WEIGHTS in files
    lost = "zarr.json" in files and "c" not in names and "0" in names
    return JOURNAL_DIR in names or model or lost


def _inside(file: Path, folders: list[Path]) -> bool:
    return any(folder in file.parents for folder in folders)


def info(path: str | Path) -> list[str]:
    """What the volume or table at `path`, or those in a folder, hold and how they were made."""
    lines = list(_model_lines(Path(path))) if (Path(path) / SETTINGS).exists() else []
    for output in outputs_in(Path(path)):
        lines += _READERS[kind_of(output)](output)
    return lines


def holdings(path: str | Path) -> str:
    """What a folder holds, in words: how many volumes, tables, models."""
    counts = Counter(kind_of(output) for output in outputs_in(Path(path)))
    return ", ".join(f"{n} {kind}{'s' if n > 1 else ''}" for kind, n in sorted(counts.items()))


def kind_of(output: Path) -> str:
    """Which kind of output a path of `outputs_in` is."""
    if output.is_file():
        return TABLE
    if (output / JOURNAL_DIR).is_dir() and (output / SETTINGS).is_file():
        return PART_MODEL
    if any((output / name).is_file() for name in (CARD, WEIGHTS)):
        return NETWORK
    return RESULT if is_results(output) else VOLUME


TABLE, VOLUME, RESULT = "table", "volume", "folder of results"
PART_MODEL, NETWORK = "part model", "segmentation model"


def _network_lines(folder: Path) -> list[str]:
    from poroscale.segment.model import SegmentationModel

    described = SegmentationModel.open(folder).describe()
    return [f"{folder}: {NETWORK}", *(f"  {line}" for line in described)]


SHADES = " .:-=+*#%@"
CELLS = 24
"""Columns of the map of pores that is printed; half as many rows, as characters are tall."""


def _model_lines(folder: Path) -> Iterator[str]:
    """What a part model says, and a map of its pores seen along the build direction."""
    model = PartModel.open(folder)
    yield from model.describe()
    width = float(model.settings["width_um"])
    edges = [(np.arange(n + 1) / n - 0.5) * width for n in (CELLS // 2, CELLS)]
    pores = model.pores
    counts, _, _ = np.histogram2d(pores["y_um"], pores["x_um"], edges, weights=pores["rate"])
    steps = np.ceil(counts / max(counts.max(), 1e-300) * (len(SHADES) - 1)).astype(int)
    for row in steps:
        yield "           " + "".join(SHADES[step] for step in row)


def _volume_lines(path: Path) -> list[str]:
    return list(_lines_of_volume(path))


def _lines_of_volume(path: Path) -> Iterator[str]:
    try:
        manifest = Manifest.load(path)
        if manifest.is_results:
            yield f"{path}: results {', '.join([*manifest.files, *manifest.result])}"
            return
        volume = Volume.open(path)
    except FileNotFoundError:
        yield f"{path} is unfinished, or was not written by poroscale"
        return
    stored = sum(size for size, _ in manifest.files.values())
    z, y, x = volume.shape
    yield f"{path}: {volume.attributes.get('kind', 'volume')}, {z} x {y} x {x} {volume.dtype}"
    yield f"  voxel size {volume.voxel_size} um (z, y, x), origin {volume.origin}"
    yield (
        f"  {stored / 1e6:.1f} MB on disk, {len(manifest.files)} files, "
        f"{len(manifest.empty)} chunks empty, {volume.spec.levels} levels"
    )
    yield f"  content {volume.digest}"
    shown = {key: value for key, value in volume.attributes.items() if key != "made_by"}
    yield f"  {_short(shown)}"


def _short(value: object) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return text if len(text) <= 600 else f"{text[:600]} ..."


def _table_lines(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    if path.suffix != ".parquet":
        raise ValueError(f"{path} is neither a volume nor a Parquet table")
    table = pq.ParquetFile(path)
    lines = [f"{path}: {table.metadata.num_rows} rows"]
    for column in table.schema_arrow:
        notes = column.metadata or {}
        unit = notes.get(b"unit", b"").decode()
        meaning = notes.get(b"description", b"").decode()
        lines.append(f"  {column.name:<28} {column.type!s:<8} {unit:<8} {meaning}".rstrip())
    return lines


def verify(path: str | Path) -> list[str]:
    """One sentence for every file that is missing or not as it was written.

    Unfinished outputs are named too. Tables are read whole: their pages carry checksums.
    """
    problems: list[str] = []
    for output in outputs_in(Path(path)):
        problems += _CHECKS[kind_of(output)](output)
    return problems


def _part_problems(path: Path) -> list[str]:
    if problems := _volume_problems(path):
        return problems
    try:
        PartModel.open(path)
    except (OSError, ValueError) as error:
        return [str(error)]
    return []


def _network_problems(folder: Path) -> list[str]:
    from poroscale.segment.model import SegmentationModel

    try:
        SegmentationModel.open(folder).network()
    except (OSError, ValueError) as error:
        return [str(error)]
    return []


def _volume_problems(path: Path) -> list[str]:
    try:
        manifest = Manifest.load(path)
    except FileNotFoundError:
        return [f"{path} is unfinished, or has lost its manifest"]
    except OSError as error:
        return [str(error)]
    return list(manifest.problems(path))


def _table_problems(path: Path) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        for _ in pq.ParquetFile(check_file(path), page_checksum_verification=True).iter_batches():
            pass
    except (OSError, ValueError, pa.ArrowException) as error:
        sentence = str(error).splitlines()[0]
        return [sentence if str(path) in sentence else f"{path} is damaged: {sentence}"]
    return []


_READERS = {
    TABLE: _table_lines,
    VOLUME: _volume_lines,
    RESULT: _volume_lines,
    PART_MODEL: _volume_lines,
    NETWORK: _network_lines,
}
_CHECKS = {
    TABLE: _table_problems,
    VOLUME: _volume_problems,
    RESULT: _volume_problems,
    PART_MODEL: _part_problems,
    NETWORK: _network_problems,
}


def doctor() -> list[str]:
    """Cores, memory, GPUs and optional parts of this machine."""
    import psutil

    memory = psutil.virtual_memory()
    lines = [
        f"poroscale {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"{len(os.sched_getaffinity(0))} cores, "
        f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB memory free",
        _gpus(),
    ]
    for name, what in OPTIONAL.items():
        there = "there" if importlib.util.find_spec(name) else "not installed"
        lines.append(f"{what:<24} {name}: {there}")
    packages = ("dask", "distributed", "zarr", "numpy", "torch")
    lines.append(", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages))
    return lines


def _gpus() -> str:
    import torch

    if not torch.cuda.is_available():
        return "no CUDA device: --cluster threads and processes work, cuda does not"
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return f"CUDA devices: {', '.join(names)}"
