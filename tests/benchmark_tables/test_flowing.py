"""What the benchmark of permeability times, on a tiny rock."""

from __future__ import annotations

from pathlib import Path

import pytest

from poroscale.benchmarks.flowing import timed
from poroscale.benchmarks.flowing.part import flowing_rows
from poroscale.benchmarks.measure import Measured, Once

RATES = ["friction", "friction_by_numpy", "lattice_steps", "lattice_steps_by_numpy", "copying"]


@pytest.mark.parametrize("work", RATES)
def test_a_rate_counts_what_was_done(work: str, tmp_path: Path) -> None:
    assert getattr(timed, work)(tmp_path, edge=12)()["done"] > 0


def test_both_kernels_count_the_same_faces_but_for_the_frame(tmp_path: Path) -> None:
    ours = timed.friction(tmp_path, edge=20)()["done"]
    theirs = timed.friction_by_numpy(tmp_path, edge=20)()["done"]
    assert ours == pytest.approx(theirs, rel=0.1)


def test_rows_tell_rates_and_permeabilities() -> None:
    def measured(cpu: float, **result: float) -> Measured:
        return Measured([Once(cpu, cpu, 1, result)])

    rows = flowing_rows(
        {
            "staggered grid": measured(2.0, permeability=0.05),
            "staggered grid, float64": measured(3.0, permeability=0.05),
            "lattice Boltzmann": measured(40.0, permeability=0.052),
            "friction": measured(1.0, done=200e6),
            "friction by numpy": measured(1.0, done=20e6),
            "lattice steps": measured(1.0, done=24e6),
            "lattice steps by numpy": measured(1.0, done=1e6),
            "copy of an array": measured(1.0, done=11e9),
        }
    )
    text = [" ".join(str(part) for part in vars(row).values()) for row in rows]
    assert any("10.0 x" in each for each in text)
    assert any("20.0 x" in each for each in text)
    assert any("+4.00 %" in each for each in text)
