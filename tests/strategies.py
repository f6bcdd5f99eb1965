"""Hypothesis strategies that the tests share."""

from itertools import product

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

CHUNK = (4, 5, 8)
"""Chunks of test volumes: small, uneven, and one axis of whole words."""


def shapes(longest: int = 14) -> st.SearchStrategy[tuple[int, int, int]]:
    """Shapes of small volumes, one voxel thick ones included."""
    edge = st.integers(1, longest)
    return st.tuples(edge, edge, st.integers(1, 2 * longest))


def blocks() -> st.SearchStrategy[tuple[int, int, int]]:
    """Blocks of whole chunks."""
    return st.sampled_from([tuple(k * c for k, c in zip(ks, CHUNK, strict=True)) for ks in KS])


KS = list(product((1, 2), repeat=3))


@st.composite
def masks(draw):
    """Foreground blocks, uint8 of 0, 1 and 2 (marked), from empty to full."""
    shape = draw(shapes())
    kind = draw(st.sampled_from(["noise", "empty", "full", "snake", "shell"]))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    mask = {
        "noise": lambda: rng.random(shape) < draw(st.sampled_from([0.02, 0.3, 0.5, 0.8])),
        "empty": lambda: np.zeros(shape, bool),
        "full": lambda: np.ones(shape, bool),
        "snake": lambda: snake(shape),
        "shell": lambda: shell(shape),
    }[kind]()
    marked = mask & (rng.random(shape) < 0.1)
    return mask.astype(np.uint8) + marked


def snake(shape):
    """One component that runs through every row: forth, one row on, back."""
    mask = np.zeros(shape, bool)
    mask[::2, ::2, :] = True
    for z in range(0, shape[0], 2):
        for k, y in enumerate(range(1, shape[1], 2)):
            mask[z, y, -1 if k % 2 == 0 else 0] = True
    for k, z in enumerate(range(1, shape[0], 2)):
        last = (shape[1] - 1) // 2 * 2
        mask[z, last if k % 2 == 0 else 0, 0] = True
    return mask


def shell(shape):
    """The faces of the volume: a component that encloses the rest."""
    mask = np.ones(shape, bool)
    mask[1:-1, 1:-1, 1:-1] = False
    return mask


def grey(dtype) -> st.SearchStrategy[np.ndarray]:
    """Small grey volumes of a type."""
    elements = (
        st.floats(-1e3, 1e3, width=32)
        if np.dtype(dtype).kind == "f"
        else st.integers(int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    )
    return shapes(8).flatmap(lambda shape: arrays(dtype, shape, elements=elements))
