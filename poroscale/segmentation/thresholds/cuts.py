"""Pores at one threshold, and at others near it, whatever the voxels are ranked by.

Grey values and the scores of a network answer the same questions once it is known what is outside:
which voxels are candidates at a threshold, which of their components stay pores, and how porosity
and pore count respond when the threshold moves. A `Cut` is one threshold, a `Search` asks these
questions of a volume, and `write_phases` writes the phases with their record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poroscale.engine import Halo, LabelPass, Pass, Run, count_pass, label_pass, map_pass
from poroscale.engine.passes import named
from poroscale.kernels.closing import closing_halo
from poroscale.segmentation.thresholds.candidates import OUTSIDE, KeepPores, settle, strong_and_weak
from poroscale.segmentation.thresholds.config import PoreRules
from poroscale.segmentation.thresholds.fields import Everywhere
from poroscale.segmentation.thresholds.histogram import grey_histogram
from poroscale.volume import FieldSampler, Volume, VoxelSize

CLOSING_BYTES, FLAT_BYTES = 14.0, 4.0
"""Temporary bytes per voxel: two distance transforms; masks."""
Candidates = Callable[..., NDArray[np.uint8]]
RECORDED = {"hysteresis", "min_voxels", "min_extent", "connectivity", "close_um"}
"""Settings that the record of the phases repeats."""


@dataclass(frozen=True)
class Cut:
    """One threshold of pore and solid.

    Attributes
    ----------
    threshold
        As the record has it: a grey value or a score.
    outside
        bool, true outside the part at this threshold.
    parameters
        Of the kernel that makes the candidates: the threshold and that of growth, as levels of the
        ranked volume.
    name
        Part of the names of the files of this threshold.
    """

    threshold: float
    outside: Volume | FieldSampler
    parameters: Mapping[str, int]
    name: str


@dataclass(frozen=True)
class Search:
    """Steps that find pores in a volume; their outputs lie in the work folder.

    Attributes
    ----------
    ranked
        Ranks of grey values among thresholds, or scores.
    candidates
        Kernel: `candidates(ranked, outside, close_um=, voxel_size=, **Cut.parameters)` gives the
        phases before small pores are removed; see `candidate_phases`.
    rules
        Rules for the candidates that stay pores.
    work, run
        Folder of the outputs, and how to run.
    """

    ranked: Volume
    candidates: Candidates
    rules: PoreRules
    work: Path
    run: Run

    def candidates_at(self, cut: Cut) -> Volume:
        """Phases before small pores are removed; made once, then found again."""
        ranked = self.ranked
        declared = candidates_pass(self.rules, self.candidates, ranked.dtype, ranked.voxel_size)
        found = declared.but(parameters={**cut.parameters, **declared.parameters})
        out = self.work / f"candidates {cut.name}.zarr"
        return map_pass(found, (ranked, cut.outside), out, run=self.run)

    def kept_at(self, cut: Cut) -> Volume:
        """The candidates that are pores; bool."""
        out, candidates = self.work / f"pores {cut.name}.zarr", self.candidates_at(cut)
        return label_pass(kept_pass(self.rules), candidates, out, run=self.run).volume

    def numbers_at(self, cut: Cut) -> dict[str, Any]:
        """Porosity and number of pores, without painting them."""
        candidates = self.candidates_at(cut)
        journal = self.work / f"codes {cut.name}"
        codes = grey_histogram(
            candidates, Everywhere(candidates.shape), journal=journal, run=self.run
        ).inside
        part_voxels = int(codes.sum() - codes[OUTSIDE])
        journal = self.work / f"count {cut.name}"
        pores = count_pass(kept_pass(self.rules), candidates, journal=journal, run=self.run)
        return {
            "threshold": cut.threshold,
            "part_voxels": part_voxels,
            "porosity": int(pores["voxel_count"].sum()) / max(1, part_voxels),
            "pore_count": len(pores),
        }


def candidates_pass(
    rules: PoreRules, candidates: Candidates, ranked: DTypeLike, voxel_size: VoxelSize
) -> Pass:
    """The pass from ranks and the outside to the phases before small pores are removed."""
    radius = rules.close_um
    return Pass(
        "candidates",
        candidates,
        reads=(ranked, bool),
        writes=np.uint8,
        halo=Halo(closing_halo(radius, voxel_size) if radius else (0, 0, 0)),
        parameters={"close_um": radius, "voxel_size": voxel_size},
        temporary=CLOSING_BYTES if radius else FLAT_BYTES,
    )


def kept_pass(rules: PoreRules) -> LabelPass:
    """The pass that labels candidates, and keeps those that are large enough."""
    return LabelPass(
        "pores kept",
        strong_and_weak,
        reads=(np.uint8,),
        writes=bool,
        connectivity=rules.connectivity,
        keep=KeepPores(rules.min_voxels, rules.min_extent),
    )


PHASES = Pass(
    "phases",
    settle,
    reads=(np.uint8, bool),
    writes=np.uint8,
    pyramid="max",
    temporary=FLAT_BYTES,
)
"""The pass from candidates and the pores that are kept to phases."""


def passes(
    rules: PoreRules, candidates: Candidates, ranked: DTypeLike, voxel_size: VoxelSize
) -> dict[str, Pass]:
    """Passes over ranks or scores; the candidates of shifted thresholds lie beside."""
    found, kept = candidates_pass(rules, candidates, ranked, voxel_size), kept_pass(rules)
    more = len(shifts_of(rules)) - 1
    return named(
        found.but(scratch=more * found.written_bytes),
        kept.but(scratch=(1 + more) * kept.scratch),
        PHASES,
    )


def shifts_of(rules: PoreRules) -> list[float]:
    """The shifts of the threshold that are tabled, 0 among them, in ascending order."""
    return sorted({0.0, *rules.sensitivity})


def write_phases(
    search: Search,
    cuts: Mapping[float, Cut],
    out: Path,
    *,
    made_by: Mapping[str, Any],
    record: Mapping[str, Any],
    run: Run,
) -> Volume:
    """Outside, solid and pore phases at the threshold that is not shifted.

    Parameters
    ----------
    search
        Steps that find pores.
    cuts
        The threshold by shift; 0.0 is among them.
    out
        Folder of the phases: uint8, 0 outside, 1 solid, 2 pore.
    made_by
        Recipe of the phases.
    record
        Entries of the method itself; rules, porosity and the table of shifted thresholds
        are added.
    run
        Settings for writing the phases.

    Returns
    -------
    Volume
        The phases; `attributes["segmentation"]` is the record.
    """
    now = cuts[0.0]
    kept = search.kept_at(now)
    table = [{"shift": shift, **search.numbers_at(cut)} for shift, cut in cuts.items()]
    attributes = {
        "kind": "phases",
        "made_by": dict(made_by),
        "segmentation": {**record, **_record(search.rules, table)},
    }
    return map_pass(PHASES, (search.candidates_at(now), kept), out, attributes=attributes, run=run)


def _record(rules: PoreRules, table: list[dict[str, Any]]) -> dict[str, Any]:
    """Entries that the record of every threshold has in common."""
    now = next(row for row in table if row["shift"] == 0)
    return {
        **rules.model_dump(mode="json", include=RECORDED),
        **{name: now[name] for name in ("part_voxels", "porosity", "pore_count")},
        "sensitivity": table if len(table) > 1 else [],
    }
