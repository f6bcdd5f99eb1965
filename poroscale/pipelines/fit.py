"""From scanned parts to a part model.

1. Measure every part: pores and surface (`measured.py`), in a folder that is removed at the end.
2. Fit the roughness to the surfaces.
3. Cut the bank of pores out, train or draw it.
4. Fit where pores lie, and correct for those that placement will reject.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import PositiveInt

from poroscale.config import Config, parse_stages
from poroscale.engine import JobPlan, Run, connect
from poroscale.engine.job_plan import planned
from poroscale.engine.jobs.recipe import plain
from poroscale.engine.jobs.work import held_folder
from poroscale.engine.workers.cluster import cluster_of
from poroscale.manifest import digest_of, record_results
from poroscale.parts.bank import Bank, ellipsoid_bank, empirical_bank, join_banks
from poroscale.parts.dcgan_config import DcganConfig
from poroscale.parts.fit import FitSettings, ScanPores, fit_part_model
from poroscale.parts.geometry import Geometry
from poroscale.parts.model import ROUGHNESS, PartModel, spread_of
from poroscale.parts.placing.candidates import check_sampling
from poroscale.pipelines.measured import MeasuredPart, measure_part, plan_part
from poroscale.pipelines.part_geometry import rough_part
from poroscale.storage.parquet_files import read_parquet
from poroscale.surfaces import SurfaceConfig
from poroscale.surfaces.coordinates import surface_coordinates, texture_maps
from poroscale.surfaces.roughness import Roughness, RoughnessConfig, fit_roughness
from poroscale.verb import Section, verb
from poroscale.volume import Volume

MOST_UNLIKE = 2.0
"""Sizes of parts that are pooled, one over the other."""
GAN = "dcgan"
"""Folder in which a GAN is trained, in that of what is measured."""
NEEDED = (
    "label",
    "voxel_count",
    "volume_um3",
    "anisotropy",
    "long_axis_angle_deg",
    "long_axis_azimuth_deg",
    "extent_z_um",
    "neighbour_gap_um",
    "open",
    *(f"centroid_{axis}_um" for axis in "zyx"),
)


class FitConfig(Config):
    """Settings for fitting a part model.

    Attributes
    ----------
    bank
        Origin of the shapes of pores: the scan's own, those of a trained DCGAN, or ellipsoids.
    sampling
        Way of drawing them: "joint" keeps whole pores with their place; "maps" and "polar" are the
        published ways (the paper's section 2.4 and Appendix A).
    bins
        Bins of the published maps along x and y.
    seed
        Number from which training and simulation draw.
    """

    bank: Literal["empirical", "dcgan", "ellipsoid"] = "empirical"
    sampling: Literal["joint", "maps", "polar"] = "joint"
    bins: PositiveInt = 30
    seed: int = 0


STAGES: dict[str, type[Config]] = {
    "fit": FitConfig,
    "surface": SurfaceConfig,
    "roughness": RoughnessConfig,
    "dcgan": DcganConfig,
}


@dataclass(frozen=True)
class FitPartConfig:
    """The settings of the stages of a fit; a section of a YAML file is named as its stage."""

    fit: FitConfig = field(default_factory=FitConfig)
    surface: SurfaceConfig = field(default_factory=SurfaceConfig)
    roughness: RoughnessConfig = field(default_factory=RoughnessConfig)
    dcgan: DcganConfig = field(default_factory=DcganConfig)

    @classmethod
    def of(cls, sections: Mapping[str, Mapping[str, Any]]) -> FitPartConfig:
        """The settings in the sections of a file.

        Raises
        ------
        ValueError
            Naming an unknown section or key, or a wrong value.
        """
        return cls(**parse_stages(STAGES, sections))


def config_of_file(sections: Mapping[str, Mapping[str, Any]]) -> FitPartConfig:
    """The settings in a file that may hold sections of other verbs, too."""
    return FitPartConfig.of({name: sections[name] for name in STAGES if name in sections})


@verb(
    "fit_part",
    *(Section.of(name, STAGES[name]) for name in ("fit", "surface", "roughness")),
    volumes=("phases",),
    plan="plan_fit_part",
    parse=config_of_file,
)
def fit_part(
    phases: Sequence[Volume],
    model_dir: str | Path,
    *,
    config: FitPartConfig | None = None,
    run: Run | None = None,
) -> PartModel:
    """Fit a part model to scanned parts.

    Parameters
    ----------
    phases
        Phases of the parts: 0 outside, 1 solid, 2 pore. All of one form, with one voxel size.
    model_dir
        Folder of the model.
    config
        Settings of the stages.
    run
        Memory, workers and cluster.

    Returns
    -------
    PartModel
        As it stands in the folder.

    Raises
    ------
    ValueError
        If there are no pores, a surface leaves its volume, the parts are unlike, or the folder
        holds a model that was fitted otherwise.
    """
    config, model_dir, run = config or FitPartConfig(), Path(model_dir), run or Run()
    volumes = list(phases)
    made_by = _made_by(volumes, config)
    work = model_dir.with_name(f"{model_dir.name}.work")
    with held_folder(model_dir), connect(run, job="fit") as shared:
        if not run.overwrite and _finished(model_dir, made_by):
            return PartModel.open(model_dir)
        if config.surface.part == "box":  # said before the parts are measured
            check_sampling(config.fit.sampling, polar=False)
        shared = planned(shared, partial(plan_fit_part, volumes))  # noqa: PLW2901
        parts = [
            measure_part(volume, work / f"part_{i}", surface=config.surface, run=shared)
            for i, volume in enumerate(volumes)
        ]
        roughness = _fit_roughness(parts, config)
        roughness.save(model_dir / ROUGHNESS)
        model = _fit_model(parts, roughness, config, folder=work, run=shared)
        model = replace(model, settings=model.settings.but(made_by=made_by))
        model.save(model_dir, run=shared)
        record_results(model_dir, outputs=[ROUGHNESS])
    shutil.rmtree(work, ignore_errors=True)
    return model


def _made_by(volumes: Sequence[Volume], config: FitPartConfig) -> str:
    """Digest of what the model follows from."""
    return digest_of(
        {
            "phases": [plain(volume) for volume in volumes],
            "fit": config.fit.model_dump(),
            "surface": config.surface.model_dump(),
            "roughness": config.roughness.model_dump(),
            "dcgan": config.dcgan.model_dump() if config.fit.bank == "dcgan" else None,
        }
    )


def plan_fit_part(
    phases: Sequence[Volume | str | Path],
    *,
    run: Run | None = None,
) -> JobPlan:
    """The plan of `fit_part`, part by part: pores and surface of each are measured.

    Raises
    ------
    MemoryError
        If the budget cannot hold one of the stages of a part.
    """
    volumes = [each if isinstance(each, Volume) else Volume.open(each) for each in phases]
    return JobPlan(jobs={str(part.path): plan_part(part, run or Run()) for part in volumes})


def _finished(model_dir: Path, made_by: str) -> bool:
    try:
        found = PartModel.open(model_dir)
    except FileNotFoundError:
        return False
    if found.settings.made_by == made_by:
        return True
    raise ValueError(
        f"{model_dir} was fitted to other parts or with other settings; "
        "choose another name, or replace it with `overwrite`"
    )


def _fit_roughness(parts: Sequence[MeasuredPart], config: FitPartConfig) -> Roughness:
    first = parts[0].surface.roughness
    for part in parts[1:]:
        other = part.surface.roughness
        if other["part"] != first["part"] or other["voxel_um"] != first["voxel_um"]:
            raise ValueError(
                f"parts of one model must have one form and voxel size, got {first['part']} of "
                f"{first['voxel_um']:g} um and {other['part']} of {other['voxel_um']:g} um"
            )
    halves = [part.surface.roughness["half_um"] for part in parts]
    if spread_of(halves) > MOST_UNLIKE:
        sizes = " and ".join(f"{2 * y:.0f} x {2 * x:.0f} um" for y, x in halves)
        raise ValueError(
            f"parts of one model must be at most {MOST_UNLIKE:g} times as large as another, got "
            f"{sizes}; fit a model to each"
        )
    check_sampling(config.fit.sampling, polar=first["part"] == "cylinder")
    return fit_roughness(
        [each for part in parts for each in texture_maps(part.surface)],
        voxel_um=first["voxel_um"],
        periodic=first["part"] == "cylinder",
        config=config.roughness,
        seed=config.fit.seed,
    )


def _fit_model(
    parts: Sequence[MeasuredPart],
    roughness: Roughness,
    config: FitPartConfig,
    *,
    folder: Path,
    run: Run,
) -> PartModel:
    scans = [scanned_pores(part) for part in parts]
    about = parts[0].surface.roughness
    settings = FitSettings(
        part=about["part"],
        voxel_um=about["voxel_um"],
        radius_um=about["radius_um"],
        section_um2=_mean_section(parts, scans),
        volume_width=min(parts[0].phases.shape[1:]),
        half_um=(about["half_um"][0], about["half_um"][1]),
        sampling=config.fit.sampling,
        bins=config.fit.bins,
        seed=config.fit.seed,
        bank_kind=config.fit.bank,
    )
    width = (settings.volume_width, settings.volume_width)

    def geometry_of(layers: int, seed: int) -> Geometry:
        return rough_part(
            settings.part,
            (layers, *width),
            settings.voxel_um,
            half_um=settings.half_um,
            roughness=roughness,
            seed=seed,
        )

    with cluster_of(run) as cluster:
        workers = cluster.workers
    bank = _bank(config, [scan.bank for scan in scans], folder=folder, run=run)
    return fit_part_model(
        scans, settings, geometry_of=geometry_of, bank=bank, workers=workers, show=run.progress
    )


def _bank(config: FitPartConfig, banks: Sequence[Bank], *, folder: Path, run: Run) -> Bank | None:
    """Shapes in place of the scans' own, if others are wanted."""
    if config.fit.bank == "empirical":
        return None
    own = join_banks(banks)
    if config.fit.bank == "ellipsoid":
        return ellipsoid_bank(own)
    from poroscale.parts.dcgan import dcgan_bank

    return dcgan_bank(own, folder / GAN, config=config.dcgan, seed=config.fit.seed, run=run)


def _mean_section(parts: Sequence[MeasuredPart], scans: Sequence[ScanPores]) -> float:
    """Area of the cross-section, mean over the length of all scans: rates are per such length."""
    sections = [_section(part.surface.roughness) for part in parts]
    return float(np.average(sections, weights=[scan.length_um for scan in scans]))


def _section(about: Mapping[str, Any]) -> float:
    y, x = about["half_um"]
    return math.pi * y * x if about["part"] == "cylinder" else 4 * y * x


def scanned_pores(part: MeasuredPart) -> ScanPores:
    """The pores of a measured part with their place below its surface."""
    names = [*NEEDED, *(f"{axis}{side}" for side in "01" for axis in "zyx")]
    read = read_parquet(part.table, columns=names)
    table = {name: read.column(name).to_numpy() for name in names}
    points = np.stack([table[f"centroid_{axis}_um"] for axis in "zyx"], axis=1)
    table |= surface_coordinates(part.surface, points)
    about, first = part.surface.roughness, part.phases.origin[0]
    low, high = (first + row for row in about["rows"])
    cut = (table["z0"] <= low) | (table["z1"] >= high)
    length = (about["rows"][1] - about["rows"][0]) * about["voxel_um"]
    columns = {**table, "cut": cut, "z_um": table["z_um"] - about["rows"][0] * about["voxel_um"]}
    half = (about["half_um"][0], about["half_um"][1])
    bank = empirical_bank(part.labels, table)
    return ScanPores(part.phases.path.name, length, columns, bank, half)
