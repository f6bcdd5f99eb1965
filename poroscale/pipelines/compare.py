"""From two sets of phases to a page: measure every part, compare, write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from poroscale.compare import CompareConfig, Comparison, Sample, compare_samples
from poroscale.engine import Run, connect
from poroscale.engine.work import held_folder
from poroscale.manifest import record_results
from poroscale.pipelines.measured import SURFACE
from poroscale.pores import PoresConfig
from poroscale.pores.measure import measure_into
from poroscale.report.compare_page import NUMBERS, PAGE, write_comparison
from poroscale.surface import SurfaceMap, measure_surface
from poroscale.volume import Volume


def compare_parts(
    reference: Sequence[Volume | str | Path],
    generated: Sequence[Volume | str | Path],
    out_dir: str | Path,
    *,
    config: CompareConfig | None = None,
    run: Run | None = None,
) -> Comparison:
    """Compare original parts with generated ones.

    Parameters
    ----------
    reference, generated
        Phases of the parts of either set.
    out_dir
        Folder for `compare.html`, `compare.json`, and in `measured/` the pore table and the surface
        of every part; what is measured already is left alone.
    config
        How to compare.
    run
        How to run.

    Raises
    ------
    ValueError
        If voxel sizes differ, a part stands on both sides, or a side has no pores.
    """
    out_dir, run = Path(out_dir), run or Run()
    with held_folder(out_dir), connect(run) as shared:
        sides = [
            [
                _measured(_opened(each), out_dir / "measured" / f"{name}_{i}", shared)
                for i, each in enumerate(side)
            ]
            for name, side in (("original", reference), ("generated", generated))
        ]
        found = compare_samples(sides[0], sides[1], out_dir, config=config, run=shared)
        write_comparison(found)
        record_results(out_dir, files=[PAGE, NUMBERS])
    return found


def _opened(volume: Volume | str | Path) -> Volume:
    return volume if isinstance(volume, Volume) else Volume.open(volume)


def _measured(phases: Volume, folder: Path, run: Run) -> Sample:
    with held_folder(folder):
        table = measure_into(folder, phases, config=PoresConfig(), run=run)
    return Sample(phases, table, _surface(phases, folder / SURFACE, run))


def _surface(phases: Volume, folder: Path, run: Run) -> SurfaceMap | None:
    """The unrolled surface; None for a volume that has none, such as a piece of rock."""
    try:
        return measure_surface(phases, folder, run=run)
    except ValueError as error:
        if "surface" not in str(error):
            raise
        return None
