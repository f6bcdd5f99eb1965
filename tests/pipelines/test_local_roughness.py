"""Appendix A: pores that depend on the local roughness do so in new parts, if the model knows."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from poroscale.compare import CompareConfig
from poroscale.engine import Run
from poroscale.manifest import record_results
from poroscale.parts.model import ROUGHNESS
from poroscale.phantom import PhantomConfig, phantom
from poroscale.pipelines.compare import compare_parts
from poroscale.pipelines.fit import fit_part
from poroscale.pipelines.generate import GenerateConfig, generate_parts

RUN = Run(memory="6GiB")


def saved_as(model, source, folder):
    model.save(folder)
    shutil.copytree(source / ROUGHNESS, folder / ROUGHNESS)
    record_results(folder, outputs=[ROUGHNESS])
    return folder


def generated(folder, out, seed):
    config = GenerateConfig(shape=(2048, 192, 192), seed=seed)
    return next(iter(generate_parts(folder, out, config=config, run=RUN))).phases


def tied(model):
    """The same pores, the larger ones found under rougher patches."""
    pores = model.pores.copy()
    near = pores["local_roughness_um"].notna().to_numpy()
    rough = np.sort(pores.loc[near, "local_roughness_um"].to_numpy())
    rank = np.argsort(np.argsort(pores.loc[near, "volume_um3"].to_numpy()))
    pores.loc[near, "local_roughness_um"] = rough[rank]
    return replace(model, pores=pores)


@pytest.mark.slow
def test_covariances_are_nearer_with_local_roughness_than_without(tmp_path):
    config = PhantomConfig(shape=(384, 192, 192), porosity=0.012, seed=7)
    scan = phantom(tmp_path / "ph.zarr", config=config, run=RUN).truth
    law = saved_as(
        tied(fit_part([scan], tmp_path / "scan", run=RUN)), tmp_path / "scan", tmp_path / "law"
    )
    original = generated(law, tmp_path / "original.zarr", 5)
    knowing = tmp_path / "knowing"
    model = fit_part([original], knowing, run=RUN)
    blind = replace(model, settings={**model.settings, "use_roughness": False})
    errors, correlations = {}, {}
    for name, folder in (
        ("knowing", knowing),
        ("blind", saved_as(blind, knowing, tmp_path / "blind")),
    ):
        part = generated(folder, tmp_path / f"{name}.zarr", 21)
        compared = compare_parts(
            [original],
            [part],
            tmp_path / f"{name}_page",
            config=CompareConfig(bootstrap=0, splits=4),
            run=RUN,
        )
        rows = compared.numbers["covariance"]
        errors[name] = sum(row["scaled"] for row in rows)
        correlations[name] = next(r for r in rows if r["name"] == "volume_um3")["correlation"]
    assert errors["knowing"] < errors["blind"]
    assert correlations["knowing"][1] > 0.4 * correlations["knowing"][0] > 0.05
    assert correlations["blind"][1] < 0.5 * correlations["blind"][0]
