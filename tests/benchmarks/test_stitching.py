"""Windows stitched by poroscale, and passed through the bare network: the same number of them."""

from pathlib import Path

import numpy as np
import pytest

from poroscale.benchmarks.data import coupon
from poroscale.benchmarks.measure import Measured, Once
from poroscale.benchmarks.stitching import (
    BARE,
    MONAI,
    OURS,
    TILES,
    SmallNetwork,
    bare_network,
    large_rows,
    monai,
    stitch,
    stitching_rows,
    torchio,
)

EDGE = 96
WINDOWS = 8


@pytest.fixture(scope="session")
def larger(inputs: Path) -> str:
    return str(coupon(inputs, EDGE))


def test_stitching_passes_every_window_once(benchmark, larger: str, tmp_path: Path) -> None:
    timed = stitch(tmp_path, scan=larger)
    result = benchmark.pedantic(timed, rounds=1)
    assert result["windows"] == WINDOWS
    assert 0 < np.std(result["scores"]) < 0.5


def test_tiles_with_a_halo_see_a_voxel_less_often(larger: str, tmp_path: Path) -> None:
    tiled = stitch(tmp_path, scan=larger, tiles=True)()
    assert tiled["windows"] == 8
    assert tiled["passes"] == pytest.approx(8 * 64**3 / EDGE**3)


@pytest.mark.parametrize("at_a_time", [1, 2])
def test_the_bare_network_passes_them_too(
    benchmark, larger: str, tmp_path: Path, at_a_time: int
) -> None:
    timed = bare_network(tmp_path, scan=larger, at_a_time=at_a_time)
    assert benchmark.pedantic(timed, rounds=1) == {"windows": WINDOWS}


@pytest.mark.parametrize(("module", "peer"), [("monai", monai), ("torchio", torchio)])
def test_peers_find_the_same_scores(larger: str, tmp_path: Path, module: str, peer) -> None:
    pytest.importorskip(module)
    ours = stitch(tmp_path, scan=larger)()["scores"]
    np.testing.assert_allclose(peer(tmp_path, scan=larger)()["scores"], ours, atol=0.0021)


def test_a_window_is_answered_alike_wherever_it_stands_in_its_batch() -> None:
    windows = np.random.default_rng(0).random((3, 16, 16, 16), np.float32) * 65535
    infer = SmallNetwork()
    whole = infer(windows)
    np.testing.assert_array_equal(infer(windows[::-1].copy()), whole[::-1])
    again = np.stack([windows[0], windows[0], windows[2]])
    np.testing.assert_array_equal(infer(again)[1], whole[0])


def of(*walls: float, scores: list[float] | None = None) -> Measured:
    result = {"windows": 343} | ({} if scores is None else {"scores": scores})
    return Measured([Once(wall, 2 * wall, 0, result) for wall in walls])


@pytest.mark.parametrize(("peak", "met"), [(700 << 20, True), (3 << 30, False)])
def test_the_peak_of_a_large_scan_has_a_target(peak: int, met: bool) -> None:
    rows = large_rows(Measured([Once(1.0, 2.0, peak, {"windows": 29791})]))
    assert rows[0].met is met
    assert rows[1].value == "29,791"


def test_ratios_are_those_of_the_same_round() -> None:
    measured = {BARE: of(1.0, 2.0, 4.0), OURS: of(1.04, 2.2, 4.0, scores=[0.5])}
    rows = stitching_rows(measured)
    assert rows[0].ratio == "1.040 of it"
    assert rows[0].met
    assert rows[1].what == "CPU time against bare network"
    assert rows[1].met is None


def test_the_gain_of_a_halo_has_a_target() -> None:
    tiles, ours = of(1.0), of(3.9, scores=[0.5])
    tiles.runs[0].result["passes"], ours.runs[0].result["passes"] = 1.5, 7.5
    gain, passes, *_ = stitching_rows({OURS: ours, TILES: tiles})
    assert (gain.ratio, gain.met) == ("3.90 x as fast", False)
    assert passes.ratio == "5.00 x fewer"


def test_other_scores_are_no_result() -> None:
    measured = {OURS: of(1.0, scores=[0.5]), MONAI: of(1.0, scores=[0.51])}
    with pytest.raises(RuntimeError, match="scores of MONAI must be those of stitch_windows"):
        stitching_rows(measured)
