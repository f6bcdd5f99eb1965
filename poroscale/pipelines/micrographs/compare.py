"""Real micrographs against generated ones: numbers and a page."""

from __future__ import annotations

from pathlib import Path

from poroscale.compare.micrographs.comparison import MicrographComparison, compare_micrographs
from poroscale.compare.micrographs.config import CompareSemConfig
from poroscale.engine.jobs.work import held_folder
from poroscale.micrographs.dataset import MicrographSet
from poroscale.report.pages.micrograph_page import write_micrograph_comparison
from poroscale.verb import Section, verb


@verb("compare_sem", Section.of("compare", CompareSemConfig))
def compare_sem(
    real: str | Path,
    generated: str | Path,
    out_dir: str | Path,
    *,
    config: CompareSemConfig | None = None,
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

    Raises
    ------
    FileNotFoundError, OSError
        If a set is missing, or a file of it was altered.
    ValueError
        If the sets differ in bit depth or scale, or have no setting in common.
    """
    sides, out = [MicrographSet.open(each) for each in (real, generated)], Path(out_dir)
    for each in sides:
        if out.resolve().is_relative_to(each.folder.resolve()):
            raise ValueError(f"output must not lie inside the input {each.folder}, got {out}")
    with held_folder(out):
        found = compare_micrographs(sides[0], sides[1], config=config)
        write_micrograph_comparison(found, out)
    return found
