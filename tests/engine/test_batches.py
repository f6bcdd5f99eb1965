"""The batch is the fastest one that the device can hold."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from poroscale.engine import Windows, fastest_batch


@dataclass
class Device:
    """Takes `start` seconds a call and `each` seconds a window, and holds `most` windows."""

    start: float
    each: float
    most: int = 1000
    now: float = 0.0
    shapes: set = field(default_factory=set)

    def __call__(self, patches):
        if len(patches) > self.most:
            raise MemoryError("the device is full")
        self.shapes.add(patches.shape[1:])
        self.now += self.start + self.each * len(patches)
        return np.zeros_like(patches)

    def clock(self):
        return self.now


@pytest.mark.parametrize(
    ("device", "batch"),
    [
        (Device(start=0.0, each=1.0), 1),
        (Device(start=1.0, each=1.0), 16),
        (Device(start=1.0, each=1.0, most=5), 4),
        (Device(start=100.0, each=1.0), 32),
    ],
)
def test_the_fastest_that_fits(device, batch):
    assert fastest_batch(device, Windows(4, halo=1), clock=device.clock) == batch
    assert device.shapes == {(6, 6, 6)}


def test_no_more_than_is_allowed():
    device = Device(start=100.0, each=1.0)
    assert fastest_batch(device, Windows(4), largest=6, clock=device.clock) == 4


def test_a_device_that_cannot_hold_one_window():
    device = Device(start=1.0, each=1.0, most=0)
    with pytest.raises(MemoryError, match="the device is full"):
        fastest_batch(device, Windows(4), clock=device.clock)
