"""Appendix A: pores that depend on the local roughness do so in new parts, if the model knows."""

from dataclasses import replace

import numpy as np
import pytest

from poroscale.compare.covariance import covariance_error
from poroscale.engine import Run
from poroscale.kernels.parts.voxel_shapes import moments
from poroscale.parts.model import ROUGHNESS, PartModel
from poroscale.parts.placing.candidates import CandidateSampler
from poroscale.parts.placing.placement import Planner, place_pores
from poroscale.phantoms import PhantomConfig, phantom
from poroscale.pipelines.fit import fit_part
from poroscale.pipelines.generate import GenerateConfig, generate_part
from poroscale.pipelines.part_geometry import rough_part
from poroscale.surfaces.roughness import Roughness

RUN = Run(memory="6GiB")
LAYERS, WIDTH, NEAR_UM = 3072, 256, 40.0
MEASURES = ("volume_um3", "anisotropy", "long_axis_angle_deg")


def tied(model):
    """The same pores, the larger ones found under rougher patches."""
    pores = model.pores.copy()
    near = pores["local_roughness_um"].notna().to_numpy()
    rough = np.sort(pores.loc[near, "local_roughness_um"].to_numpy())
    rank = np.argsort(np.argsort(pores.loc[near, "volume_um3"].to_numpy()))
    pores.loc[near, "local_roughness_um"] = rough[rank]
    return replace(model, pores=pores)


def planned(model, roughness, seed):
    """(n, 2) local roughness and measure, by name, of the pores of a plan near the surface."""
    about = model.settings
    part = rough_part(
        about["part"],
        (LAYERS, WIDTH, WIDTH),
        model.voxel_um,
        half_um=tuple(about["half_um"]),
        roughness=roughness,
        seed=seed,
    )
    sampler = CandidateSampler(model, part, seed)
    plan = place_pores(Planner(sampler, model.bank.shapes, model.spacing), LAYERS)
    count, sums, _ = moments(model.bank.shapes)
    centroid = plan.corner + (sums / count[:, None] + 0.5)[plan.shape]
    near = (part.depth(centroid) * model.voxel_um < NEAR_UM) & ~plan.opened
    rough = part.local_roughness(centroid)
    return {
        name: finite(rough[near], model.bank.table[name][plan.shape][near]) for name in MEASURES
    }


def finite(rough, values):
    pairs = np.stack([rough, values], axis=1)
    return pairs[np.isfinite(pairs).all(axis=1)]


@pytest.mark.slow
def test_covariances_are_nearer_with_local_roughness_than_without(tmp_path):
    config = PhantomConfig(shape=(512, WIDTH, WIDTH), porosity=0.01, seed=7)
    scan = phantom(tmp_path / "ph.zarr", config=config, run=RUN).truth
    fit_part([scan], tmp_path / "scan", run=RUN)
    tied(PartModel.open(tmp_path / "scan")).save(tmp_path / "law")
    shape = GenerateConfig(shape=(LAYERS, WIDTH, WIDTH), seed=5)
    (original,) = generate_part(tmp_path / "law", tmp_path / "o.zarr", config=shape, run=RUN)
    knowing = fit_part([original.phases], tmp_path / "found", run=RUN)
    roughness = Roughness.load(tmp_path / "found" / ROUGHNESS)
    blind = replace(knowing, settings=knowing.settings.but(use_roughness=False))
    pores = knowing.pores[~knowing.pores["opened"]]
    for name in MEASURES:
        true = finite(pores["local_roughness_um"].to_numpy(), pores[name].to_numpy())
        wanted = np.cov((true / true.std(axis=0)).T)
        errors = [
            np.mean(
                [
                    covariance_error(np.cov((pairs / true.std(axis=0)).T), wanted)
                    for pairs in (planned(model, roughness, 100 + k)[name] for k in range(6))
                ]
            )
            for model in (knowing, blind)
        ]
        print(f"{name}: {len(true)} pores, {errors[0]:.3f} with, {errors[1]:.3f} without")
        assert errors[0] < 0.5 * errors[1], name
