"""Tiles into Zarr and plain blocks give one field."""

import numpy as np
import torch

from poroscale.benchmarks.networks_of_noise import plain_blocks, tiles
from poroscale.microstructure.swnn_weights import save_swnn
from poroscale.networks.swnn import Swnn, SwnnShape


def test_both_give_one_field(tmp_path):
    torch.manual_seed(1)
    weights = tmp_path / "w.safetensors"
    save_swnn(weights, Swnn(SwnnShape(depth=2, width=4)).eval())
    threads = torch.get_num_threads()
    fields = [
        np.array(work(tmp_path / work.__name__, weights=str(weights), edge=64)()["middle"])
        for work in (tiles, plain_blocks)
    ]
    torch.set_num_threads(threads)
    assert fields[0].shape == (1, 64, 64)
    assert np.abs(fields[0] - fields[1]).max() < 1e-5
