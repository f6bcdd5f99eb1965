"""From a part model to new parts.

1. Open the model; every file is compared with what was fitted.
2. Choose the part: a cylinder or box of the shape that is asked for, or a mesh.
3. Draw, place and paint: `poroscale.parts.generate`.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Literal

from pydantic import PositiveFloat, PositiveInt

from poroscale.config import Config
from poroscale.engine import JobPlan, Run, connect, plan_job
from poroscale.events import Event, Progress
from poroscale.io.mesh import read_mesh
from poroscale.manifest import Manifest, fingerprint
from poroscale.parts.generate import GeneratedPart, fill_part, passes
from poroscale.parts.geometry import Geometry
from poroscale.parts.mesh_part import FACING, MeshPart, volume_around
from poroscale.parts.model import ROUGHNESS, PartModel
from poroscale.pipelines.part_geometry import rough_part
from poroscale.surfaces.roughness import Roughness
from poroscale.verb import Section, verb

log = logging.getLogger("poroscale.parts")


class GenerateConfig(Config):
    """Settings for generating parts.

    Attributes
    ----------
    shape
        Voxels (z, y, x); a mesh may leave it out.
    seed
        Number from which the first part is drawn; the seeds of the others count up from it.
    count
        Number of parts; None makes one, under the name that is given.
    diameter
        Diameter of a cylinder, or smaller edge of a box [um], half to twice that of the scan; None
        fills (y, x) as the scan was filled.
    mesh
        File of a closed surface that is filled instead: STL, PLY or 3MF.
    mesh_unit
        Unit of the numbers in the mesh, where the file does not state it.
    """

    shape: tuple[PositiveInt, PositiveInt, PositiveInt] | None = None
    seed: int = 0
    count: PositiveInt | None = None
    diameter: PositiveFloat | None = None
    mesh: str | None = None
    mesh_unit: Literal["um", "mm"] = "mm"


@verb("generate_part", Section.of("generate", GenerateConfig), plan="plan_generate")
def generate_part(
    model: str | Path,
    out: str | Path,
    *,
    config: GenerateConfig | None = None,
    run: Run | None = None,
    progress: Progress | None = None,
) -> list[GeneratedPart]:
    """Generate new parts with the pores and the surface of a model.

    Parameters
    ----------
    model
        Folder that `fit_part` made.
    out
        `OUT.zarr`; with a count `OUT_0000.zarr` and so on.
    config
        Settings for generating parts.
    run
        Memory, workers and cluster; changes no byte of the output.
    progress
        Called after each part, with the numbers of its pores.

    Returns
    -------
    list of GeneratedPart
        One, or as many as the count says. Each is logged as soon as it is finished.

    Raises
    ------
    ValueError
        If no shape is given, the part cannot hold its pores, or the model is none.
    OSError
        If a file of the model is missing or was altered.
    """
    config, out = config or GenerateConfig(), Path(out)
    opened = PartModel.open(model)
    roughness = Roughness.load(Path(model) / ROUGHNESS)
    made: list[GeneratedPart] = []
    count = config.count or 1
    with connect(run or Run(), job="generate") as shared:
        for number in range(count):
            seed = config.seed + number
            geometry = geometry_of(opened, roughness, config=config, seed=seed)
            path = out if config.count is None else _numbered(out, number)
            about = _about(geometry, config, Path(model))
            part = fill_part(opened, path, geometry=geometry, seed=seed, about=about, run=shared)
            made.append(part)
            log.info("%s", part)
            if progress is not None:
                progress(Event("part", path.name, len(made), count, part.counts))
    return made


def _about(geometry: Geometry, config: GenerateConfig, model: Path) -> dict[str, Any]:
    """Geometry of a part, as its recipe states it."""
    mesh = None if config.mesh is None else fingerprint(Path(config.mesh).read_bytes())
    return {
        "shape": list(geometry.shape),
        "diameter": config.diameter,
        "mesh": mesh,
        "roughness": Manifest.load(model / ROUGHNESS).digest,
    }


def plan_generate(
    model: str | Path, *, config: GenerateConfig | None = None, run: Run | None = None
) -> JobPlan:
    """The plan of `generate_parts`: one part after the other is made.

    Raises
    ------
    ValueError
        If no shape is given, or the model is none.
    MemoryError
        If a part does not fit the budget.
    """
    config = config or GenerateConfig()
    opened, roughness = PartModel.open(model), Roughness.load(Path(model) / ROUGHNESS)
    geometry = geometry_of(opened, roughness, config=config, seed=config.seed)
    spec, declared = passes(opened, geometry, seed=config.seed)
    others = (config.count or 1) - 1
    every = {
        title: each.but(scratch=others * each.stored_bytes) for title, each in declared.items()
    }
    return plan_job(spec, every, run or Run())


def geometry_of(
    model: PartModel, roughness: Roughness, *, config: GenerateConfig, seed: int
) -> Geometry:
    """The part that is to be filled.

    Raises
    ------
    ValueError
        If no shape is given, or the part does not fit it.
    """
    if config.mesh is not None:
        return mesh_part(model, roughness, config=config, seed=seed)
    if config.shape is None:
        raise ValueError("`shape` must be given: voxels along z, y, x")
    settings, width = model.settings, min(config.shape[1:])
    half_y, half_x = settings["half_um"]
    # By default the part fills its volume as the scanned one did.
    grown = width / settings["volume_width"]
    if config.diameter is not None:
        grown = _grown(config.diameter, 2 * min(half_y, half_x))
    half = (half_y * grown, half_x * grown)
    return rough_part(
        settings["part"],
        config.shape,
        model.voxel_um,
        half_um=half,
        roughness=roughness,
        seed=seed,
    )


LEAST_GROWN, MOST_GROWN = 0.5, 2.0
"""Diameters that may be asked for, over that of the scan."""


def _grown(diameter: float, scanned: float) -> float:
    """Diameter over that of the scan; beyond half to twice it pores were never placed for trial."""
    if not LEAST_GROWN <= diameter / scanned <= MOST_GROWN:
        raise ValueError(
            f"`diameter` must be half to twice that of the scanned part, "
            f"{LEAST_GROWN * scanned:.0f} to {MOST_GROWN * scanned:.0f} um, got {diameter:g} um"
        )
    return diameter / scanned


RELIEF = 5.0
"""Room that is left around a mesh, in standard deviations of the relief."""


def mesh_part(
    model: PartModel, roughness: Roughness, *, config: GenerateConfig, seed: int
) -> MeshPart:
    """A mesh with the model's roughness along its normals.

    Raises
    ------
    ValueError
        If the mesh is open, crosses itself, or does not fit the shape.
    """
    mesh = read_mesh(str(config.mesh), unit=config.mesh_unit)
    spread = float(roughness.sampler(seed=seed)((0, 0), (128, 128)).std())
    shape = config.shape or volume_around(mesh.vertices, model.voxel_um, relief_um=RELIEF * spread)
    # Faces do not close up: twice the longest edge keeps the two ends of a map apart.
    period = 2 * max(shape)
    heights = [
        roughness.sampler(seed=seed, stream=face, period=period) for face in range(len(FACING))
    ]
    return MeshPart(shape, model.voxel_um, mesh.vertices, mesh.faces, heights)


def _numbered(out: Path, number: int) -> Path:
    return out.with_name(f"{out.name.removesuffix('.zarr')}_{number:04d}.zarr")
