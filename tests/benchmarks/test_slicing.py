"""The three ways through a generator of SliceGAN make volumes of the size that was asked for."""

import pytest

from poroscale.benchmarks.measure import Measured, Once
from poroscale.benchmarks.slicing import (
    BARE,
    FORWARD,
    STREAMED,
    forwarding,
    slicing_rows,
    streaming,
)
from poroscale.microstructure.slicegan.weights import save_slicegan
from poroscale.networks.slicegan.generator import SliceGanShape
from tests.microstructure.slicegan.conftest import random_generator


@pytest.mark.parametrize("work", [streaming, forwarding])
def test_volumes_have_their_shape(work, tmp_path):
    path = tmp_path / "w.safetensors"
    save_slicegan(path, random_generator(SliceGanShape(3, latent=2, widths=(4, 4, 4, 4))))
    assert work(tmp_path, weights=str(path), edge=64)()["shape"] == [64, 64, 64]


def test_rows_say_what_is_met():
    def runs(cpu, peak):
        return Measured([Once(cpu / 2, cpu, peak << 20, {})])

    measured = {STREAMED: runs(4.2, 500), BARE: runs(4.0, 480), FORWARD: runs(10.0, 2200)}
    rows = slicing_rows(measured)
    assert [row.met for row in rows] == [True, True, None, True]
    assert [row.met for row in slicing_rows({**measured, STREAMED: runs(8.0, 900)})][:2] == [
        False,
        False,
    ]
