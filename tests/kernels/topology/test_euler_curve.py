import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from poroscale.kernels.topology.euler_curve import euler_cells
from tests.kernels.topology.brute_force import euler_number


@given(st.integers(0, 999), st.tuples(*[st.integers(1, 5)] * 3), st.booleans())
def test_cells_up_to_a_bin_are_the_euler_number(seed, shape, wide):
    bins = np.random.default_rng(seed).integers(0, 4, shape).astype(np.uint16)
    found = euler_cells(np.pad(bins, 1, "edge"), 4, first=(True,) * 3, last=(True,) * 3, wide=wide)
    known = [euler_number(bins <= k, wide=wide) for k in range(4)]
    assert np.cumsum(found).tolist() == known


def test_a_ball_a_ring_and_a_shell():
    z, y, x = np.indices((9, 21, 21)) - np.array([4, 10, 10])[:, None, None, None]
    radius = np.sqrt(z**2 + y**2 + x**2)
    for mask, known in (
        (radius < 4, 1),
        ((np.hypot(y, x) - 7) ** 2 + z**2 < 5, 0),
        ((radius < 4.2) & (radius > 2), 2),
    ):
        padded = np.pad(np.where(mask, 0, 1).astype(np.uint16), 1, "edge")
        for wide in (True, False):
            ends = {"first": (True,) * 3, "last": (True,) * 3}
            assert euler_cells(padded, 2, **ends, wide=wide)[0] == known
