"""Real micrographs against generated ones: numbers and a page."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from poroscale.compare.micrographs.comparison import MicrographComparison, compare_sides
from poroscale.compare.micrographs.config import CompareSemConfig
from poroscale.compare.micrographs.planning import ComparisonBytes
from poroscale.compare.micrographs.sides import ComparedSides
from poroscale.engine import BlockGrid, JobPlan, Run
from poroscale.engine.job_plan import driver_plan, planned
from poroscale.engine.jobs.work import held_folder
from poroscale.engine.plan import in_mib, release_memory
from poroscale.micrographs.dataset import MicrographSet
from poroscale.report.figures.micrographs.both_sides import MOST_SETTINGS
from poroscale.report.pages.micrograph_page import write_micrograph_comparison
from poroscale.verb import Section, verb

DRAWING, OF_SHOWN = 80 << 20, 10 << 20
"""Bytes of the driving process while figures are drawn, and for each setting that they show."""


def plan_compare_sem(
    real: str | Path,
    generated: str | Path,
    *,
    config: CompareSemConfig | None = None,
    run: Run | None = None,
) -> JobPlan:
    """The plan of `compare_sem`: a block is the chips of one setting and side.

    Raises
    ------
    ValueError
        As of `compare_sem`.
    MemoryError
        If the budget cannot hold a setting, or the page.
    """
    config = config or CompareSemConfig()
    sides = ComparedSides.of(MicrographSet.open(real), MicrographSet.open(generated), config)
    return _plan(sides, config=config, run=run or Run())


@verb("compare_sem", Section.of("compare", CompareSemConfig), plan="plan_compare_sem")
def compare_sem(
    real: str | Path,
    generated: str | Path,
    out_dir: str | Path,
    *,
    config: CompareSemConfig | None = None,
    run: Run | None = None,
) -> MicrographComparison:
    """Compare generated micrographs with real ones of the same conditions.

    Parameters
    ----------
    real
        Set of `gather_sem`.
    generated
        Set of `generate_sem`, or of `gather_sem` where `conditions` are given.
    out_dir
        Folder for `micrographs.html` and `comparison.json`. What is there of them is replaced.
    config
        Chips, distances and intervals.
    run
        Memory; there are no blocks for workers.

    Raises
    ------
    FileNotFoundError, OSError
        If a set is missing, or a file of it was altered.
    ValueError
        If the sets differ in bit depth or scale, have no setting in common, or too few chips of
        one.
    MemoryError
        If the budget cannot hold a setting, or the page; nothing has been done then.
    """
    sets, out = [MicrographSet.open(each) for each in (real, generated)], Path(out_dir)
    for each in sets:
        if out.resolve().is_relative_to(each.folder.resolve()):
            raise ValueError(f"output must not lie inside the input {each.folder}, got {out}")
    config = config or CompareSemConfig()
    sides = ComparedSides.of(sets[0], sets[1], config)
    planned(run or Run(), partial(_plan, sides, config=config))
    with held_folder(out):
        found = compare_sides(sides, config)
        release_memory()  # what the chips have left in the heap lies beside no figure
        write_micrograph_comparison(found, out)
    return found


def _plan(sides: ComparedSides, *, config: CompareSemConfig, run: Run) -> JobPlan:
    need = ComparisonBytes.of(sides, config)
    chips = (need.chips, need.edge, need.edge)
    grid = BlockGrid((need.settings * need.chips, need.edge, need.edge), chips)
    settings = driver_plan(grid, need.peak, run, libraries=("scipy.ndimage",))
    drawing = DRAWING + OF_SHOWN * min(need.settings, MOST_SETTINGS)
    page = driver_plan(BlockGrid(chips, chips), need.kept + drawing, run)
    found = JobPlan({"settings": settings, "page": page})
    if not (settings.fits and page.fits):
        fewer = ", or take fewer `chips` or a smaller `chip`" * page.fits
        raise MemoryError(
            f"memory must be at least {in_mib(found.peak)} for {need.settings} settings of "
            f"{need.chips} chips of {need.edge} x {need.edge} pixels, got "
            f"{in_mib(run.memory_bytes)}; raise `memory`{fewer}"
        )
    return found
