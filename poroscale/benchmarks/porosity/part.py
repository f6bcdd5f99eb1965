"""The part of the benchmark: makes scans one by one, has each method segment them, keeps scores.

Scores are appended to `porosity.jsonl` in the data folder. Those of the same scan, method and code
are taken from there the next time, so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from time import perf_counter

from poroscale.benchmarks.measure import Report
from poroscale.benchmarks.porosity.cases import Case, PorosityCases
from poroscale.benchmarks.porosity.methods import METHODS, QUIET, Method
from poroscale.benchmarks.porosity.scores import Score, kinds_table, overall_table, score
from poroscale.benchmarks.table import Part
from poroscale.engine import volume_from_array
from poroscale.volume import VolumeSpec

VOXEL_UM = 5.0
SCORES = "porosity.jsonl"
NOTE = (
    "Scans of known truth are segmented with default settings. Errors are relative to the true "
    "value. Medians are taken over the scans; for pores they are taken over the medians of each "
    "scan, so that each scan counts once. Medians of volumes are given with their sign, and in "
    "brackets without it. A scan that a method refuses counts as wrong beyond a factor of two, "
    "with a warning. 'Fair' is within 10 %. Classes of pores are diameters of balls of equal "
    "volume, in voxels. A pore is found if the centroid of a measured pore lies within half its "
    "diameter of its own centroid, or within 1.5 voxels if that is more."
)


def porosity_part(
    cases: PorosityCases | None = None,
    *,
    data: Path,
    report: Report,
    methods: dict[str, Method] | None = None,
) -> Part:
    """The part of the benchmark.

    Parameters
    ----------
    cases
        Scans and names of methods; None takes two modelled scans of each kind and
        all methods.
    data
        Folder that keeps the scores.
    report
        Told of every scan.
    methods
        Methods by name; None takes `METHODS`.
    """
    cases = cases or PorosityCases()
    chosen = {name: (methods or METHODS)[name] for name in methods or cases.methods}
    begun = perf_counter()
    scores = list(_scores(cases, chosen, data=data, report=report))
    tables = (overall_table(scores), kinds_table(scores), _times(scores, perf_counter() - begun))
    return Part("Porosity of known scans", [], [], NOTE, tables=tables)


def _times(scores: list[Score], whole: float) -> str:
    names = dict.fromkeys(each.method for each in scores)
    took = (
        f"{name} {sum(each.seconds for each in scores if each.method == name):.0f} s"
        for name in names
    )
    return f"Segmentation and pore table of all scans: {', '.join(took)}; this run {whole:.0f} s."


Known = dict[tuple[str, str], Score]
"""(key of the scan, method) -> score."""


def _scores(
    cases: PorosityCases, methods: dict[str, Method], *, data: Path, report: Report
) -> Iterator[Score]:
    kept, code = data / SCORES, code_digest()
    known = _known(kept, code)
    for case in cases:
        missing = {name: m for name, m in methods.items() if (case.key, name) not in known}
        for each in _judge(case, missing, data) if missing else ():
            with kept.open("a") as file:
                file.write(json.dumps({"code": code, "key": case.key, **asdict(each)}) + "\n")
            known[case.key, each.method] = each
        for name in methods:
            report(_line(known[case.key, name]))
            yield known[case.key, name]


def _judge(case: Case, methods: dict[str, Method], data: Path) -> Iterator[Score]:
    """Make a scan, have each method segment it, and remove it."""
    scan = case.make()
    with tempfile.TemporaryDirectory(dir=data) as folder:
        size = (scan.grey.shape[0], scan.grey.shape[1], scan.grey.shape[2])
        spec = VolumeSpec(size, scan.grey.dtype, (VOXEL_UM,) * 3)
        volume = volume_from_array(scan.grey, Path(folder) / "scan.zarr", spec=spec, run=QUIET)
        for name, method in methods.items():
            out = Path(folder) / name
            out.mkdir()
            begun = perf_counter()
            try:
                found = method(volume, out)
            except ValueError as refusal:
                said = [str(refusal)]
                yield Score(case.name, case.kind, name, scan.porosity, warnings=said)
            else:
                seconds = perf_counter() - begun
                yield score(scan, found, case=case.name, method=name, seconds=seconds)


def _line(each: Score) -> str:
    found = "refused" if each.porosity is None else f"{100 * each.porosity:.3f} %"
    warned = " (warned)" if each.warnings else ""
    return f"  {each.case:16} {each.method:8} {found}, true {100 * each.truth:.3f} %{warned}"


def _known(path: Path, code: str) -> Known:
    """Scores that this code has written, in a file whose last line may be cut short."""
    known: Known = {}
    for text in path.read_text().splitlines() if path.exists() else ():
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            continue
        key = line.pop("key")
        if line.pop("code") == code:
            known[key, line["method"]] = Score(**line)
    return known


def code_digest() -> str:
    """Of all of this program's modules: other code may find something else."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*.py")):
        digest.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes())
    return digest.hexdigest()
