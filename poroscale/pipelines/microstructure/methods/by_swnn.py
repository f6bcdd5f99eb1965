"""A trained network of SWNN: the method "swnn"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from poroscale.engine import available_cores
from poroscale.microstructure.field.observed import fraction_of
from poroscale.microstructure.model import MicrostructureModel
from poroscale.microstructure.shares import Gradient, with_fraction
from poroscale.microstructure.swnn import ByPlace, Level, SwnnField, SwnnSampler
from poroscale.microstructure.swnn_tile import plan_swnn_tile, tile_bytes
from poroscale.microstructure.swnn_training.autocorrelation import wanted_s2
from poroscale.microstructure.swnn_training.calibration import (
    REFERENCE,
    FractionCurve,
    balanced_mean,
    calibrated_swnn,
)
from poroscale.microstructure.swnn_training.conditions import calibrated_conditions
from poroscale.microstructure.swnn_training.course import ShareCourse
from poroscale.microstructure.swnn_training.lineal import wanted_lineal_path
from poroscale.microstructure.swnn_training.recipe import SwnnRecipe
from poroscale.microstructure.swnn_training.targets import (
    AXIS_OF,
    Target,
    coarse_of_sections,
    image_target,
    of_conditions,
    of_one_deviation,
    pattern_codes,
    sections_by_axis,
    wanted_target,
)
from poroscale.microstructure.swnn_training.train import depth_of, trained_swnn
from poroscale.microstructure.swnn_weights import import_published_swnn, save_swnn, swnn_shape
from poroscale.networks.swnn import DEPTH, WIDTH, SwnnShape
from poroscale.pipelines.microstructure.images import TrainingImages
from poroscale.pipelines.microstructure.methods.contract import (
    ALLOWED,
    TRAINING,
    WORKERS,
    FitInput,
    Fitted,
)
from poroscale.pipelines.microstructure.settings import (
    FitMicrostructureConfig,
    SwnnConfig,
    fractions_by_phase,
)
from poroscale.pipelines.microstructure.wishes import (
    GenerateMicrostructureConfig,
    varying_share,
)
from poroscale.volume import Shape, Volume

MOST_SECTIONS = 16
"""Sections of a volume across each axis that are learnt from."""
GRAPH = 6
"""Copies of the values of all layers that a step holds: values, gradients, and what convolves."""


def need(config: FitMicrostructureConfig) -> int:
    """Bytes that a step of the training takes, or the reference sample after it."""
    own = config.swnn
    recipe = own.training(1 << 20)
    shape = _shape(own, own.depth or DEPTH)
    thin = 1 if not recipe.cube and shape.dimensions == 3 else recipe.edge
    edges = [thin, *[recipe.edge] * (shape.dimensions - 1)]
    layers = sum(
        prod(edge + 2 * layer for edge in edges) * shape.width for layer in range(shape.depth)
    )
    if recipe.cube:  # the cubes of all targets pass through together
        layers *= max(1, len(fractions_by_phase(own.fraction)))
    compared = recipe.scales * recipe.filters * (recipe.patterns or recipe.edge**2)
    reference = tile_bytes(shape, (REFERENCE,) * 3, winograd=True) + 16 * REFERENCE**3
    return max(4 * GRAPH * (layers + compared), reference)


def fit(given: FitInput) -> Fitted:
    """Train a network, or import one, and calibrate it; writes its weights."""
    config = given.config.swnn
    phases = given.images.phases.count
    observed = tuple(fraction_of(given.correlations, code) for code in range(phases))
    if config.weights is None:
        targets, distance = _train(given)
        words = [f"mean sliced-Wasserstein distance of the last iterations: {distance:.4f}"]
    else:
        targets, words = [_import(given, observed)], [f"weights of {config.weights}"]
    base = targets[len(targets) // 2]
    fractions = observed if config.fraction is None else base.fractions
    network, _ = swnn_shape(given.weights)
    tile = _tile(network, given.config.microstructure.tile)
    field = SwnnField.of(
        given.weights.absolute(),
        tile,
        deviation=base.deviation,
        condition=0.0 if network.targets else None,
    )
    details = {"weights": field.digest, "deviation": base.deviation}
    if network.targets:
        wanted = fractions_by_phase(config.fraction)
        phase, shares = wanted[0][0], sorted(share for _, share in wanted)
        fractions = with_fraction(observed, phase, shares[len(shares) // 2])
        course = calibrated_conditions(field, fractions, phase=phase, shares=shares)
        details["course"] = course.details
        details["thresholds"] = list(course.at(fractions[phase])[1])
    else:
        thresholds, curve = calibrated_swnn(
            field, fractions, base=base.mean, also=[each.mean for each in targets]
        )
        details |= {"thresholds": list(thresholds), "curve": curve.details}
    for phase in range(phases):
        with suppress(ValueError):  # a phase that cannot be wished for
            words.append(_reach(_course(details, phase, phases)))
    return Fitted(fractions, tile, details | {"words": words})


def sampler(
    model: MicrostructureModel, config: GenerateMicrostructureConfig, mask: Volume | None
) -> SwnnSampler:
    """The phases that the network of a model makes with the fractions that are wished for.

    Raises
    ------
    ValueError
        If a fraction is out of reach.
    """
    details = model.settings.details
    found, levels = _given(model, config, mask)
    field = SwnnField.of(
        model.weights.absolute(),
        model.settings.tile,
        seed=config.seed,
        deviation=float(details["deviation"]),
        period=config.period,
        **{"condition" if "course" in details else "mean": found},
    )
    if field.digest != details["weights"]:
        raise OSError(f"{model.weights} was altered after it was calibrated; fit the model again")
    return SwnnSampler(field, levels)


def _given(
    model: MicrostructureModel, config: GenerateMicrostructureConfig, mask: Volume | None
) -> tuple[float | ByPlace, tuple[Level, ...]]:
    """Mean of the noise, or condition, and thresholds for what is wished."""
    details = model.settings.details
    varying = varying_share(model, config, mask)
    if varying is None:
        wanted = config.fractions
        model.wanted(wanted)
        if not wanted:
            return _base(model)
        if len(wanted) > 1:
            raise ValueError(
                f"`fraction` must name one phase for a model of the method swnn, got {len(wanted)}"
            )
        ((phase, fraction),) = wanted.items()
        return _course(details, phase, model.phases).at(fraction)
    phase, share = varying
    course = _course(details, phase, model.phases)
    for each in (share.first, share.last) if isinstance(share, Gradient) else (share.inside,):
        course.check(each)
    return course.placed(share, config.shape, periodic=config.periodic)


def _base(model: MicrostructureModel) -> tuple[float, tuple[float, ...]]:
    """Mean or condition, and thresholds, where nothing is wished for."""
    details = model.settings.details
    if "course" in details:
        course = ShareCourse.of_details(details["course"])
        return course.at(model.settings.fractions[course.phase])
    return FractionCurve.of_details(details).base, tuple(map(float, details["thresholds"]))


def _course(details: Mapping[str, Any], phase: int, phases: int) -> ShareCourse:
    """What the network is given for each fraction of a phase."""
    if "course" in details:
        return ShareCourse.of_details(details["course"]).of_phase(phase, phases)
    curve = FractionCurve.of_details(details)
    return curve.course(phase, [float(each) for each in details["thresholds"]])


def _reach(course: ShareCourse) -> str:
    first, last = course.shares[0], course.shares[-1]
    return f"phase {course.phase}: fractions from {first:.3f} to {last:.3f} are within reach"


def _train(given: FitInput) -> tuple[list[Target], float]:
    config = given.config.swnn
    sections = list(_sections(given.images))
    edge = min(min(codes.shape) for _, codes in sections)
    recipe = config.training(edge)
    recipe.check(config.template, edge)
    own = given.config.microstructure
    targets = _targets(config, recipe, sections, given.images.phases.count, seed=own.seed)
    depth = config.depth
    if depth is None:
        phases = range(given.images.phases.count)
        curves = [each.found.correlation(code) for each in given.correlations for code in phases]
        depth = depth_of(curves, config.template)
    several = len(targets) if len(targets) > 1 and config.targets == "condition" else 0
    shape = replace(_shape(config, depth), targets=several)
    _tile(shape, own.tile)  # refuses one that is too large before the training
    torch.set_num_threads(own.threads or available_cores())
    network, distance = trained_swnn(
        targets,
        given.folder / TRAINING,
        shape=shape,
        recipe=recipe,
        template=config.template,
        seed=own.seed,
        progress=given.progress,
    )
    torch.set_num_threads(1)  # as samplers want it
    save_swnn(given.weights, network, {"method": "swnn", "distance": distance})
    return targets, distance


def _targets(
    config: SwnnConfig,
    recipe: SwnnRecipe,
    sections: Sequence[tuple[int, NDArray[np.integer]]],
    phases: int,
    *,
    seed: int,
) -> list[Target]:
    by_axis = sections_by_axis(sections)
    if config.dimensions == 2:
        if len({id(each) for each in by_axis.values()}) > 1:
            raise ValueError("`dimensions` must be 3 for images of several planes, got 2")
        by_axis = {0: by_axis[0]}
    codes = {
        axis: pattern_codes(each, config.template, seed=seed, axis=axis)
        for axis, each in by_axis.items()
    }
    _refuse_whole_curves(config)
    if recipe.loss == "autocorrelation":
        return [_with_curves(image_target(codes, phases), recipe, by_axis, phases)]
    coarse = [
        {
            axis: coarse_of_sections(each, config.template, step, phases, seed=seed, axis=axis)
            for axis, each in by_axis.items()
        }
        for step in recipe.steps[1:]
    ]
    wanted = fractions_by_phase(config.fraction)
    if not wanted:
        return [_with_curves(image_target(codes, phases, coarse), recipe, by_axis, phases)]
    phase = wanted[0][0]
    if {each for each, _ in wanted} != {phase} or not 0 <= phase < phases:
        raise ValueError(
            f"`fraction` must name one phase from 0 to {phases - 1} for training, "
            f"got {config.fraction}"
        )
    found = [
        wanted_target(codes, phases, phase=phase, wanted=share, seed=seed, coarse=coarse)
        for _, share in wanted
    ]
    if len(found) > 1 and config.targets == "condition":
        return of_conditions(found, phase)
    return of_one_deviation(found)


def _refuse_whole_curves(config: SwnnConfig) -> None:
    """Refuse curves of whole sections where the patterns are drawn for something else."""
    if config.fraction is None and config.within is None:
        return
    taken = {"loss": config.loss != "patterns", "lineal_path": config.lineal_path > 0}
    for name in (name for name, is_taken in taken.items() if is_taken):
        kept = "patterns" if name == "loss" else "0"
        raise ValueError(
            f"`{name}` must be {kept} with `fraction` or `within`: patterns can be drawn for "
            "them, a curve of whole sections cannot"
        )


def _with_curves(
    target: Target,
    recipe: SwnnRecipe,
    by_axis: Mapping[int, Sequence[NDArray[np.integer]]],
    phases: int,
) -> Target:
    """A target with the curves of whole sections that the recipe compares."""
    reach = recipe.edge // 2
    if recipe.loss == "autocorrelation":
        s2 = {axis: wanted_s2(each, phases, reach) for axis, each in by_axis.items()}
        target = replace(target, s2=s2)
    if recipe.lineal_path:
        paths = {axis: wanted_lineal_path(each, phases, reach) for axis, each in by_axis.items()}
        target = replace(target, lineal=paths)
    return target


def _sections(images: TrainingImages) -> Iterator[tuple[int, NDArray[np.integer]]]:
    """Axis across each section, and its phases; of a volume a few across each axis."""
    for volume, plane in zip(images.volumes, images.planes, strict=True):
        if plane is not None:
            yield AXIS_OF[plane], images.phases.codes(volume.read())[0]
            continue
        for axis in range(3):
            extent = volume.shape[axis]
            count = min(extent, MOST_SECTIONS)
            for place in np.linspace(0, extent - 1, count).round().astype(int):
                z, y, x = (int(place) if k == axis else 0 for k in range(3))
                dz, dy, dx = (1 if k == axis else n for k, n in enumerate(volume.shape))
                block = volume.read((z, y, x), (dz, dy, dx))
                yield axis, np.squeeze(images.phases.codes(block), axis=axis)


def _import(given: FitInput, observed: tuple[float, ...]) -> Target:
    """Bring published weights in; the noise is N(mean, 1), as in the authors' test scripts."""
    config = given.config.swnn
    if config.fraction is not None:
        raise ValueError("`fraction` must be left out with `weights`, which are not trained")
    assert config.weights is not None
    wanted = {"depth": config.depth, "width": config.width, "dimensions": config.dimensions}
    import_published_swnn(
        config.weights, given.weights, {k: v for k, v in wanted.items() if v is not None}
    )
    mean = balanced_mean(SwnnField.of(given.weights.absolute(), REFERENCE), observed)
    return Target({}, observed, mean)


def _shape(config: SwnnConfig, depth: int) -> SwnnShape:
    return SwnnShape(depth, config.width or WIDTH, dimensions=config.dimensions)


def _tile(network: SwnnShape, edge: int | None) -> Shape:
    flat = network.dimensions == 2
    return plan_swnn_tile(
        network, memory=ALLOWED, workers=WORKERS, winograd=not flat, edge=edge
    ).tile
