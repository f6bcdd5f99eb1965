"""A bank of pores that a GAN has drawn (section 2.6 and Appendix C of the paper).

1. Train generator and critic on the shapes of a bank, each in the middle of a box.
2. Draw boxes, block by block, from latents that are keyed by their number.
3. Keep of each box the largest body; throw away what is no pore.
4. Refuse a generator that has collapsed to a few shapes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from poroscale.engine import Pass, Run, fill_pass
from poroscale.identity import kernel
from poroscale.kernels.noise import tile_generator
from poroscale.kernels.parts.voxel_shapes import Shapes
from poroscale.manifest import fingerprint
from poroscale.networks.dcgan import LATENT, Critic, Generator, edge_of
from poroscale.parts.bank import Bank
from poroscale.parts.dcgan_config import DcganConfig
from poroscale.training import Schedule, load_weights, save_weights, train
from poroscale.volume import Index, Shape, Volume, VolumeSpec

LATENTS, ORDER = 300, 301
"""Streams of latents, and of the order of the pores in an epoch."""
WEIGHTS, BOXES = "generator.safetensors", "boxes.zarr"
REAL = 0.9
"""Label of real pores: one-sided smoothing, as in the authors' code."""
LEAST_VOXELS = 3
BATCH = 32
"""Boxes that are drawn at a time: another batch shape is other bits."""
SUPPORT = 2.0
"""A pore is unphysical if it is so many times as far from real ones as their loneliest 1 % are."""
MOST_TWINS, LEAST_SPREAD, LEAST_KEPT = 0.5, 0.3, 0.02


class PoreGan:
    """Generator and critic with their optimisers and one step of training."""

    def __init__(self, config: DcganConfig) -> None:
        self.device = torch.device(config.device)
        self.generator = Generator(config.generator).to(self.device)
        self.critic = Critic(config.critic).to(self.device)
        rate, betas = config.learning_rate, (0.5, 0.999)
        self.modules: dict[str, nn.Module] = {"generator": self.generator, "critic": self.critic}
        self.optimisers: dict[str, Optimizer] = {
            name: Adam(module.parameters(), lr=rate, betas=betas)
            for name, module in self.modules.items()
        }

    def step(self, batch: Tensor) -> dict[str, float]:
        """Critic, then generator (eq. 7, the generator by -log D(G(z)))."""
        pore = batch.to(self.device, torch.float32)
        real = torch.stack([1 - pore, pore], dim=1)
        made = self.generator(torch.randn(len(real), LATENT).to(self.device))
        judge = self._descend("critic", self._criticise(real, made.detach()))
        fool = nn.functional.binary_cross_entropy(
            self.critic(made), torch.ones(len(made), device=self.device)
        )
        return {"critic": judge, "generator": self._descend("generator", fool)}

    def _criticise(self, real: Tensor, made: Tensor) -> Tensor:
        entropy = nn.functional.binary_cross_entropy
        yes, no = self.critic(real), self.critic(made)
        return entropy(yes, torch.full_like(yes, REAL)) + entropy(no, torch.zeros_like(no))

    def _descend(self, name: str, loss: Tensor) -> float:
        self.optimisers[name].zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimisers[name].step()
        return float(loss.detach())


@dataclass(frozen=True)
class PoreBatches:
    """Boxes of pores, shuffled again in every epoch."""

    shapes: Shapes
    rows: NDArray[np.int64]
    edge: int
    batch: int
    seed: int

    def __call__(self, epoch: int) -> Iterator[Tensor]:
        """uint8 (batch, edge, edge, edge); what fills no batch is left for other epochs."""
        order = tile_generator(self.seed, ORDER, (epoch, 0, 0)).permutation(self.rows)
        size = min(self.batch, len(order))
        for first in range(0, len(order) - size + 1, size):
            boxes = [boxed(self.shapes.mask(row), self.edge) for row in order[first : first + size]]
            yield torch.from_numpy(np.stack(boxes))


