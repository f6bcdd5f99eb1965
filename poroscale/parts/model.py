"""A part model: the pores of one scan or several and their statistics, in open files.

    model.json       what was fitted and how (JSON)
    pores.parquet    one row per pore of the scans: where it lay, what it was, how often to draw it
    bank.parquet     the shapes that pores are given
    density.zarr     number of pores over (z window, y, x), to look at and for the published maps
    roughness/       the surface

`weight` is how many such pores are offered per um of length, `rate` how many are meant to be
placed: placement loses some to others and to the surface.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from poroscale.config import parse_config
from poroscale.engine import Run, volume_from_array
from poroscale.events import Described
from poroscale.kernels.parts.packing import Spacing
from poroscale.manifest import Manifest, check_file, digest_of, record_results, write_durably
from poroscale.parts.bank import Bank
from poroscale.parts.model_settings import PORE_COLUMNS, ModelSettings, lacking
from poroscale.storage.columns import read_columns, write_columns
from poroscale.volume import Volume, VolumeSpec

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 2
SETTINGS, PORES, BANK, DENSITY = "model.json", "pores.parquet", "bank.parquet", "density.zarr"
ROUGHNESS = "roughness"
FILES = (SETTINGS, PORES, BANK)


@dataclass(frozen=True)
class PartModel(Described):
    """A fitted part model.

    Attributes
    ----------
    settings
        The content of model.json.
    pores
        One row per source pore.
    bank
        Shapes; column `bank_row` of `pores` points into it.
    density
        Number of pores, float32 (windows, bins, bins) over (z, y, x).
    opened_from
        Folder that it was read from; its roughness is copied when it is saved elsewhere.
    """

    settings: ModelSettings
    pores: pd.DataFrame
    bank: Bank
    density: np.ndarray[Any, np.dtype[np.float32]]
    opened_from: Path | None = field(default=None, compare=False)

    @classmethod
    def open(cls, folder: str | Path) -> PartModel:
        """The model in a folder, every file compared with what was written.

        Raises
        ------
        FileNotFoundError
            If the folder or a file of the model is missing.
        OSError
            If a file was altered; models are edited with `with_density`, and saved again.
        ValueError
            If the folder holds something else, or a file of the model lacks an entry.
        """
        import pandas as pd

        folder = Path(folder)
        _check_listed(folder)
        settings = _read_settings(folder)
        table, _, _ = read_columns(check_file(folder / PORES))
        if missing := lacking(table, PORE_COLUMNS):
            raise ValueError(
                f"{folder / PORES} is no table of source pores: it has no {missing[0]}"
            )
        density = Volume.open(folder / DENSITY)
        return cls(
            settings,
            pd.DataFrame(table),
            Bank.load(folder / BANK),
            density.read((0, 0, 0), density.shape),
            folder,
        )

    def save(self, folder: str | Path, *, run: Run | None = None) -> Path:
        """Write the model into a folder, with the roughness of the folder that it was read from."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.settings.entries(), indent=2, sort_keys=True, allow_nan=False)
        write_durably(folder / SETTINGS, text.encode())
        columns = {name: self.pores[name].to_numpy() for name in self.pores.columns}
        write_columns(columns, folder / PORES, about={"kind": "source_pores"})
        self.bank.save(folder / BANK)
        spec = VolumeSpec(self.density.shape, self.density.dtype, self._density_voxel())
        volume_from_array(
            self.density, folder / DENSITY, spec=spec, run=(run or Run()).but(overwrite=True)
        )
        record_results(folder, files=FILES, outputs=[DENSITY, *self._copied_roughness(folder)])
        return folder

    def _copied_roughness(self, folder: Path) -> list[str]:
        own = None if self.opened_from is None else self.opened_from / ROUGHNESS
        if own is None or not own.exists():
            return []
        if own.resolve() != (folder / ROUGHNESS).resolve():
            shutil.copytree(own, folder / ROUGHNESS, dirs_exist_ok=True)
        return [ROUGHNESS]

    def with_density(self, factor: Callable[[pd.DataFrame], ArrayLike]) -> PartModel:
        """The model with other densities of pores.

        Parameters
        ----------
        factor
            Told the table of source pores, it gives a factor for each: to double the density in one
            quarter, `lambda p: np.where((p.x_um > 0) & (p.y_um > 0), 2, 1)`. `x_um` and `y_um` are
            distances from the axis of the part [um], of either sign; `z_um` runs along the axis
            from the lower end of the scan; `r_star` is 0 on the axis and 1 at the surface.

        Warns
        -----
        UserWarning
            If every factor is 1: the model that is returned is the same.

        Notes
        -----
        Weights are corrected for the pores that placement rejects at the density of the scans.
        Where it is much denser more are rejected, and somewhat fewer are placed than meant.
        """
        factors = np.broadcast_to(np.asarray(factor(self.pores), float), len(self.pores))
        if not (np.isfinite(factors).all() and (factors >= 0).all()):
            raise ValueError("factors of a density must be finite and not negative")
        if (factors == 1).all():
            warnings.warn(_unchanged(self.pores), stacklevel=2)
        pores = self.pores.assign(
            rate=self.pores["rate"] * factors, weight=self.pores["weight"] * factors
        )
        # The published maps hold numbers of pores: those of a bin change as its pores do.
        home, bins = self.pores["map_bin"].to_numpy(), self.density.shape[1] * self.density.shape[2]
        count = np.bincount(home, minlength=bins)
        share = np.bincount(home, factors, bins) / np.maximum(count, 1)
        share[count == 0] = 1
        density = self.density * share.reshape(self.density.shape[1:]).astype(np.float32)
        return replace(self, pores=pores, density=density)

    @property
    def voxel_um(self) -> float:
        """Edge of a voxel [um]."""
        return float(self.settings.voxel_um)

    @property
    def spacing(self) -> Spacing:
        """Smallest distances at which two pores may stand."""
        spacing = self.settings.spacing
        return Spacing(spacing.gap, spacing.wide, spacing.chance)

    @property
    def digest(self) -> str:
        """Identity of the model, for recipes."""
        arrays = {name: self.pores[name].to_numpy() for name in sorted(self.pores.columns)}
        arrays |= {"density": self.density, **self.bank.shapes._asdict()}
        sums = {
            name: hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
            for name, values in arrays.items()
        }
        return digest_of({"settings": self.settings.entries(), "arrays": sums})

    def describe(self) -> Iterator[str]:
        """Description of the model in words."""
        s = self.settings
        z = sum(source.length_um for source in s.sources)
        yield (
            f"part       {s.part} of {2 * s.radius_um:.0f} um, "
            f"{len(s.sources)} scan(s) of {z:.0f} um together, voxels of {s.voxel_um:g} um"
        )
        yield (
            f"pores      {len(self.pores)} in the scans, {self.pores['rate'].sum() * 1000:.0f} per "
            f"mm of length, drawn as {s.sampling}, shapes {s.bank} ({self.bank.count})"
        )
        yield from self._pooled()
        yield (
            f"structure  gap {s.spacing.gap:.2g} voxels, "
            f"{s.spacing.wide:.2g} for {100 * s.spacing.chance:.0f} % of the pairs, "
            f"{100 * s.cluster.fraction:.0f} % in clusters, layers "
            + ("not seen" if s.layer_um is None else f"of {s.layer_um:.1f} um")
        )
        yield (
            f"placed     {100 * s.calibration.placed_over_intended:.1f} % of what is meant, "
            f"after {100 * s.calibration.offered_over_intended - 100:.1f} % were added for "
            "those that placement rejects"
        )

    def _pooled(self) -> Iterator[str]:
        """A word on scans of parts that differ in size."""
        known = [s.half_um for s in self.settings.sources if s.half_um]
        if len(known) < 2 or spread_of(known) <= 1 + SAME_SIZE:
            return
        sizes = " and ".join(f"{2 * y:.0f} x {2 * x:.0f}" for y, x in known)
        y, x = self.settings.half_um
        yield (
            f"pooled     parts of unlike size, {sizes} um: pores keep their number per volume and "
            f"their place relative to the surface; new parts are like that of {2 * y:.0f} x "
            f"{2 * x:.0f} um"
        )

    def _density_voxel(self) -> tuple[float, float, float]:
        window, width = self.settings.window_um, self.settings.width_um
        return window, width / self.density.shape[1], width / self.density.shape[2]


