"""From pictures to a model and to volumes; what is wrong is said in one sentence."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import poroscale as ps
from poroscale.engine import volume_from_array
from poroscale.kernels.noise import correlated_noise
from poroscale.microstructure.model import MicrostructureModel
from poroscale.volume import VolumeSpec

SHAPE = (40, 48, 40)
MASK = VolumeSpec((64, 64, 64), np.dtype(np.uint8), (2.0, 2.0, 2.0))


def picture(levels=(0.0,), seed=1, edge=96, sigma=2.0):
    """A section of a levelled field; grey values 0, 100, 200 ..."""
    field = correlated_noise((0, 0, 0), (1, edge, edge), seed=seed, sigma=sigma)[0]
    return (np.digitize(field, levels) * 100).astype(np.uint8)


def saved(array, path):
    Image.fromarray(array).save(path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("microstructure")


@pytest.fixture(scope="module")
def model(folder):
    image = saved(picture((-0.5, 0.6)), folder / "a.png")
    return ps.fit_microstructure([image], folder / "model", voxel_um=2.0, reach=10, tile=64)


def test_a_model_knows_its_phases(model, folder):
    opened = MicrostructureModel.open(folder / "model")
    assert opened.settings == model.settings
    assert opened.settings.greys == (0.0, 100.0, 200.0)
    assert sum(opened.settings.fractions) == pytest.approx(1.0)
    assert opened.voxel_size == (2.0, 2.0, 2.0)
    assert opened.settings.images[0].name == "a.png"
    lines = list(opened.describe())
    assert "field model of 3 phases" in lines[0]
    assert any("rms residual" in line for line in lines)


def test_any_workers_and_size_give_the_same_bytes(model, folder):
    first, second = (
        ps.generate_microstructure(
            folder / "model", folder / f"v{workers}.zarr", shape=SHAPE, seed=3, workers=workers
        ).read()
        for workers in (1, 2)
    )
    assert first.dtype == np.uint8
    assert first.shape == SHAPE
    assert np.array_equal(first, second)
    larger = ps.generate_microstructure(
        folder / "model", folder / "larger.zarr", shape=(40, 64, 80), seed=3
    )
    assert np.array_equal(larger.read()[:, :48, :40], first)


def test_volumes_that_meet_fit_each_other(model, folder):
    whole = ps.generate_microstructure(folder / "model", folder / "w.zarr", shape=(20, 60, 40))
    halves = [
        ps.generate_microstructure(
            folder / "model", folder / f"w{y}.zarr", shape=(20, 30, 40), origin=(0, y, 0)
        )
        for y in (0, 30)
    ]
    assert halves[1].origin == (0, 30, 0)
    both = np.concatenate([each.read() for each in halves], axis=1)
    assert np.array_equal(both, whole.read())
    with pytest.raises(ValueError, match="left out of a periodic volume"):
        ps.generate_microstructure(
            folder / "model", folder / "no.zarr", shape=SHAPE, origin=(1, 0, 0), periodic=True
        )


@pytest.mark.slow
def test_processes_give_the_same_bytes(model, folder):
    both = [
        ps.generate_microstructure(
            folder / "model", folder / f"{cluster}.zarr", shape=(128, 70, 70), cluster=cluster
        ).read()
        for cluster in ("threads", "processes")
    ]
    assert np.array_equal(*both)


def test_a_model_is_fitted_once(model, folder):
    again = ps.fit_microstructure(
        [folder / "a.png"], folder / "model", voxel_um=2.0, reach=10, tile=64
    )
    assert again.settings == model.settings
    with pytest.raises(ValueError, match="fitted to other images or with other settings"):
        ps.fit_microstructure([folder / "a.png"], folder / "model", voxel_um=2.0, reach=11)


def test_a_wanted_fraction_is_met(model, folder):
    made = ps.generate_microstructure(
        folder / "model", folder / "f.zarr", shape=(64, 64, 64), fraction={2: 0.15}
    )
    shares = np.bincount(made.read().ravel(), minlength=3) / made.read().size
    assert shares[2] == pytest.approx(0.15, abs=0.02)
    before = model.settings.fractions
    assert shares[0] / shares[1] == pytest.approx(before[0] / before[1], rel=0.15)


def test_wanted_fractions_of_several_phases_are_met_together(model):
    own = model.settings.fractions
    assert model.wanted({0: 0.2, 1: 0.3}) == pytest.approx((0.2, 0.3, 0.5))
    assert model.wanted({0: 0.2, 1: 0.3, 2: 0.5}) == pytest.approx((0.2, 0.3, 0.5))
    one = model.wanted({1: 0.3})
    assert one[0] / one[2] == pytest.approx(own[0] / own[2])


@pytest.mark.parametrize(
    ("planes", "across"), [("yx", (0, 1, 2)), ("zx", (0, 1, 2)), (["zy"], (0, 1, 2))]
)
def test_one_section_of_any_plane_stands_for_all_directions(tmp_path, planes, across):
    ps.fit_microstructure(picture(), tmp_path / "model", planes=planes, reach=10, tile=64)
    made = ps.generate_microstructure(
        tmp_path / "model", tmp_path / "v.zarr", shape=(64, 64, 64)
    ).read()
    unlike = [np.mean(np.diff(made.astype(int), axis=axis) != 0) for axis in across]
    assert max(unlike) < 1.25 * min(unlike)


def test_periods_shorter_than_the_kernel_keep_the_fraction(tmp_path):
    ps.fit_microstructure(picture((0.8,)), tmp_path / "model", reach=12, tile=64)
    own = MicrostructureModel.open(tmp_path / "model").settings.fractions[1]
    for shape in ((8, 64, 64), (1, 96, 96)):
        shares = [
            (ps.generate_microstructure(
                tmp_path / "model", tmp_path / f"{shape[0]}_{seed}.zarr", shape=shape, seed=seed,
                periodic=True,
            ).read() == 1).mean()
            for seed in range(8)
        ]  # fmt: skip
        assert np.mean(shares) == pytest.approx(own, abs=0.04)


def test_a_periodic_section_repeats_within_its_plane(model, folder):
    made = ps.generate_microstructure(
        folder / "model", folder / "flat.zarr", shape=(1, 64, 64), periodic=True
    ).read()[0]
    for axis in (0, 1):
        rolled = np.moveaxis(made, axis, 0)
        inside = np.mean(rolled[1:] != rolled[:-1])
        assert np.mean(rolled[0] != rolled[-1]) < 2.5 * inside


def test_an_array_is_an_image(tmp_path):
    array = picture((-0.5, 0.6))
    saved(array, tmp_path / "a.png")
    one = ps.fit_microstructure([tmp_path / "a.png"], tmp_path / "file", reach=8, tile=64)
    other = ps.fit_microstructure(array, tmp_path / "array", reach=8, tile=64)
    assert one.settings.details == other.settings.details
    with pytest.raises(TypeError, match="an image must be a path"):
        ps.fit_microstructure([3.5], tmp_path / "none")


def test_a_fit_is_held_to_its_plan(tmp_path):
    with pytest.raises(MemoryError, match="memory must be at least"):
        ps.fit_microstructure([picture()], tmp_path / "model", reach=48, memory="400MiB")
    with pytest.raises(ValueError, match="`reach` must be at most"):
        ps.fit_microstructure([picture()], tmp_path / "far", reach=60, memory="8GiB")


def test_phases_in_floats_are_refused_by_the_name_of_the_file(tmp_path):
    tifffile.imwrite(tmp_path / "f.tif", picture((0.4,)).astype(np.float32))
    with pytest.raises(ValueError, match=r"^f\.tif must show phases as whole numbers, got float32"):
        ps.fit_microstructure([tmp_path / "f.tif"], tmp_path / "model")


def test_a_model_is_told_and_verified_as_one(tmp_path):
    """Both took any folder with a model.json for the model of a part."""
    ps.fit_microstructure(
        [saved(picture((0.4,)), tmp_path / "a.png")], tmp_path / "model", reach=16
    )
    told = "\n".join(ps.info(tmp_path / "model"))
    assert "field model of 2 phases" in told
    assert ps.verify(tmp_path / "model") == []
    weights = tmp_path / "model" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert "weights.safetensors" in ps.verify(tmp_path / "model")[0]


@pytest.mark.parametrize(
    "tags",
    [
        {"resolution": (1000, 500), "resolutionunit": "CENTIMETER"},
        {"resolution": (0.1, 0.05), "metadata": {"axes": "YX", "unit": "um"}, "imagej": True},
    ],
)
def test_pixels_that_are_not_square_are_refused(tmp_path, tags):
    """Taken for pixels of unknown size, they would count as 1 um in both directions."""
    tifffile.imwrite(tmp_path / "unlike.tif", picture((0.4,)), **tags)
    made = medium_of(tmp_path)
    for call in (
        lambda: ps.fit_microstructure([tmp_path / "unlike.tif"], tmp_path / "model"),
        lambda: ps.compare_microstructure(tmp_path / "unlike.tif", made, tmp_path / "out"),
    ):
        with pytest.raises(ValueError, match=r"unlike.tif must have square pixels, got 20 x 10 um"):
            call()


def medium_of(folder):
    array = np.random.default_rng(0).integers(0, 2, (16, 16, 16), np.uint8)
    return volume_from_array(array, folder / "made.zarr")


def test_a_segmented_volume_is_fitted_within_the_usual_memory(tmp_path):
    volume = (correlated_noise((0, 0, 0), (96, 96, 96), seed=2, sigma=2.0) > 0.5).astype(np.uint8)
    tifffile.imwrite(tmp_path / "v.tif", volume)
    assert ps.plan(ps.fit_microstructure, [tmp_path / "v.tif"], tmp_path / "model") is not None
    model = ps.fit_microstructure([tmp_path / "v.tif"], tmp_path / "model", reach=8, tile=64)
    assert model.phases == 2
    with pytest.raises(MemoryError, match="memory must be at least"):
        ps.fit_microstructure([tmp_path / "v.tif"], tmp_path / "other", memory="300MiB")


def test_a_mask_says_where_a_fraction_holds(model, folder):
    inside = np.zeros((64, 64, 64), np.uint8)
    inside[:, :, 32:] = 1
    mask = volume_from_array(inside, folder / "mask.zarr", spec=MASK)
    made = ps.generate_microstructure(
        folder / "model", folder / "g.zarr", mask=mask, shape=(64, 64, 64), fraction="2=0.7"
    ).read()
    assert (made[:, :, 32:] == 2).mean() == pytest.approx(0.7, abs=0.05)
    own = model.settings.fractions[2]
    assert (made[:, :, :32] == 2).mean() == pytest.approx(own, abs=0.05)


def test_a_mask_of_floats_states_the_fraction(model, folder):
    share = np.broadcast_to(np.linspace(0.1, 0.8, 64, dtype=np.float32)[:, None, None], (64,) * 3)
    spec = VolumeSpec((64,) * 3, np.dtype(np.float32), (2.0,) * 3)
    mask = volume_from_array(np.ascontiguousarray(share), folder / "share.zarr", spec=spec)
    made = ps.generate_microstructure(
        folder / "model", folder / "s.zarr", mask=mask, shape=(64, 64, 64), fraction="0=0.5"
    ).read()
    assert (made[:16] == 0).mean() == pytest.approx(share[:16].mean(), abs=0.05)
    assert (made[-16:] == 0).mean() == pytest.approx(share[-16:].mean(), abs=0.05)


def test_a_gradient_changes_along_its_axis(model, folder):
    made = ps.generate_microstructure(
        folder / "model", folder / "h.zarr", shape=(64, 64, 64), gradient="0:y:0.1:0.8"
    ).read()
    assert (made[:, :16] == 0).mean() < 0.3
    assert (made[:, -16:] == 0).mean() > 0.6


def test_opposite_faces_of_a_periodic_volume_fit(model, folder):
    made = ps.generate_microstructure(
        folder / "model", folder / "p.zarr", shape=(48, 48, 48), periodic=True
    ).read()
    inside = np.mean([(made[k] != made[k + 1]).mean() for k in range(47)])
    assert (made[0] != made[-1]).mean() < 1.5 * inside


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"fraction": "7=0.2"}, "phase from 0 to 2, got 7"),
        ({"fraction": "1=1.2"}, "between 0 and 1"),
        ({"fraction": "many"}, "form PHASE=F"),
        ({"fraction": "0=0.9,1=0.2"}, "leave something for the other phases"),
        ({"fraction": "0=0.2,1=0.3,2=0.1"}, "must sum to 1, got 0.6"),
        ({"fraction": "1=0.2,1=0.4"}, "name each phase once"),
        ({"fraction": "1=0.2", "gradient": "1:z:0.1:0.4"}, "must not name phase 1"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
        ({"gradient": "1:q:0.1:0.2"}, "form PHASE:AXIS:FIRST:LAST"),
        ({"gradient": "1:z:0:0.2"}, "between 0 and 1"),
        ({"memory": "100MiB"}, "memory|budget"),
    ],
)
def test_wrong_wishes_are_refused(model, folder, settings, sentence):
    with pytest.raises((ValueError, MemoryError), match=sentence):
        ps.generate_microstructure(folder / "model", folder / "no.zarr", shape=SHAPE, **settings)


def test_a_mask_of_another_shape_is_refused(model, folder):
    mask = volume_from_array(np.ones((8, 8, 8), np.uint8), folder / "small.zarr")
    with pytest.raises(ValueError, match="shape"):
        ps.generate_microstructure(
            folder / "model", folder / "no.zarr", mask=mask, shape=SHAPE, fraction="1=0.2"
        )


def test_a_mask_of_other_voxels_or_of_no_fractions_is_refused(model, folder):
    own = {"shape": (64,) * 3, "fraction": "1=0.2"}
    fine = volume_from_array(np.ones((64,) * 3, np.uint8), folder / "fine.zarr")
    with pytest.raises(ValueError, match="must have voxels of"):
        ps.generate_microstructure(folder / "model", folder / "no.zarr", mask=fine, **own)
    bytes_ = np.full((64,) * 3, 255, np.float32)
    wide = volume_from_array(
        bytes_, folder / "wide.zarr", spec=MASK.but(dtype=np.dtype(np.float32))
    )
    with pytest.raises(ValueError, match="must lie between 0 and 1, got 255"):
        ps.generate_microstructure(folder / "model", folder / "no2.zarr", mask=wide, **own)


def test_a_volume_within_the_model_is_refused(model, folder):
    with pytest.raises(ValueError, match="must not lie inside the model"):
        ps.generate_microstructure(
            folder / "model", folder / "model" / "images" / "0.zarr", shape=SHAPE, overwrite=True
        )


def test_images_of_unlike_voxels_are_refused(tmp_path):
    for first, second in ((1.0, 2.0), (2.0, 1.0)):
        both = []
        for um in (first, second):
            spec = VolumeSpec((1, 96, 96), np.dtype(np.uint8), (um,) * 3)
            both.append(volume_from_array(picture()[None], tmp_path / f"{um}.zarr", spec=spec))
        with pytest.raises(ValueError, match="voxels of one size"):
            ps.fit_microstructure(both, tmp_path / "model", planes="yx,zx")


@pytest.mark.parametrize(
    ("pictures", "settings", "sentence"),
    [
        ([np.zeros((64, 64), np.uint8)], {}, "two phases, got the value 0 alone"),
        (
            [np.arange(4096).reshape(64, 64) % 200],
            {},
            r"^0\.png .* got grey values",
        ),
        ([np.arange(4096).reshape(64, 64) % 12], {}, "at most 8 phases, got 12 values"),
        ([picture((-0.5, 0.6))], {"phases": 2}, "at most 2 phases"),
        ([picture()], {"phases": 3}, "must show 3 phases"),
        ([picture(), picture((-0.5, 0.6))], {}, "same values"),
        ([picture(), picture((1.5,))], {}, "agree in their fractions"),
        ([picture()], {"planes": "xz"}, "name one plane of yx, zx, zy"),
        ([picture()[:4]], {}, "at least 8 voxels wide"),
    ],
)
def test_images_that_are_none_are_refused(tmp_path, pictures, settings, sentence):
    paths = [
        saved(np.asarray(each, np.uint8), tmp_path / f"{k}.png") for k, each in enumerate(pictures)
    ]
    with pytest.raises(ValueError, match=sentence):
        ps.fit_microstructure(paths, tmp_path / "m", **settings)
    assert not (tmp_path / "m").exists()


def test_volumes_and_several_planes_are_taken(tmp_path):
    array = (correlated_noise((0, 0, 0), (32, 40, 48), seed=2, sigma=1.5) > 0.3).astype(np.uint8)
    volume = volume_from_array(array, tmp_path / "v.zarr")
    model = ps.fit_microstructure([volume], tmp_path / "m", reach=8)
    assert model.settings.images[0].plane is None
    sections = [
        saved(array[16] * 255, tmp_path / "yx.png"),
        saved(array[:, 20] * 255, tmp_path / "zx.png"),
    ]
    both = ps.fit_microstructure(sections, tmp_path / "n", reach=8, planes="yx,zx")
    assert [each.plane for each in both.settings.images] == ["yx", "zx"]
    assert not both.settings.details["isotropic"]


def test_the_plan_holds_for_a_large_volume(model, folder):
    plan = ps.plan(
        ps.generate_microstructure,
        folder / "model",
        folder / "no.zarr",
        shape=(2048, 2048, 2048),
        memory="2GiB",
    )
    assert plan.peak <= 2 << 30


def test_an_altered_model_is_refused(folder, tmp_path):
    image = saved(picture(), tmp_path / "a.png")
    ps.fit_microstructure([image], tmp_path / "m", reach=8, tile=32)
    (tmp_path / "m" / "model.json").write_text("{}")
    with pytest.raises(OSError, match=r"model\.json"):
        ps.generate_microstructure(tmp_path / "m", tmp_path / "v.zarr", shape=SHAPE)
    with pytest.raises(FileNotFoundError, match="no model"):
        ps.generate_microstructure(tmp_path, tmp_path / "v.zarr", shape=SHAPE)


def test_the_configuration_of_the_repository_is_read(folder, tmp_path):
    file = Path(__file__).parents[3] / "configs" / "microstructure.yaml"
    image = folder / "a.png" if (folder / "a.png").exists() else saved(picture(), folder / "a.png")
    model = ps.fit_microstructure([image], tmp_path / "m", config=file, reach=8, tile=32)
    assert model.voxel_size == (2.0, 2.0, 2.0)
    made = ps.generate_microstructure(
        tmp_path / "m", tmp_path / "v.zarr", config=file, shape=(16, 16, 16)
    )
    assert made.shape == (16, 16, 16)
