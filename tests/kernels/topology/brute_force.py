"""Betti numbers and pairs of small arrays, from their definitions."""

from collections import Counter
from itertools import product

import numpy as np
from scipy.ndimage import generate_binary_structure, label


def betti_numbers(mask, *, wide=True):
    """(b0, b1, b2) of a set of voxels: components, the Euler number, components of the rest."""
    outer = np.pad(~mask, 1, constant_values=True)
    near, far = generate_binary_structure(3, 3), generate_binary_structure(3, 1)
    components = label(mask, near if wide else far)[1]
    cavities = label(outer, far if wide else near)[1] - 1
    return components, components + cavities - euler_number(mask, wide=wide), cavities


def euler_number(mask, *, wide=True):
    """Cells of the closed cubes of a set, or of the open ones, with alternating signs."""
    doubled = np.zeros([2 * n + 1 for n in mask.shape], bool)
    doubled[1::2, 1::2, 1::2] = mask
    total = 0
    for cell in np.ndindex(doubled.shape):
        around = [(k,) if k % 2 else (k - 1, k + 1) for k in cell]
        tops = [
            all(0 < k < n for k, n in zip(top, doubled.shape, strict=True)) and doubled[top]
            for top in product(*around)
        ]
        if any(tops) if wide else all(tops):
            total += (-1) ** sum(k % 2 for k in cell)
    return total if wide else -total


def components_by_value(values, *, wide=True):
    """Pairs of the components of {values <= t}, with their numbers: voxel by voxel."""
    steps = [s for s in product((-1, 0, 1), repeat=3) if any(s)]
    steps = steps if wide else [s for s in steps if sum(map(abs, s)) == 1]
    parent, pairs = {}, Counter()

    def oldest(i):
        while parent[i] != i:
            i = parent[i]
        return i

    for here in sorted(np.ndindex(values.shape), key=lambda i: (values[i], i)):
        parent[here] = here
        for step in steps:
            there = tuple(a + b for a, b in zip(here, step, strict=True))
            if there not in parent:
                continue
            a, b = sorted((oldest(here), oldest(there)), key=lambda i: (values[i], i))
            if a != b:
                parent[b] = a
                if values[b] < values[here]:
                    pairs[values[b], values[here]] += 1
    return pairs
