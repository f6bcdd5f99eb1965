"""Volumes of pores from grey values: the shares of pore around each, added up in one streamed pass.

A mask counts a voxel as a whole or not at all, which takes some per cent from a pore of a few
voxels. The shares that the segmentation leaves say how much of each voxel is pore; added up they
need no threshold. Every voxel gives its share to the nearest pore, as far as the porosity counts
shares, so the volumes of all pores add up to the porosity of the scan.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Halo, Pass, Reduction, Run, reduce_pass
from poroscale.identity import kernel
from poroscale.kernels.bodies.nearest_shares import SUMS, Reach, share_sums
from poroscale.kernels.bodies.runs_of_labels import Labels
from poroscale.kernels.grey.partial_volume import support_radius
from poroscale.manifest import Manifest
from poroscale.volume import Index, Volume, VolumeSpec

GREY_BYTES = 16.0
"""Temporary bytes per voxel of the pass: padded inputs, planes of keys, and the sums of a block of
noise in which every twelfth voxel is a pore of its own."""

Partial = Mapping[str, NDArray[Any]]


def grey_radius(phases: VolumeSpec) -> float:
    """Distance from a pore's voxels within which its shares are added up [voxels].

    Raises
    ------
    ValueError
        If the phases do not tell the point spread of the scan.
    """
    record = phases.attributes.get("segmentation") or {}
    sigma = record.get("point_spread_voxels")
    if sigma is None:
        raise ValueError(
            "`shares` must come with phases that record the point spread of the scan, as those of "
            f"the local method do, got phases by the method {record.get('method')!r}"
        )
    return support_radius(float(sigma))


def check_shares(shares: Volume, phases: Volume) -> None:
    """Refuse shares that cannot belong to the phases.

    Raises
    ------
    TypeError
        If they are no shares.
    ValueError
        If they cover another box, or the phases were made from other ones.
    """
    if shares.attributes.get("kind") != "shares" or shares.dtype != np.int8:
        raise TypeError(
            f"{shares.path} must hold shares of pore, int8, as the segmentation writes them, got "
            f"{shares.attributes.get('kind', 'values')} of {shares.dtype}"
        )
    if (shares.shape, shares.origin) != (phases.shape, phases.origin):
        raise ValueError(
            f"{shares.path} must cover the voxels of {phases.path}, {phases.shape} at "
            f"{phases.origin}, got {shares.shape} at {shares.origin}"
        )
    made_from = Manifest.load(phases.path).recipe.get("inputs")
    if made_from and shares.digest not in made_from:
        raise ValueError(f"{phases.path} must be made from {shares.path}, got phases of other ones")


def grey_pass(radius: float) -> Pass:
    """The pass, for shares that belong to a pore up to `radius` voxels from it."""
    return Pass(
        "volumes",
        reads=(np.uint32, np.int8),
        halo=Halo.of(Reach.of(radius).width, pad=0),
        parameters={"radius": radius},
        temporary=GREY_BYTES,
    )


def stream_shares(
    labels: Volume, shares: Volume, *, radius: float, count: int, journal: Path, run: Run
) -> dict[str, NDArray[np.int64]]:
    """Shares of every pore, and the first moments of those next to it.

    Parameters
    ----------
    labels
        Labels 1 to `count`, uint32.
    shares
        Shares of pore, int8 hundredths; -128 outside.
    radius
        Distance from a pore's voxels within which shares belong to it [voxels].
    count
        Number of pores.
    journal
        Folder that remembers finished blocks.
    run
        Memory, workers and cluster.

    Returns
    -------
    dict
        Columns `SUMS` (count,), int64: hundredths of a voxel, and these times the voxel's index.
    """
    add, whole = partial(_add, count=count), partial(_whole, count=count)
    declared = grey_pass(radius).but(kernel=Reduction(_sum_block, add, whole, True))
    total = reduce_pass(declared, (labels, shares), journal=journal, run=run)
    return {name: total[:, i].copy() for i, name in enumerate(SUMS)}


@kernel("pores.sum_block")
def _sum_block(
    labels: Labels, shares: NDArray[np.int8], *, origin: Index, radius: float
) -> dict[str, NDArray[Any]]:
    present, sums = share_sums(labels, shares, reach=Reach.of(radius), origin=origin)
    return {"label": present, "sums": sums}


def _add(total: Partial | NDArray[np.int64], one: Partial, *, count: int) -> NDArray[np.int64]:
    """The sums of all labels so far, (count, 5), with those of one more block."""
    whole = _whole(total, count=count)
    whole[one["label"].astype(np.int64) - 1] += one["sums"]
    return whole


def _whole(total: Partial | NDArray[np.int64], *, count: int) -> NDArray[np.int64]:
    """The sums of all labels, (count, 5), also where there was one block alone."""
    if isinstance(total, np.ndarray):
        return total
    return _add(np.zeros((count, len(SUMS)), np.int64), total, count=count)