def boxed(mask: NDArray[np.uint8], edge: int) -> NDArray[np.uint8]:
    """A pore in the middle of a box."""
    box = np.zeros((edge, edge, edge), np.uint8)
    low = [(edge - n) // 2 for n in mask.shape]
    box[tuple(slice(a, a + n) for a, n in zip(low, mask.shape, strict=True))] = mask
    return box


def dcgan_bank(
    bank: Bank, folder: Path, *, config: DcganConfig, seed: int = 0, run: Run | None = None
) -> Bank:
    """Train a GAN on a bank and draw another one from it.

    Parameters
    ----------
    bank
        Real pores. Those that exceed the box along an axis are left out.
    folder
        Keeps checkpoint, weights and drawn boxes; training resumes from it.
    config
        Network, training, and how many boxes are drawn.
    seed
        Number from which training and latents are drawn.
    run
        Memory, workers and cluster for drawing the boxes.

    Raises
    ------
    ValueError
        If fewer than eight pores fit the box, or the generator has collapsed.
    """
    edge = edge_of(config.generator)
    rows = np.flatnonzero((bank.shapes.extents <= edge - 2).all(axis=1))
    if len(rows) < 8:
        raise ValueError(f"a GAN needs 8 pores that fit a box of {edge} voxels, got {len(rows)}")
    weights = trained(bank, rows, folder, config=config, seed=seed)
    boxes = drawn(weights, folder / BOXES, count=config.pores, voxel=bank, seed=seed, run=run)
    real = Bank.of(bank.shapes.take(rows), bank.voxel_size)
    return chosen_shapes(collected(boxes, edge), real)


def trained(
    bank: Bank, rows: NDArray[np.int64], folder: Path, *, config: DcganConfig, seed: int
) -> Path:
    """Train on the pores `rows` of a bank; returns the path of the generator's weights."""
    path = folder / WEIGHTS
    torch.manual_seed(seed)
    task = PoreGan(config)
    batches = PoreBatches(bank.shapes, rows, edge_of(config.generator), config.batch, seed)
    recipe = {
        "network": "dcgan",
        "settings": config.model_dump(mode="json", exclude={"pores", "epochs"}),
        "pores": fingerprint(np.ascontiguousarray(bank.shapes.voxels).data)[1],
        "seed": seed,
    }
    history = train(task, batches, folder, schedule=Schedule(config.epochs, seed), recipe=recipe)
    card = {**recipe, "trained_on": len(rows), "losses": history[-1], "epochs": len(history)}
    save_weights(path, task.generator.state_dict(), card)
    return path


@kernel("parts.BoxSampler")
@dataclass(frozen=True)
class BoxSampler:
    """Boxes that a generator draws; box i fills the voxels edge · i to edge · (i + 1) along z."""

    weights: Path
    digest: str
    widths: tuple[int, ...]
    seed: int

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        """The boxes of whole batches from `origin` on."""
        edge = edge_of(self.widths)
        out = np.empty(shape, np.uint8)
        generator = _loaded(self.weights, self.digest, self.widths)
        first, last = origin[0] // edge, -(-(origin[0] + shape[0]) // edge)
        for number in range(first // BATCH, -(-last // BATCH)):
            noise = tile_generator(self.seed, LATENTS, (number, 0, 0))
            latent = torch.from_numpy(noise.standard_normal((BATCH, LATENT), np.float32))
            with torch.inference_mode():
                scores = generator(latent.to(next(generator.parameters()).device))
            boxes = (scores[:, 1] > scores[:, 0]).to(torch.uint8).cpu().numpy()
            flat = boxes.reshape(BATCH * edge, edge, edge)
            start = number * BATCH * edge - origin[0]
            low, high = max(start, 0), min(start + len(flat), shape[0])
            out[low:high] = flat[low - start : high - start]
        return out


@lru_cache(maxsize=2)
def _loaded(weights: Path, digest: str, widths: tuple[int, ...]) -> Generator:
    tensors, card = load_weights(weights)
    if card["sha256"] != digest:
        raise OSError(f"{weights} was replaced while boxes were drawn from it")
    generator = Generator(widths)
    generator.load_state_dict(tensors)
    return generator.to("cuda" if torch.cuda.is_available() else "cpu").eval()


def drawn(
    weights: Path, out: Path, *, count: int, voxel: Bank, seed: int, run: Run | None = None
) -> Volume:
    """Draw `count` boxes into a volume, batch by batch on whatever the run offers."""
    _, card = load_weights(weights)
    widths = tuple(card["settings"]["generator"])
    edge = edge_of(widths)
    spec = VolumeSpec(
        (count * edge, edge, edge),
        np.dtype(np.uint8),
        voxel.voxel_size,
        chunks=(min(BATCH, count) * edge, edge, edge),
    )
    recipe = {"sampler": "dcgan", "version": 1, "weights": card["sha256"], "seed": seed}
    sampler = BoxSampler(weights, card["sha256"], widths, seed)
    declared = Pass("boxes", sampler, writes=np.uint8, temporary=2.0 * max(widths))
    run = (run or Run()).but(block=None, overwrite=True)
    return fill_pass(declared, out, spec=spec, recipe=recipe, run=run)


def collected(boxes: Volume, edge: int) -> Shapes:
    """The largest body of each box; boxes whose body is too small or meets a face are left out."""
    from scipy.ndimage import label

    masks = []
    for first in range(0, boxes.shape[0], BATCH * edge):
        size = min(BATCH * edge, boxes.shape[0] - first)
        group = boxes.read((first, 0, 0), (size, edge, edge)).reshape(-1, edge, edge, edge)
        for box in group:
            labels, number = label(box)
            if not number:
                continue
            sizes = np.bincount(labels.ravel())[1:]
            body = labels == 1 + int(sizes.argmax())
            rim = body.copy()
            rim[1:-1, 1:-1, 1:-1] = False
            if sizes.max() >= LEAST_VOXELS and not rim.any():
                masks.append(body)
    return Shapes.of(masks)


def chosen_shapes(shapes: Shapes, real: Bank) -> Bank:
    """The drawn pores that are physical and no twins of each other.

    A pore is physical if its volume, anisotropy and orientation are about those of some real pore.

    Raises
    ------
    ValueError
        If the generator has collapsed: hardly any pore is physical, most are twins, or they spread
        much less than the real ones; the sentence has the numbers.
    """
    from scipy.spatial import cKDTree

    if shapes.size < 2:
        raise ValueError("the GAN has drawn no pores: train it for longer")
    made = Bank.of(shapes, real.voxel_size)
    scale = _measures(real).std(axis=0) + 1e-9
    known, found = _measures(real) / scale, _measures(made) / scale
    tree = cKDTree(known)
    own = tree.query(known, k=min(2, len(known)))[0].reshape(len(known), -1)[:, -1]
    limit = SUPPORT * float(np.quantile(own, 0.99)) + 1e-9
    physical = tree.query(found)[0] <= limit
    prints = [
        fingerprint(np.ascontiguousarray(made.shapes.mask(i)).data)[1] for i in range(made.count)
    ]
    _, first = np.unique(prints, return_index=True)
    fresh = np.zeros(made.count, bool)
    fresh[first] = True
    large = made.table["voxel_count"] >= 30  # small pores have few shapes to be of
    twins = float((~fresh[large]).mean()) if large.any() else 0.0
    kept = np.flatnonzero(physical & (fresh | ~large))
    spread = (
        float((found[physical].std(axis=0) / (known.std(axis=0) + 1e-9)).mean())
        if len(kept)
        else 0.0
    )
    if len(kept) < max(8, LEAST_KEPT * made.count) or twins > MOST_TWINS or spread < LEAST_SPREAD:
        raise ValueError(
            f"the GAN has collapsed: of {made.count} pores {100 * physical.mean():.0f} % are like "
            f"real ones, {100 * twins:.0f} % are twins, and they spread {spread:.2f} times as far "
            "as real ones; train it for longer or on more pores"
        )
    return Bank.of(made.shapes.take(kept), real.voxel_size)


def _measures(bank: Bank) -> NDArray[np.float64]:
    table: dict[str, Any] = dict(bank.table)
    angle = np.nan_to_num(table["long_axis_angle_deg"], nan=57.3)
    return np.stack([np.log(table["volume_um3"]), table["anisotropy"], np.radians(angle)], axis=1)
