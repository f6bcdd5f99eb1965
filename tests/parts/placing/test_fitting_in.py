"""Pores that cut the surface: what of them lies below it is one pore."""

from dataclasses import dataclass

import numpy as np

from poroscale.kernels.parts.voxel_shapes import Shapes
from poroscale.parts.placing.fitting_in import fits_in_part


@dataclass(frozen=True)
class HalfSpace:
    """A part that ends at x = edge."""

    edge: float

    def depth(self, points):
        return self.edge - points[:, 2]


def staple():
    """Two long legs along x, joined at their far end by a bridge."""
    mask = np.zeros((1, 7, 12), bool)
    mask[0, 0], mask[0, 6], mask[0, :, 11] = True, True, True
    return Shapes.of([mask])


def judged(edge, opened=True):
    return bool(
        fits_in_part(
            staple(),
            np.array([0]),
            np.zeros((1, 3), np.int32),
            opened=np.array([opened]),
            geometry=HalfSpace(edge),
        )[0]
    )


def test_a_pore_that_the_surface_would_cut_in_two_does_not_fit():
    assert not judged(11.2)  # the bridge lies outside, 83 % below
    long = staple().mask(0)
    longer = np.concatenate([np.repeat(long[..., :1], 40, axis=2), long], axis=2)
    shapes, corner = Shapes.of([longer]), np.zeros((1, 3), np.int32)
    open_, row = np.array([True]), np.array([0])
    in_two = fits_in_part(shapes, row, corner, opened=open_, geometry=HalfSpace(51.2))  # 95 % below
    in_one = fits_in_part(shapes, row, corner, opened=open_, geometry=HalfSpace(52.0))
    assert in_two.tolist() == [False]
    assert in_one.tolist() == [True]


def test_an_open_pore_touches_the_outside_and_a_closed_one_does_not():
    assert judged(12.0)
    assert not judged(14.0)
    assert judged(14.0, opened=False)
    assert not judged(12.0, opened=False)
