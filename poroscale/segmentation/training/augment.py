"""Changes of a training patch: drawn first, then applied.

The paper names flips, elastic deformation, noise, attenuation, cone-beam and beam-hardening
artefacts without numbers; the bounds are those of `AugmentationConfig`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import ceil, pi
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from poroscale.kernels.learning.augmentation import (
    Patch,
    add_noise,
    add_wave,
    flip,
    harden_beam,
    open_cone,
    rescale_attenuation,
    smear,
)
from poroscale.kernels.learning.elastic import (
    UNFOLDED,
    Deformation,
    control_points,
    deform,
    displacements,
)
from poroscale.segmentation.training.config import AugmentationConfig
from poroscale.volume import Index, Shape

Change = Callable[[Patch], Patch]
SHORTEST_WAVE = 4.0
"""Voxels; a shorter wave is noise."""


@dataclass(frozen=True)
class Augmentation:
    """All changes of one patch.

    Attributes
    ----------
    changes
        Of its grey values, in turn.
    axes
        Along which it is mirrored.
    deformation
        Of its shape, if any.
    margin
        Voxels around the patch that the deformation reads.
    """

    changes: tuple[Change, ...] = ()
    axes: tuple[int, ...] = ()
    deformation: Deformation | None = None
    margin: int = 0

    def shape(
        self, grey: NDArray[Any], pore: NDArray[Any] | None, edge: int
    ) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Grey values and truth of a patch with its margin, deformed and mirrored alike."""
        if self.deformation is not None:
            field = displacements(edge, self.deformation)
            grey = deform(grey, field, order=1)
            pore = None if pore is None else deform(pore, field, order=0)
        if self.axes:
            grey = flip(grey, axes=self.axes)
            pore = None if pore is None else flip(pore, axes=self.axes)
        return grey, pore

    def grey(self, patch: Patch) -> Patch:
        """Grey values changed, and cut to [0, 1]."""
        for change in self.changes:
            patch = change(patch)
        return np.clip(patch, np.float32(0), np.float32(1))


@dataclass(frozen=True)
class PatchPlace:
    """Place of a patch: edge and origin [voxels], and the shape of its scan."""

    edge: int
    origin: Index
    scan: Shape


def draw_augmentation(
    random: Generator, config: AugmentationConfig, place: PatchPlace
) -> Augmentation:
    """The changes of one patch."""
    if not config.enabled:
        return Augmentation()
    grey, shape = random.random(2)
    changes = _draw_grey(random, config, place) if grey < config.grey_share else ()
    if shape >= config.shape_share:
        return Augmentation(changes)
    if config.displacement and random.random() < 0.5:
        return _draw_elastic(random, config, place, changes)
    axes = tuple(int(axis) for axis in np.flatnonzero(random.random(3) < 0.5))
    return Augmentation(changes, axes)


def _draw_elastic(
    random: Generator, config: AugmentationConfig, place: PatchPlace, changes: tuple[Change, ...]
) -> Augmentation:
    """The field that control points over the whole scan have in one patch of it."""
    z, y, x = (max(1.0, n / (config.controls - 1)) for n in place.scan)
    most = min(config.displacement, UNFOLDED * min(z, y, x))
    number = max(control_points(place.edge, each) for each in (z, y, x))
    controls = random.uniform(-most, most, (3, number, number, number))
    pz, py, px = (float(each) for each in random.random(3))
    margin = ceil(most) + 1
    return Augmentation(changes, (), Deformation(controls, (z, y, x), (pz, py, px)), margin)


def _draw_grey(
    random: Generator, config: AugmentationConfig, place: PatchPlace
) -> tuple[Change, ...]:
    noise = _noise(random, config, place) if config.noise else ()
    choices: list[Callable[[], tuple[Change, ...]]] = []
    if config.noise:
        choices.append(lambda: noise)
    if any(config.attenuation):
        factor = 1 + random.uniform(*config.attenuation)
        choices.append(lambda: (partial(rescale_attenuation, factor=factor), *noise))
    if any(config.wave):
        choices.append(lambda: (_wave(random, config, place),))
    if config.blur:
        choices.append(lambda: (partial(smear, sigma=random.uniform(0, config.blur)),))
    if config.hardening:
        choices.append(lambda: (_hardening(random, config, place),))
    if config.cone or config.cone_blur:
        choices.append(lambda: (_cone(random, config, place),))
    return choices[random.integers(len(choices))]() if choices else ()


def _noise(random: Generator, config: AugmentationConfig, place: PatchPlace) -> tuple[Change, ...]:
    sigma, seed = random.uniform(0, config.noise), int(random.integers(1 << 62))
    return (partial(add_noise, sigma=sigma, seed=seed, origin=place.origin),)


def _wave(random: Generator, config: AugmentationConfig, place: PatchPlace) -> Change:
    """A direction evenly over the sphere, a length evenly over octaves."""
    direction = random.standard_normal(3)
    direction /= np.linalg.norm(direction) + 1e-12
    longest = max(2.0 * place.edge, 2 * SHORTEST_WAVE)
    length = np.exp(random.uniform(np.log(SHORTEST_WAVE), np.log(longest)))
    z, y, x = (float(each) for each in direction / length)
    amplitude, phase = random.uniform(*config.wave), random.uniform(0, 2 * pi)
    return partial(add_wave, amplitude=amplitude, wave=(z, y, x), phase=phase)


def _hardening(random: Generator, config: AugmentationConfig, place: PatchPlace) -> Change:
    _, y, x = place.scan
    return partial(
        harden_beam,
        depth=random.uniform(0, config.hardening),
        origin=place.origin,
        axis=(y / 2, x / 2),
        radius=min(y, x) / 2,
    )


def _cone(random: Generator, config: AugmentationConfig, place: PatchPlace) -> Change:
    half = place.scan[0] / 2
    return partial(
        open_cone,
        loss=random.uniform(0, config.cone),
        spread=random.uniform(0, config.cone_blur),
        origin=place.origin,
        middle=half,
        reach=half,
    )
