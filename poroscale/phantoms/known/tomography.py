"""Known scans that are projected and reconstructed: coupons with closed pores."""

from __future__ import annotations

import zlib

import numpy as np

from poroscale.kernels.parts.rendering import cut_pores
from poroscale.phantoms.config import PhantomConfig
from poroscale.phantoms.known.scans import KnownScan, pore_table
from poroscale.phantoms.part import SolidFraction
from poroscale.phantoms.plan import phantom_plan
from poroscale.phantoms.tomography import TomographyScan

SHAPE = (64, 128, 128)


def tomographic_scan(seed: int, beam: str, shape: tuple[int, int, int] | None = None) -> KnownScan:
    """A true scan of a coupon without open pores; `beam` is parallel or cone."""
    config = draw_config(seed, beam, shape or SHAPE)
    plan, origin = phantom_plan(config), (0, 0, 0)
    grey = TomographyScan(config)(origin, config.shape)
    part = SolidFraction(config.model_copy(update={"porosity": 0.0}))(origin, config.shape)
    solid = part.copy()
    pores = pore_table(cut_pores(solid, origin, plan.pores))
    whole, filled_volume = float(part.sum(dtype=float)), float(solid.sum(dtype=float))
    law = config.model_dump(mode="json", exclude_defaults=True)
    return KnownScan(beam, seed, grey, whole, whole - filled_volume, pores, law)


def draw_config(seed: int, beam: str, shape: tuple[int, int, int]) -> PhantomConfig:
    """A random coupon and scanner: material, hardening, 120 to 720 projections, exposure."""
    rng = np.random.default_rng((seed, zlib.crc32(beam.encode())))
    return PhantomConfig.model_validate(
        {
            "shape": shape,
            "seed": seed,
            "beam": beam,
            "part": ("cylinder", "cube")[rng.integers(2)],
            "material": ("steel", "titanium", "aluminium")[rng.integers(3)],
            "hardening": bool(rng.integers(2)),
            "projections": int(np.exp(rng.uniform(np.log(120), np.log(720)))),
            "exposure": float(np.exp(rng.uniform(np.log(0.3), np.log(2.0)))),
            "porosity": float(np.exp(rng.uniform(np.log(0.003), np.log(0.02)))),
            "open_fraction": 0.0,
        }
    )
