"""Random and regular media of known statistics."""

import numpy as np
from hypothesis import strategies as st


def layers(shape, *, period):
    """Layers across z of equal phases 1 and 0, each half a period thick."""
    medium = np.zeros(shape, np.uint8)
    medium[np.arange(shape[0]) % period < period // 2] = 1
    return medium


def boolean_model(shape, *, radius, fraction, seed):
    """Overlapping spheres of phase 1 at random, which cover a `fraction` of space on average."""
    rng = np.random.default_rng(seed)
    grown = np.array(shape) + 2 * radius
    volume = 4 / 3 * np.pi * radius**3
    count = rng.poisson(-np.log1p(-fraction) / volume * np.prod(grown))
    medium = np.zeros(shape, np.uint8)
    for centre in rng.random((count, 3)) * grown - radius:
        low = np.maximum(np.ceil(centre - radius), 0).astype(int)
        high = np.minimum(np.floor(centre + radius) + 1, shape).astype(int)
        if (high <= low).any():
            continue
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        places = np.ogrid[box]
        squares = sum((p - c) ** 2 for p, c in zip(places, centre, strict=True))
        medium[box] |= squares <= radius**2
    return medium


def pairs_at(vector, shape):
    """Slices of the voxels of a volume that have one at the vector from them, and of those."""
    ends = list(zip(vector, shape, strict=True))
    first = tuple(slice(max(0, -d), n - max(0, d)) for d, n in ends)
    return first, tuple(slice(max(0, d), n + min(0, d)) for d, n in ends)


@st.composite
def media(draw):
    """Phases 0 ... 3 in small volumes, with longer chords than chance gives, and a mask."""
    shape = draw(st.tuples(*(st.integers(1, 9),) * 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    array = rng.integers(0, draw(st.integers(1, 4)), shape)
    for axis in range(3):
        array = np.repeat(array, draw(st.integers(1, 3)), axis)
    inside = rng.random(array.shape) < draw(st.sampled_from([0.3, 0.9, 1.0]))
    return array.astype(draw(st.sampled_from([np.uint8, np.int16]))), inside
