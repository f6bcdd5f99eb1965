"""Checks of outputs, and of what this machine can run."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from poroscale.engine.jobs.job import is_results
from poroscale.manifest import JOURNAL_DIR, Manifest
from poroscale.microstructure.model import MicrostructureModel
from poroscale.parts.model import SETTINGS, PartModel
from poroscale.segmentation.network.card import CARD, WEIGHTS
from poroscale.storage.parquet_files import parquet_file
from poroscale.verb import verb
from poroscale.version import __version__

OPTIONAL = {
    "nibabel": "NIfTI",
    "nrrd": "NRRD",
    "imagecodecs": "compressed TIFF",
    "openpyxl": "Excel tables",
    "pydicom": "DICOM",
    "olefile": "TXM",
    "hdf5plugin": "filters of HDF5",
    "dask_cuda": "GPUs through dask-cuda",
    "napari": "napari",
    "tcripser": "pairs of handles",
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
    """True if a folder holds a manifest or a journal, a model, or a volume without a manifest."""
    model = CARD in files and WEIGHTS in files
    lost = "zarr.json" in files and "c" not in names and "0" in names
    return JOURNAL_DIR in names or model or lost


def _inside(file: Path, folders: list[Path]) -> bool:
    return any(folder in file.parents for folder in folders)


def holdings(path: str | Path) -> str:
    """Content of a folder in words: the numbers of volumes, tables, models."""
    counts = Counter(kind_of(output) for output in outputs_in(Path(path)))
    return ", ".join(f"{n} {kind}{'s' if n > 1 else ''}" for kind, n in sorted(counts.items()))


def kind_of(output: Path) -> str:
    """Kind of output at a path of `outputs_in`."""
    if output.is_file():
        return TABLE
    if (output / JOURNAL_DIR).is_dir() and (output / SETTINGS).is_file():
        return MICROSTRUCTURE if _of_microstructure(output) else PART_MODEL
    if any((output / name).is_file() for name in (CARD, WEIGHTS)):
        return NETWORK
    return RESULT if is_results(output) else VOLUME


TABLE, VOLUME, RESULT = "table", "volume", "folder of results"
PART_MODEL, NETWORK = "part model", "segmentation model"
MICROSTRUCTURE = "microstructure model"


def _of_microstructure(folder: Path) -> bool:
    """Whether settings are those of a microstructure; those of a part have no method."""
    try:
        return "method" in json.loads((folder / SETTINGS).read_bytes())
    except ValueError:
        return False


@verb("verify")
def verify(path: str | Path) -> list[str]:
    """Compare every file of an output with what was written.

    Parameters
    ----------
    path
        An output, or a folder of them. Tables are read whole: their pages carry checksums.

    Returns
    -------
    list of str
        A sentence for every file that is missing or differs, and for every unfinished output.
    """
    problems: list[str] = []
    for output in outputs_in(Path(path)):
        problems += _CHECKS[kind_of(output)](output)
    return problems


def _model_problems(model: type[PartModel | MicrostructureModel], path: Path) -> list[str]:
    if problems := _volume_problems(path):
        return problems
    try:
        model.open(path)
    except (OSError, ValueError) as error:
        return [str(error)]
    return []


def _network_problems(folder: Path) -> list[str]:
    from poroscale.segmentation.network.model import SegmentationModel

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
    try:
        with parquet_file(path, page_checksum_verification=True) as table:
            for _ in table.iter_batches():
                pass
    except (OSError, ValueError) as error:
        return [str(error)]
    return []


_CHECKS: dict[str, Callable[[Path], list[str]]] = {
    TABLE: _table_problems,
    VOLUME: _volume_problems,
    RESULT: _volume_problems,
    PART_MODEL: partial(_model_problems, PartModel),
    MICROSTRUCTURE: partial(_model_problems, MicrostructureModel),
    NETWORK: _network_problems,
}


@verb("doctor")
def doctor() -> list[str]:
    """Tell what this machine offers: cores, memory, GPUs and optional packages."""
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
        return "no CUDA device: the clusters threads and processes work, cuda does not"
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return f"CUDA devices: {', '.join(names)}"