SAME_SIZE = 0.02
"""Parts whose sizes differ by less are alike."""


def spread_of(halves: Sequence[Sequence[float]]) -> float:
    """Largest over smallest edge, along y or x, whichever differs more."""
    return max(max(edges) / min(edges) for edges in zip(*halves, strict=True))


def _unchanged(pores: pd.DataFrame) -> str:
    ranges = ", ".join(
        f"{name} from {pores[name].min():.0f} to {pores[name].max():.0f}"
        for name in ("z_um", "y_um", "x_um")
    )
    return (
        f"the density is unchanged: the factor is 1 for each of the {len(pores)} pores; x_um and "
        f"y_um are measured from the axis of the part, here {ranges}"
    )


def _read_settings(folder: Path) -> ModelSettings:
    path = check_file(folder / SETTINGS)
    try:
        settings = json.loads(path.read_text())
        known = settings.get("kind") == "part_model" and settings.get("format") == FORMAT
    except (ValueError, AttributeError):
        raise ValueError(f"{path} is no JSON of a part model") from None
    if not known:
        raise ValueError(f"{folder} must be a part model of format {FORMAT}")
    return parse_config(ModelSettings, settings, where=str(path))


def _check_listed(folder: Path) -> None:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder of a part model")
    try:
        manifest = Manifest.load(folder)
    except FileNotFoundError:
        raise FileNotFoundError(f"{folder} is no finished part model: it has no manifest") from None
    missing = [name for name in FILES if name not in manifest.files]
    if missing:
        raise ValueError(f"{folder} must be a part model, it lists no {missing[0]}")
    for problem in manifest.problems(folder):
        raise OSError(problem)
