"""The order in which blocks are begun."""

import numpy as np

from poroscale.engine import Run, Windows, stitch_windows
from poroscale.engine.cluster import Threads

from .test_windows import Counting


def test_threads_begin_in_the_order_that_is_asked_for():
    asked, begun = [7, 2, 11, 0, 30, 5, 4, 3, 100, 1, 9, 8], []
    collected = []
    Threads(1).run(lambda number: begun.append(number) or number, asked, collected.append)
    assert begun == asked
    assert sorted(collected) == sorted(asked)


def test_the_block_with_most_windows_goes_first(as_volume, new_path):
    slices = np.repeat(np.arange(11, dtype=np.uint8), 16).reshape(11, 4, 4)
    windows, run = Windows(4, 2), Run(cluster="threads", workers=1, block=(4, 4, 4))
    Counting.seen.clear()
    volume = as_volume(slices, chunks=(4, 4, 4))
    stitch_windows(Counting(), volume, new_path(), windows=windows, run=run)
    begins = [int(patch[0, 0, 0]) for patch in Counting.seen]
    assert begins == [4, 6, 7, 0, 2]  # windows of the second block, then of the first
