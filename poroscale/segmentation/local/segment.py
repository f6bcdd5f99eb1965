"""Grey values to phases by local surfaces and partial volume, at any size.

1. Samples tell the levels of the dark and the bright material, and the noise.
2. A coarse copy in memory tells the level of the solid roughly, and what is outside.
3. Samples of surfaces tell the point spread.
4. One pass adds up, on cells of 4 voxels, what is solid for sure: its local level. The cores of
   resolved pores tell the level of a void.
5. The outside is flooded up to the local middle between air and solid.
6. Near every pore, the share of pore in each voxel is what the scan lacks of the grey value that is
   expected there without pores.
7. Pore voxels are those above half the depth of their pore; their components are filtered. Porosity
   is the sum of shares: it needs no threshold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Run, connect, map_pass, volume_from_array
from poroscale.engine.jobs.recipe import input_identity
from poroscale.engine.jobs.work import finished_before, work_folder
from poroscale.kernels.grey.partial_volume import normalise
from poroscale.kernels.grey.survey import (
    ROBUST,
    Cubes,
    EdgeSums,
    Levels2,
    cubes_of,
    edge_sums,
    point_spread,
    two_levels,
)
from poroscale.segmentation.local.config import LocalConfig
from poroscale.segmentation.local.fields import ArrayField, LevelField
from poroscale.segmentation.local.first_look import FirstLook, added, deviation, median, surely
from poroscale.segmentation.local.levels import CellSampler, measure_levels
from poroscale.segmentation.local.materials import other_materials
from poroscale.segmentation.local.outside.coarse import coarse_level, coarse_of
from poroscale.segmentation.local.outside.padding import padded_circle, with_dark_padding
from poroscale.segmentation.local.outside.place import Look, Place, find_place, mask_of
from poroscale.segmentation.local.record import (
    CLIPPED,
    RINGS,
    Findings,
    bright_padding,
    clipped,
    record_of,
)
from poroscale.segmentation.local.rings import RingSampler, recognised, without_rings
from poroscale.segmentation.local.samples import Tiles, evenly, finite
from poroscale.segmentation.local.shares import (
    PHASES,
    Model,
    add_up,
    find_pores,
    flood_air,
    write_shares,
)
from poroscale.segmentation.local.void import VoidLevel, void_level
from poroscale.segmentation.thresholds.fields import Nowhere
from poroscale.volume import FieldSampler, Index, Volume

VERSION = 1
"""Raised whenever the same scan gives other phases, or another record of them."""
SAMPLED = 8192
"""Voxels of a tile from which the span of grey values is taken."""
USUAL_SPREAD = 0.8
"""Point spread [voxels] where no surface tells one."""
EDGE_REACH, WIDEST_SPREAD, EDGE_TILES = 4.0, 3.0, 27
LIKE_SOLID = 0.25
"""How near to the solid's a grey value beyond the circle may be to be solid: of a square sample."""
NOWHERE = -4.0
"""Stands beyond the circle: so strange that nothing near it tells the point spread."""
SHIFTED_ERROR = 0.02
"""Error of the level of a void where rings were taken out, or grey values cut off."""
LEAST_SEED = 0.1
"""Smoothed share that begins a pore at least."""


def segment_local(
    scan: Volume,
    out: str | Path,
    *,
    shares: str | Path | None = None,
    config: LocalConfig | None = None,
    run: Run | None = None,
) -> Volume:
    """Outside, solid and pore phases of a scan by local levels and partial volume.

    Parameters
    ----------
    scan
        Grey values, bright where dense.
    out
        Folder of the phases: uint8, 0 outside, 1 solid, 2 pore.
    shares
        Folder in which the shares of pore are kept: int8, hundredths near pores, 0 elsewhere,
        -128 outside. The pore table takes volumes from them.
    config
        Outside, smallest pores.
    run
        Memory, workers and cluster.

    Returns
    -------
    Volume
        The phases; `attributes["segmentation"]` records levels, point spread, noise, porosity with
        its interval, the outside as it was read, and what a reader should be warned of.

    Raises
    ------
    ValueError
        If the scan has one grey value only, no contrast, or holds NaN.
    """
    config, run, out = config or LocalConfig(), run or Run(), Path(out)
    mask_of(config, scan)  # before anything is written that a better word would have to replace
    made_by = _made_by(scan, config, shares=shares is not None)
    with connect(run, job="segment") as run:
        done = finished_before(out, made_by, run, [scan])
        if done is not None and (shares is None or Path(shares).exists()):
            return done
        with work_folder(out, made_by, run) as work:
            kept = work / "shares.zarr" if shares is None else Path(shares)
            return _Segmentation(scan, config, work, run).write(out, kept, made_by)


