"""A fit to images finds back the medium that they were cut from."""

from itertools import combinations_with_replacement

import numpy as np
import pytest

from poroscale.engine import volume_from_array
from poroscale.microstructure.field.fit import (
    FittedField,
    best_order,
    fit_field,
    predicted,
    splits_of,
)
from poroscale.microstructure.field.observed import Observed
from poroscale.microstructure.field.sampler import LevelledField
from poroscale.microstructure.shares import Shares
from poroscale.pipelines.microstructure.methods.by_field import save_field
from poroscale.statistics.pair_counting import correlations
from poroscale.statistics.phases import PhaseMap


def stretched(reach, widths):
    """A kernel of another width along each axis."""
    places = np.ogrid[tuple(slice(-reach, reach + 1) for _ in range(3))]
    kernel = np.exp(-sum((p / w) ** 2 for p, w in zip(places, widths, strict=True)) / 2)
    return (kernel / np.sqrt((kernel**2).sum())).astype(np.float32)


def medium(model, shape, folder, seed=1):
    folder.mkdir(exist_ok=True)
    digest = save_field(model, folder)
    sampler = LevelledField(
        folder / "weights.safetensors",
        digest,
        order=model.order,
        reaches=tuple(len(kernel) // 2 for kernel in model.kernels),
        shares=Shares(model.fractions),
        tile=shape,
        seed=seed,
    )
    return sampler((0, 0, 0), shape)


def seen(array, folder, name, plane, count):
    volume = volume_from_array(array, folder / f"{name}.zarr")
    pairs = list(combinations_with_replacement(range(count), 2))
    found = correlations(volume, phases=PhaseMap(tuple(range(count))), pairs=pairs, lags=24)
    return Observed(found, plane)


def along(model, lags=(1, 2, 3, 5)):
    """S2 of the first phase along z, y, x."""
    vectors = np.array([np.eye(3, dtype=int)[axis] * lag for axis in range(3) for lag in lags])
    return predicted(model, vectors)[0, 0].reshape(3, -1)


def test_one_section_finds_an_isotropic_medium(tmp_path):
    truth = FittedField((0, 1), (stretched(6, (2, 2, 2)),), (0.3, 0.7), {})
    array = medium(truth, (1, 256, 256), tmp_path / "m")
    fitted = fit_field([seen(array, tmp_path, "a", "yx", 2)], isotropic_medium=True)
    assert fitted.fractions == pytest.approx((0.3, 0.7), abs=0.03)
    assert fitted.residuals["0,0"] < 0.003
    same = FittedField(truth.order, truth.kernels, fitted.fractions, {})
    assert along(fitted) == pytest.approx(along(same), abs=0.015)


def test_three_sections_find_three_widths(tmp_path):
    truth = FittedField((0, 1), (stretched(8, (1.2, 2, 3)),), (0.4, 0.6), {})
    array = medium(truth, (160, 160, 160), tmp_path / "m")
    planes = {"yx": array[80], "zx": array[:, 80], "zy": array[:, :, 80]}
    images = [seen(each[None], tmp_path, name, name, 2) for name, each in planes.items()]
    fitted = fit_field(images, isotropic_medium=False)
    same = FittedField(truth.order, truth.kernels, fitted.fractions, {})
    assert along(fitted) == pytest.approx(along(same), abs=0.03)
    found = along(fitted)[:, 1]
    assert found[0] < found[1] < found[2]


def test_a_volume_shows_its_own_directions(tmp_path):
    truth = FittedField((0, 1), (stretched(8, (1.2, 2, 3)),), (0.4, 0.6), {})
    array = medium(truth, (96, 96, 96), tmp_path / "m")
    fitted = fit_field([seen(array, tmp_path, "a", None, 2)], isotropic_medium=False, reach=16)
    same = FittedField(truth.order, truth.kernels, fitted.fractions, {})
    assert along(fitted) == pytest.approx(along(same), abs=0.01)


def test_three_phases_are_taken_in_the_order_that_made_them(tmp_path):
    kernels = (stretched(6, (2.5,) * 3), stretched(4, (1.2,) * 3))
    truth = FittedField((2, 0, 1), kernels, (0.3, 0.4, 0.3), {})
    array = medium(truth, (64, 128, 128), tmp_path / "m")
    image = seen(array, tmp_path, "a", None, 3)
    order = best_order([image], (0, 1, 2), truth.fractions)
    assert order[0] == 2
    fitted = fit_field([image], isotropic_medium=True, reach=14)
    assert max(fitted.residuals.values()) < 0.004


def test_splits_are_shares_of_what_is_left():
    first, second = splits_of((2, 0, 1), (0.3, 0.5, 0.2))
    assert (first.phase, first.rest, first.share) == (2, (2, 0, 1), pytest.approx(0.2))
    assert (second.phase, second.rest, second.share) == (0, (0, 1), pytest.approx(0.375))
