"""The measures of the benchmark `statistics`, and their peers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

THREADS = 2
LAGS = 32
Timed = Callable[[], Any]
_FOLDER = "poroscale.benchmarks.describing"
_FOREIGN = Path(__file__).with_name("porespy_script.py")


@dataclass(frozen=True)
class Peer:
    """What a user would run instead.

    Attributes
    ----------
    name, work
        As of a `Contender`.
    largest
        Largest edge at which it runs: above, memory or time is out of proportion.
    limit
        Our time in times of its own that is allowed; None where it is a floor, not a peer.
    needs
        Package that is imported; "" where poroscale depends on it anyway.
    foreign
        It runs in an interpreter of its own, on the array as a .npy file.
    """

    name: str
    work: str
    largest: int | None = 512
    limit: float | None = None
    needs: str = ""
    foreign: bool = False


@dataclass(frozen=True)
class Entry:
    """One measure.

    Attributes
    ----------
    name
        Name in tables.
    work
        As of a `Contender`, for ours.
    about
        Sentences for the note.
    peers
        Peers that it is compared with.
    """

    name: str
    work: str
    about: str
    peers: tuple[Peer, ...]


COUNTS = Entry(
    "counts",
    f"{_FOLDER}.counting:counting",
    "`counts` is one pass for fractions, faces, Crofton's surface, Minkowski functionals, Euler "
    "numbers, triple lines, chords and lineal path along three axes, of both phases; the peer is "
    "zarr alone, which reads the same array chunk by chunk with two threads and throws it away.",
    (Peer("zarr, one reading", f"{_FOLDER}.counting:reading", largest=None, limit=2.0),),
)
S2 = Entry(
    "S2",
    f"{_FOLDER}.counting:correlating",
    f"`S2` has lags up to {LAGS} voxels in all directions; the peer is scipy.fft, forth and back "
    "in float32 with two workers.",
    (Peer("scipy.fft", f"{_FOLDER}.counting:transforming", limit=1.3),),
)
CLUSTERS = Entry(
    "clusters",
    f"{_FOLDER}.clusters:connecting",
    "`clusters` is `connectivity`: clusters of the pores by six neighbours, their largest and "
    "those that percolate; the peer is cc3d, its labels and the voxels and boxes of each.",
    (Peer("cc3d", f"{_FOLDER}.clusters:connecting_by_cc3d", needs="cc3d"),),
)
C2 = Entry(
    "C2",
    f"{_FOLDER}.clusters:pairing",
    f"`C2` has lags up to {LAGS} voxels along three axes; the peer is a script, which labels with "
    "cc3d and compares the labels with themselves by numpy, lag by lag.",
    (Peer("cc3d and numpy", f"{_FOLDER}.clusters:pairing_by_numpy", needs="cc3d"),),
)
THICKNESS = Entry(
    "thickness",
    f"{_FOLDER}.thickness:widths",
    "`thickness` is the local thickness of the pores, all balls, exact. One peer is porespy's "
    '`local_thickness(method="bf")`, its quickest, which rounds radii down to whole voxels; it '
    "runs in an interpreter of its own (`--porespy`). The floor is the distance transform of edt "
    "alone, with which every tool begins.",
    (
        Peer("edt alone", f"{_FOLDER}.thickness:distance_transform"),
        Peer("porespy", f"{_FOREIGN}:widths_by_porespy", limit=1.0, foreign=True),
    ),
)
TOPOLOGY = Entry(
    "Betti curves",
    f"{_FOLDER}.betti:curves",
    "`Betti curves` are those of the signed distance to the pores, with 256 levels up to 32 "
    "voxels; the peer is gudhi's cubical complex of the same distances, which takes 400 bytes a "
    "voxel and gives the pairs of handles, too.",
    (Peer("gudhi", f"{_FOLDER}.betti:curves_by_gudhi", 128, needs="gudhi"),),
)
ENTRIES = {
    "counts": COUNTS,
    "s2": S2,
    "clusters": CLUSTERS,
    "c2": C2,
    "thickness": THICKNESS,
    "topology": TOPOLOGY,
}
"""By their names on the command line."""
