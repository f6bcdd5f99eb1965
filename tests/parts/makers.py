"""Banks, models and surfaces of known law, small enough to be drawn in every test."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from poroscale.kernels.parts.voxel_shapes import Shapes
from poroscale.parts.bank import Bank
from poroscale.parts.fit import FitSettings, ScanPores, fit_part_model
from poroscale.parts.geometry import Cylinder

UM = 5.0
RADIUS = 200.0


def ellipsoid(half):
    grids = np.meshgrid(*(np.arange(-np.ceil(h), np.ceil(h) + 1) for h in half), indexing="ij")
    return sum((g / h) ** 2 for g, h in zip(grids, half, strict=True)) <= 1


def bank_of(count, seed=0, size=1.6):
    rng = np.random.default_rng(seed)
    masks = [ellipsoid(size * rng.lognormal(0, 0.35, 3)) for _ in range(count)]
    return Bank.of(Shapes.of(masks), (UM, UM, UM))


def scan_of(count, *, length=1000.0, seed=0, layer=None, name="scan"):
    """Pores at r* by a beta law, more on one side; uniform along z, or at layers."""
    rng = np.random.default_rng(seed)
    bank = bank_of(count, seed)
    r_star = 0.85 * rng.beta(3, 1.5, count)
    theta = (rng.vonmises(0, 0.7, count)) % (2 * np.pi)
    z = rng.uniform(0, length, count)
    if layer is not None:
        z = layer * rng.integers(0, int(length / layer), count) + rng.normal(0, 2.0, count)
    table = {name: np.asarray(values) for name, values in bank.table.items()}
    height = table["extent_z"] * UM
    columns = table | {
        "label": np.arange(1, count + 1),
        "z_um": z,
        "y_um": RADIUS * r_star * np.sin(theta),
        "x_um": RADIUS * r_star * np.cos(theta),
        "r_star": r_star,
        "theta_rad": theta,
        "depth_um": RADIUS * (1 - r_star),
        "local_roughness_um": np.where(
            RADIUS * (1 - r_star) < 40, rng.gamma(4, 1.0, count), np.nan
        ),
        "open": np.zeros(count, bool),
        "neighbour_gap_um": np.full(count, 30.0),
        "extent_z_um": height,
        "cut": (z - height / 2 < 0) | (z + height / 2 > length),
    }
    columns["neighbour_gap_um"][: max(1, count // 100)] = 6.0
    return ScanPores(name, length, columns, bank)


@dataclass(frozen=True)
class Ripples:
    """A rough surface in closed form: the same for any box."""

    height: float = 6.0

    def __call__(self, origin, shape):
        z = origin[0] + np.arange(shape[0])[:, None]
        s = origin[1] + np.arange(shape[1])
        columns = round(2 * np.pi * RADIUS / UM)
        wave = np.sin(2 * np.pi * 5 * s / columns + 0.21 * z) * (0.6 + 0.4 * np.sin(0.013 * z))
        return (self.height * wave).astype(np.float32)


SETTINGS = FitSettings(
    part="cylinder",
    voxel_um=UM,
    radius_um=RADIUS,
    section_um2=np.pi * RADIUS**2,
    volume_width=96,
    half_um=(RADIUS, RADIUS),
)


def part_of(layers, radius=RADIUS, width=96):
    return Cylinder((layers, width, width), UM, radius, Ripples())


def model_of(scans, **options):
    settings = SETTINGS if not options else FitSettings(**{**SETTINGS.__dict__, **options})
    return fit_part_model(scans, settings, geometry_of=lambda layers, seed: part_of(layers))


def frame(placed, model):
    """Sources of placed pores as a table."""
    return pd.DataFrame(model.pores.iloc[placed.source])
