"""Pores of a slab, drawn from a part model.

Each slab of the unbounded part is drawn by itself from a generator keyed by seed and slab, so that
its candidates are the same for any caller and any order. There are three ways:

- joint: a smoothed bootstrap over whole pores of the scans. A pore keeps its shape, its normalised
  radius r*, nearly its angle, its phase within the layers and, near the surface, the local
  roughness δr that it was found under; so every joint distribution of these is kept.
- maps: section 2.4 of the porosity-generator paper. Numbers from maps over (y, x); volume,
  anisotropy and orientation drawn independently of each other from the pores of the same bin.
- polar: its Appendix A. The same over (r*, θ), and near the surface also over δr.

Near the surface a pore looks at several places and takes one where it fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poroscale.identity import kernel
from poroscale.kernels.maps.local_roughness import NEAR_UM
from poroscale.kernels.noise import tile_generator
from poroscale.kernels.parts.packing import SLAB, Candidates, priorities
from poroscale.kernels.parts.voxel_shapes import moments
from poroscale.parts.bank import LOOKED_UP, nearest_shapes
from poroscale.parts.geometry import Geometry
from poroscale.parts.model import PartModel
from poroscale.parts.placing.bins import SHARPNESS, BinLists, PolarBins
from poroscale.parts.placing.fitting_in import fits_in_part
from poroscale.parts.placing.strata import Strata

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

DRAWS = 200
"""Stream of the slabs."""
TRIES = 8
"""Places that a pore near the surface looks at."""
OPEN_PLACES = 3
"""Of these, a pore that cuts the surface looks at so many, at several depths each."""
SHIFTS = (0.0, -1.0, 1.0, -2.0, 2.0, -3.0, 3.0, -4.0)
"""Voxels that it is moved outwards."""


class DrawnPores(NamedTuple):
    """Pores before they look for a place: source (n,), shape (n,), θ, r*, z [voxel] of each try."""

    source: Rows
    shape: Rows
    r_star: Floats
    theta: Floats
    z: Floats


@kernel("parts.CandidateSampler")
@dataclass(frozen=True)
class CandidateSampler:
    """Candidates of any slab.

    Attributes
    ----------
    model
        The part model.
    geometry
        The part that is to be filled.
    seed
        Another part for another number.
    """

    model: PartModel
    geometry: Geometry
    seed: int

    def __post_init__(self) -> None:
        check_sampling(self.model.settings.sampling, polar=self.geometry.polar)

    def __call__(self, slab: int) -> Candidates:
        """The candidates whose centroid is drawn in slab `slab`."""
        generator = tile_generator(self.seed, DRAWS, (slab, 0, 0))
        if not self.geometry.polar:
            return self._unpolar(slab, generator)
        match self.model.settings.sampling:
            case "joint":
                drawn = self._joint(slab, generator)
            case "polar":
                drawn = self._polar(slab, generator)
            case _:
                return self._maps(slab, generator)
        return self._settle(drawn, generator)

    @property
    def reach(self) -> int:
        """Voxels that a candidate can reach beyond its slab."""
        return int(self.model.bank.shapes.extents.max(initial=1)) + self._layer_voxels + 2

    @property
    def rate(self) -> float:
        """Pores that are meant to be placed per voxel layer."""
        return float(self.model.pores["rate"].sum()) * self._voxel * self.scale

    @property
    def _voxel(self) -> float:
        return self.geometry.voxel_um

    @property
    def scale(self) -> float:
        """Cross-section against that of the scans: another diameter keeps the number density."""
        return self.geometry.section * self._voxel**2 / float(self.model.settings.section_um2)

    @cached_property
    def _pores(self) -> dict[str, NDArray[Any]]:
        return {name: self.model.pores[name].to_numpy() for name in self.model.pores.columns}

    @cached_property
    def _cumulated(self) -> Floats:
        return np.cumsum(self._pores["weight"])

    @cached_property
    def _centroids(self) -> Floats:
        """(n, 3) centroid of each shape in its box [voxel]."""
        count, sums, _ = moments(self.model.bank.shapes)
        return sums / count[:, None] + 0.5

    @property
    def _layer_voxels(self) -> int:
        layer = self.model.settings.layer_um
        return 0 if layer is None else int(np.ceil(layer / self._voxel))

    def _number(self, slab: int, generator: np.random.Generator) -> int:
        """Number of pores that the slab is offered."""
        mean = float(self._cumulated[-1]) * self._voxel * SLAB * self.scale
        return draw_count(mean, float(self.model.settings.dispersion), generator)

    def _joint(self, slab: int, generator: np.random.Generator) -> DrawnPores:
        count, pores = self._number(slab, generator), self._pores
        total = self._cumulated[-1]
        source = np.searchsorted(self._cumulated, generator.random(count) * total, side="right")
        source = np.minimum(source, len(self._cumulated) - 1)
        jitter = self.model.settings.jitter
        depth = 1 - pores["r_star"][source]
        depth = depth * np.exp(jitter.depth * generator.standard_normal(count))
        r_star = np.abs(1 - depth)
        angle = pores["theta_rad"][source][:, None]
        theta = angle + jitter.theta_rad * generator.standard_normal((count, TRIES))
        z = slab * SLAB + SLAB * generator.random((count, TRIES))
        z = self._in_phase(z, pores["z_phase"][source])
        theta, z = self._clustered(r_star, theta, z, generator)
        return DrawnPores(source, pores["bank_row"][source], r_star, theta, z)

    def _in_phase(self, z: Floats, phase: Floats) -> Floats:
        layer = self.model.settings.layer_um
        if layer is None:
            return z
        height = layer / self._voxel
        return np.asarray((np.floor(z / height) + phase[:, None]) * height)

    def _clustered(
        self, r_star: Floats, theta: Floats, z: Floats, generator: np.random.Generator
    ) -> tuple[Floats, Floats]:
        """Some pores move beside the one that is next in r*."""
        cluster = self.model.settings.cluster
        count = len(r_star)
        chosen = generator.random(count) < cluster.fraction
        step = generator.standard_normal((count, TRIES, 2)) * cluster.scale_um / self._voxel
        if not chosen.any() or count < 2:
            return theta, z
        order = np.argsort(r_star, kind="stable")
        parent = np.empty(count, np.int64)
        parent[order] = np.roll(order, 1)
        radius = np.maximum(r_star * np.sqrt(self.geometry.section / np.pi), 1.0)
        beside = theta[parent, :1] + step[..., 0] / radius[:, None]
        above = z[parent, :1] + step[..., 1]
        moved = chosen & ~chosen[parent]
        return (
            np.where(moved[:, None], beside, theta),
            np.where(moved[:, None], above, z),
        )

    def _polar(self, slab: int, generator: np.random.Generator) -> DrawnPores:
        """Places within bins of (r*, θ), properties by independent draws from the bin."""
        drawn = self._joint(slab, generator)
        bins = PolarBins.of(self._pores, int(self.model.settings.bins))
        r_star, theta = bins.uniform(drawn.source, generator)
        near = self.model.pores["depth_um"].to_numpy()[drawn.source] < NEAR_UM
        points = self.geometry.place(r_star, theta, drawn.z[:, 0])
        rough = np.where(near, self.geometry.local_roughness(points), np.nan)
        targets = bins.properties(drawn.source, rough, generator)
        shape = nearest_shapes(self.model.bank, targets)
        spread = np.repeat(theta[:, None], TRIES, axis=1)
        return DrawnPores(drawn.source, shape, r_star, spread, drawn.z)

    def _settle(self, drawn: DrawnPores, generator: np.random.Generator) -> Candidates:
        """Each pore takes the first of its places at which it fits, likely ones first."""
        count = len(drawn.source)
        keys = generator.integers(0, 1 << 64, count, np.uint64, endpoint=False)
        order = self._likely_first(drawn, generator)
        opened = self._pores["opened"][drawn.source]
        corner = np.zeros((count, 3), np.int32)
        placed, waiting = np.ones(count, bool), np.arange(count)
        radius = np.sqrt(self.geometry.section / np.pi)
        for turn in range(TRIES * OPEN_PLACES):
            # A pore that cuts the surface is moved in and out at each of its first places.
            step = turn % TRIES
            pick = order[waiting, np.where(opened[waiting], turn // TRIES, step)]
            shift = np.where(opened[waiting], SHIFTS[step], 0.0) / radius
            theta = drawn.theta[waiting, pick]
            points = self.geometry.place(
                drawn.r_star[waiting] + shift, theta, drawn.z[waiting, pick]
            )
            corner[waiting] = self._corner(points, drawn.shape[waiting])
            fit = fits_in_part(
                self.model.bank.shapes,
                drawn.shape[waiting],
                corner[waiting],
                opened=opened[waiting],
                geometry=self.geometry,
            )
            waiting = waiting[~fit]
            if turn == TRIES - 1:
                placed[waiting[~opened[waiting]]] = False
                waiting = waiting[opened[waiting]]
            if not len(waiting):
                break
        placed[waiting] = False
        return self._candidates(corner, drawn, opened, keys).select(placed)

    def _likely_first(self, drawn: DrawnPores, generator: np.random.Generator) -> Rows:
        """(n, TRIES) order of the places: near the surface by how alike δr is to the source's."""
        known = self._pores["local_roughness_um"][drawn.source]
        # Gumbel noise: the largest sum with log weights draws without replacement by weight.
        luck = -np.log(-np.log(np.maximum(generator.random(drawn.z.shape), 1e-300)))
        tied = np.flatnonzero(np.isfinite(known)) if self._uses_roughness else np.zeros(0, np.int64)
        if len(tied):
            flat = np.repeat(drawn.r_star[tied], TRIES)
            points = self.geometry.place(flat, drawn.theta[tied].ravel(), drawn.z[tied].ravel())
            found = self.geometry.local_roughness(points).reshape(-1, TRIES)
            width = SHARPNESS * float(self.model.settings.roughness_spread_um) + 1e-9
            luck[tied] -= 0.5 * ((found - known[tied][:, None]) / width) ** 2
        return np.argsort(-luck, axis=1, kind="stable")

    @property
    def _uses_roughness(self) -> bool:
        return bool(self.model.settings.use_roughness)

    def _corner(self, points: Floats, shape: Rows) -> NDArray[np.int32]:
        return np.floor(points - self._centroids[shape] + 0.5).astype(np.int32)

    def _candidates(
        self,
        corner: NDArray[np.int32],
        drawn: DrawnPores,
        opened: NDArray[np.bool_],
        keys: NDArray[np.uint64],
    ) -> Candidates:
        extents = self.model.bank.shapes.extents[drawn.shape]
        return Candidates(
            corner,
            drawn.shape.astype(np.int32),
            drawn.source.astype(np.int32),
            opened.astype(bool),
            priorities(extents, keys),
        )

    def _maps(self, slab: int, generator: np.random.Generator) -> Candidates:
        """Numbers from the maps, properties independent of each other (section 2.4)."""
        density, pores = self.model.density, self._pores
        window = density[generator.integers(len(density))]
        share = SLAB * self._voxel / float(self.model.settings.window_um) * self.scale
        expected = window * share * float(self.model.settings.calibration.map_factor)
        # Bernoulli below one, else rounded, as in the authors' code: rounding at random does both.
        number = np.floor(expected + generator.random(window.shape)).astype(np.int64)
        row, column = np.repeat(np.argwhere(number > 0), number[number > 0], axis=0).T
        count, bins = len(row), len(window)
        lists = BinLists.of(pores["map_bin"].astype(np.int64), bins * bins)
        home = row * bins + column
        targets = {name: pores[name][lists.draw(home, generator)] for name in LOOKED_UP}
        source = lists.draw(home, generator)
        shape = nearest_shapes(self.model.bank, targets)
        width = np.sqrt(self.scale) * float(self.model.settings.width_um) / self._voxel
        middle = np.array(self.geometry.shape[1:]) / 2
        across = (np.stack([row, column], axis=1) + generator.random((count, 2))) / bins - 0.5
        z = slab * SLAB + SLAB * generator.random(count)
        points = np.column_stack([z, middle + across * width])
        corner = self._corner(points, shape)
        keys = generator.integers(0, 1 << 64, count, np.uint64, endpoint=False)
        opened = np.zeros(count, bool)
        drawn = DrawnPores(source, shape, z, z[:, None], z[:, None])
        fit = fits_in_part(
            self.model.bank.shapes, shape, corner, opened=opened, geometry=self.geometry
        )
        return self._candidates(corner, drawn, opened, keys).select(fit)

    def _unpolar(self, slab: int, generator: np.random.Generator) -> Candidates:
        """Places anywhere, thinned by depth; a pore from about the same depth is put there."""
        strata = Strata.of(self._pores, self.model.settings)
        volume = float(np.prod(self.geometry.shape[1:])) * SLAB * self._voxel**3
        count = generator.poisson(strata.densest * volume)
        points = generator.random((count, 3)) * (SLAB, *self.geometry.shape[1:])
        points[:, 0] += slab * SLAB
        luck, choice = generator.random((2, count))
        keys = generator.integers(0, 1 << 64, count, np.uint64, endpoint=False)
        r_star = self.geometry.normalised_radius(points)
        kept = strata.accept(r_star, luck)
        source = strata.source(r_star[kept], choice[kept])
        shape = self._pores["bank_row"][source]
        corner, opened = self._corner(points[kept], shape), self._pores["opened"][source]
        drawn = DrawnPores(source, shape, r_star[kept], points[kept], points[kept])
        fit = fits_in_part(
            self.model.bank.shapes, shape, corner, opened=opened, geometry=self.geometry
        )
        return self._candidates(corner, drawn, opened, keys[kept]).select(fit)


def check_sampling(sampling: str, *, polar: bool) -> None:
    """Refuse the published samplings for parts that they cannot place pores in.

    Raises
    ------
    ValueError
        If the part is a box or a mesh, and pores are not drawn jointly.
    """
    if sampling != "joint" and not polar:
        raise ValueError(
            f"`sampling` {sampling} must have a cylinder to place pores in, got a box or a mesh; "
            "fit the model with `sampling` joint"
        )


def draw_count(mean: float, dispersion: float, generator: np.random.Generator) -> int:
    """A count of this mean, whose variance is `dispersion` times the mean.

    Poisson for 1, negative binomial above, binomial below.
    """
    if mean <= 0:
        return 0
    if dispersion > 1.0:
        mean *= generator.gamma(mean / (dispersion - 1), (dispersion - 1) / mean)
    if dispersion < 1.0:
        trials = max(1, round(mean / (1 - max(dispersion, 0.05))))
        return int(generator.binomial(trials, min(1.0, mean / trials)))
    return int(generator.poisson(mean))
