"""New parts of the sizes of Table 2 of the porosity-generator paper, and of twice the largest.

The model is fitted once to the phases of a generated coupon and kept with the inputs; what is timed
is `generate part` alone, its roughness map included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from poroscale.benchmarks.analysing import PEAK_MIB
from poroscale.benchmarks.data import VOXEL_UM
from poroscale.benchmarks.measure import Contender, Measured, Report, compare
from poroscale.benchmarks.table import MIB, Part, Row, at_most
from poroscale.volume import Shape

HERE = "poroscale.benchmarks.generating"
Timed = Callable[[], Any]
PORE_UM = 13.0
"""Median diameter: none of the pores may exceed the smallest part, which has 32 voxels across."""
SCANNED = 256
"""Edge of the coupon that the model is fitted to."""
PUBLISHED: dict[Shape, float] = {
    (120, 32, 32): 37.40,
    (239, 64, 64): 65.61,
    (479, 128, 128): 136.43,
    (958, 256, 256): 344.64,
    (1915, 512, 512): 1080.45,
}
"""Seconds in Table 2 of the paper, with a GPU for surface and pores."""
LARGEST: Shape = (3830, 1024, 1024)
LIMITS = {(1915, 512, 512): 60.0, LARGEST: 480.0}
LONG: Shape = (5760, 1024, 1024)
"""At four times the density of the model a third of the pores finds no place."""
MILLION = "plan of a million pores"
NOTE = (
    "`generate part` runs from a model that was fitted to a generated coupon of 256³ voxels, "
    "roughness map included, with 2 GiB allowed. The peer is the paper's own time (GTX 2080 "
    "and i9-9900K). The part fills the volume as the coupon does. The work differs: the paper "
    "synthesises its surface by descent on wavelet statistics, and its time includes that; "
    "here the surface is composed of windows of the scan's own map."
)


def generating_part(*, repeats: int, data: Path, report: Report) -> Part:
    """The part of the benchmark, for all sizes; the largest runs once."""
    model = fitted_model(data, report)
    shapes = [*PUBLISHED, LARGEST]
    contenders = [
        Contender(
            _name(shape),
            f"{HERE}:generate",
            {"model": str(model), "shape": shape},
            runs=1 if shape == LARGEST else None,
        )
        for shape in shapes
    ]
    dense = Contender(MILLION, f"{HERE}:plan_million", {"model": str(model)}, runs=1)
    measured = compare([*contenders, dense], repeats=repeats, scratch=data, report=report)
    rows = [*generating_rows(shapes, measured), million_row(measured[MILLION])]
    return Part("Generate", rows, list(measured.items()), NOTE)


def million_row(measured: Measured) -> Row:
    """Time of the plan of a million pores."""
    what = f"{MILLION}, {measured.result['pores']:,} placed"
    return at_most(what, measured.wall, limit=60.0, unit="s", shown=".1f")


def generating_rows(shapes: Sequence[Shape], measured: dict[str, Measured]) -> list[Row]:
    """Time against the paper's, peak and steps of every size."""
    rows: list[Row] = []
    for shape in shapes:
        runs, name = measured[_name(shape)], _name(shape)
        rows.append(_against_paper(name, shape, runs.wall))
        peak = runs.peak / MIB
        rows.append(at_most(f"peak memory, {name}", peak, limit=PEAK_MIB, unit="MiB", shown=".0f"))
        steps = ", ".join(f"{step} {took:.1f} s" for step, took in runs.result["steps"].items())
        rows.append(Row(f"steps, {name}", steps, f"{runs.result['pores']:,} pores"))
    return rows


def _against_paper(name: str, shape: Shape, wall: float) -> Row:
    published, limit = PUBLISHED.get(shape), LIMITS.get(shape)
    return Row(
        f"time, {name}",
        f"{wall:.2f} s",
        "" if published is None else f"published {published:g} s",
        "" if published is None else f"{published / wall:.0f} x as fast",
        "" if limit is None else f"<= {limit:g} s",
        None if limit is None else wall <= limit,
    )


def _name(shape: Shape) -> str:
    z, y, x = shape
    return f"{x} x {y} x {z}"


def fitted_model(data: Path, report: Report) -> Path:
    """The model of a coupon; left alone where it is there."""
    from poroscale.phantoms import PhantomConfig, phantom
    from poroscale.pipelines.fit import fit_part

    model = data / "model"
    if not model.exists():
        report("fitting a model")
        config = PhantomConfig(
            shape=(SCANNED,) * 3,
            voxel_size=VOXEL_UM,
            seed=1,
            porosity=0.004,
            pore_diameter=PORE_UM,
        )
        made = phantom(data / f"truth-{SCANNED}.zarr", config=config)
        fit_part([made.truth], model)
    return model


def generate(scratch: Path, *, model: str, shape: Sequence[int]) -> Timed:
    """The verb `generate part`, as the command runs it."""
    from poroscale.pipelines.generate import GenerateConfig, generate_part

    tiny = GenerateConfig(shape=(64, 64, 64))
    generate_part(model, scratch / "warm-up.zarr", config=tiny)

    def timed() -> dict[str, Any]:
        config = GenerateConfig(shape=tuple(shape), seed=1)
        (made,) = generate_part(model, scratch / "part.zarr", config=config)
        return {"steps": dict(made.timings), "pores": made.counts["placed"]}

    return timed


def plan_million(scratch: Path, *, model: str) -> Timed:
    """The plan alone of a million pores, four times as dense as in the model."""
    from poroscale.parts.model import ROUGHNESS, PartModel
    from poroscale.parts.placing.candidates import CandidateSampler
    from poroscale.parts.placing.placement import Planner, place_pores
    from poroscale.pipelines.generate import GenerateConfig, geometry_of
    from poroscale.surfaces.roughness import Roughness

    dense = PartModel.open(model).with_density(lambda pores: 4.3)
    roughness = Roughness.load(Path(model) / ROUGHNESS)
    shapes = dense.bank.shapes

    def timed() -> dict[str, Any]:
        config = GenerateConfig(shape=LONG)
        geometry = geometry_of(dense, roughness, config=config, seed=1)
        sampler = CandidateSampler(dense, geometry, 1)
        return {
            "pores": place_pores(Planner(sampler, shapes, dense.spacing), LONG[0], workers=2).size
        }

    return timed