def _made_by(scan: Volume, config: LocalConfig, *, shares: bool) -> dict[str, Any]:
    """What the phases follow from."""
    return {
        "verb": "segment",
        "method": "local",
        "version": VERSION,
        "config": config.model_dump(mode="json"),
        "scan": input_identity(scan),
        "shares": shares,
    }


@dataclass
class _Segmentation:
    """The steps of one segmentation; every step's output lies in the work folder."""

    scan: Volume
    config: LocalConfig
    work: Path
    run: Run
    notes: list[str] = field(default_factory=list)
    shifted: bool = False
    cut_off: bool = False
    tiles: Tiles | None = None

    def write(self, out: Path, kept: Path, made_by: Mapping[str, Any]) -> Volume:
        """All steps."""
        step = self.run.but(overwrite=False)
        self._darken_padding(step)
        look = self._first_look(self.work, step)
        rings = self._rings(look)
        if rings is not None:
            self._go_on_with(without_rings(rings, self.work, step))
            self.notes.append(RINGS)
            self.shifted = True
            look = self._first_look(self.work / "ringless", step)
        sigma, cubes = self._point_spread(look), self._relative_cubes(look)
        self.tiles = None
        model, counts = self._model(look, sigma, step)
        place = look.place
        outside = self._outside(model, place, step)
        shares = write_shares(self.scan, outside, model, kept, self.run)
        pores = find_pores(shares, model, self.work / "pores.zarr", config=self.config, run=step)
        total = add_up(shares, pores.volume, model, journal=self.work / "sums", run=step)
        findings = Findings(
            model=model,
            place=place,
            counts=counts,
            total=total,
            pores=len(pores.table()),
            voxels=prod(self.scan.shape),
            materials=other_materials(cubes, model, look.noise),
            cut_off=self.cut_off,
            notes=tuple(dict.fromkeys(self.notes)),
        )
        attributes = {
            "kind": "phases",
            "made_by": made_by,
            "segmentation": record_of(findings, self.config),
        }
        return map_pass(PHASES, (shares, pores.volume), out, attributes=attributes, run=self.run)

    def _outside(self, model: Model, place: Place, run: Run) -> Volume | FieldSampler:
        """The outside at full resolution: as told, or flooded."""
        if place.known is not None or place.seeds is None:
            return place.known or Nowhere(self.scan.shape)
        path = self.work / "outside.zarr"
        return flood_air(self.scan, model, place, path, config=self.config, run=run)

    def _darken_padding(self, run: Run) -> None:
        """Put the level of air where a padding that is brighter than the solid lies."""
        circle, value = self._padding
        if value is None:
            return
        levels = self._levels()
        relative = (value - levels.dark) / (levels.bright - levels.dark)
        if relative > 0.5 and abs(relative - 1) > LIKE_SOLID:
            self._go_on_with(
                with_dark_padding(
                    self.scan, circle, value, dark=levels.dark, work=self.work, run=run
                )
            )
            self.notes.append(bright_padding(value))

    @cached_property
    def _padding(self) -> tuple[FieldSampler, float | None]:
        """The circle of each slice, and what lies beyond; see `padded_circle`."""
        return padded_circle(self.scan, self._samples())

    def _go_on_with(self, scan: Volume) -> None:
        """Take a corrected scan in place of the one before."""
        self.scan, self.tiles = scan, None

    def _samples(self) -> Tiles:
        """The tiles of the scan as it is now."""
        if self.tiles is None:
            self.tiles = Tiles(self.scan, workers=self.run.workers or 2)
        return self.tiles

    def _first_look(self, work: Path, run: Run) -> FirstLook:
        """Levels, the rough local level, and what is outside, from samples and a coarse copy."""
        found = self._levels()
        scale = (found.dark, found.bright)
        coarse = coarse_of(self.scan)
        rough = coarse_level(coarse, scale)
        run = run.but(block=None)  # one of the scan's need not be whole chunks of coarse arrays
        stored = volume_from_array(rough, work / "rough.zarr", run=run)
        level, held = (
            LevelField(cells, self.scan.shape, coarse.factor)
            for cells in (stored, ArrayField(rough))
        )
        look = Look(self.scan, coarse, rough, scale, work, run)
        return FirstLook(found, level, held, find_place(look, self.config))

    def _rings(self, look: FirstLook) -> RingSampler | None:
        """The rings of the scan, where there are any."""
        near = look.place.near
        sampler = RingSampler(self.scan, look.held, near, look.scale, look.noise, (0.0, 0.0))
        rings = recognised(sampler)
        return rings and replace(rings, level=look.level)

    def _levels(self) -> Levels2:
        """Levels and noise from the samples."""
        scan, (circle, _) = self.scan, self._padding

        def look(grey: NDArray[Any], origin: Index) -> tuple[NDArray[Any], Cubes]:
            inside, cubes = circle(origin, grey.shape), cubes_of(finite(grey, scan))
            if inside.all():
                return evenly(grey, SAMPLED).copy(), cubes
            whole = cubes_of(inside).mean == 1
            return evenly(grey[inside], SAMPLED), cubes.chosen(whole)

        seen = list(self._samples().map(look))
        low, high = np.quantile(np.concatenate([s for s, _ in seen]).astype(np.float64), ROBUST)
        if not low < high:
            raise ValueError(
                f"{scan.path} must have more than one grey value: {low:g} is that of nearly all "
                "voxels"
            )
        reach = 0.1 * (high - low)
        cubes = Cubes(*(np.concatenate(each) for each in zip(*(c for _, c in seen), strict=True)))
        if cubes.cut.mean() > CLIPPED:
            self.notes.append(clipped(cubes))
            self.shifted = self.cut_off = True
        try:
            return two_levels(cubes, (low - reach, high + reach))
        except ValueError:
            raise ValueError(
                f"{scan.path} must have more than one grey value beyond its noise: it shows one "
                "material, and no pore and no edge that would tell the level of air; two materials "
                "in pieces of a few voxels are parted by one threshold, the method otsu"
            ) from None

    def _point_spread(self, first: FirstLook) -> float:
        """Sigma of the point spread [voxels] from the surfaces in the samples."""
        circle, _ = self._padding

        def look(grey: NDArray[Any], origin: Index) -> EdgeSums:
            local = first.held(origin, grey.shape)
            share = normalise(grey, *first.scale) / np.maximum(local, 0.1)
            share[~circle(origin, grey.shape)] = NOWHERE
            return edge_sums(share, reach=EDGE_REACH)

        sums = reduce(added, self._samples().fewer(EDGE_TILES).map(look))
        return min(point_spread(sums) or USUAL_SPREAD, WIDEST_SPREAD)

    def _relative_cubes(self, first: FirstLook) -> Cubes:
        """Cubes of the samples' grey values over the local level of the solid, inside the part."""
        circle, _ = self._padding

        def look(grey: NDArray[Any], origin: Index) -> Cubes:
            local = np.maximum(first.held(origin, grey.shape), 0.1)
            part = circle(origin, grey.shape) & (first.place.near(origin, grey.shape) == 0)
            whole = cubes_of(part).mean == 1
            return cubes_of(normalise(grey, *first.scale) / local).chosen(whole)

        seen = list(self._samples().map(look))
        return Cubes(*(np.concatenate(each) for each in zip(*seen, strict=True)))

    def _model(
        self, look: FirstLook, sigma: float, run: Run
    ) -> tuple[Model, dict[str, NDArray[np.int64]]]:
        """Levels, noise and the least share that begins a pore."""
        place, noise = look.place, look.noise
        sampler = CellSampler(
            self.scan,
            look.level,
            place.near,
            look.scale,
            depth=max(2, round(2.2 * sigma + 0.4)),
            core=max(2, round(2.4 * sigma)),
            doubt=(max(0.1, 3 * noise), max(0.25, 4 * noise)),
        )
        fine, counts = measure_levels(sampler, self.work, run=run)
        sharp, soft = deviation(counts["sharp"]), deviation(counts["soft"])
        sharp = sharp or noise
        air = median(counts["air"], 0.0)
        outside = bool(place.decision.chosen.outside.any())
        void = void_level(counts["core"], air, sharp, outside=outside)
        if not outside:
            air = void.at(1.0)
        if self.config.void == "air":
            void = VoidLevel(air, 0.0, 0.0, 0)
        if self.shifted:
            void = void._replace(error=float(np.hypot(void.error, SHIFTED_ERROR)))
        gap = max(0.05, 1 - void.at(1.0))
        seed = max(LEAST_SEED, surely(self.scan) * soft / gap)
        model = Model(look.scale, fine, air, void, sigma, sharp / gap, soft / gap, seed)
        return model, counts
