"""Training by a file, and generation of sets by condition, count and size."""

import csv

import numpy as np
import pytest
from PIL import Image

import poroscale
from poroscale.config import load_sections, parse_stages
from poroscale.micrographs.dataset import MicrographSet
from poroscale.micrographs.gan.config import small_sem_gan
from poroscale.micrographs.gan.fit import train_micrograph_gan
from poroscale.phantoms.micrographs import PhantomSeries, write_phantom_series
from poroscale.pipelines.micrographs.generate import GenerateSemConfig, generate_sem
from poroscale.pipelines.micrographs.train import STAGES, SemTrainJob
from tests.micrographs.conftest import CHIPS, TINY
from tests.test_examples import ROOT

CONFIGS = ROOT / "configs"


def test_the_narrow_file_is_the_narrow_recipe():
    job = SemTrainJob.load(CONFIGS / "train_sem.yaml")
    assert job.gan == small_sem_gan()
    assert job.paths.conditions == {"temper": "category", "feed_rate": "continuous"}


def test_the_published_file_is_the_default():
    """Batch 64, penalty 10, classification 5, AdamW, 400 epochs, chips of 128²."""
    job = SemTrainJob.load(CONFIGS / "train_sem_published.yaml")
    default = parse_stages(STAGES, {})
    assert job.gan == default["gan"].model_copy(update={"mixed": True, "device": "cuda"})
    assert job.chips.edge == default["chips"].edge == 128
    assert (job.gan.batch, job.gan.epochs) == (64, 400)
    sections = load_sections(CONFIGS / "train_sem_published.yaml")
    assert sections["gan"].items() >= {"penalty": 10, "classification": 5}.items()


def test_a_set_of_all_combinations(tiny_model, tmp_path):
    config = GenerateSemConfig(
        condition={"temper": ["T6", "none"], "feed_rate": 7.5}, count=2, size=(70, 130), seed=3
    )
    found = generate_sem(tiny_model.folder, tmp_path / "made", config=config)
    assert found.images.shape == (4, 70, 130)
    assert list(found.rows["temper"]) == ["T6", "T6", "", ""]
    np.testing.assert_allclose(found.rows["feed_rate"], 7.5)
    assert found.settings.generated["model"] == tiny_model.digest
    assert found.images.voxel_size[-1] == 0.25
    pixels = found.images.read()
    assert (pixels[0] != pixels[1]).any()
    assert MicrographSet.open(tmp_path / "made").chips(64, 32).shape == (4 * 3, 64, 64)


def test_pictures_are_those_of_the_set_alone(tiny_model, tmp_path):
    """Of an earlier set with more images none stays; their table states the scale, too."""
    wanted = {"condition": {"temper": None, "feed_rate": 5.0}, "pictures": True}
    poroscale.generate_sem(tiny_model.folder, tmp_path / "a", count=3, **wanted)
    found = poroscale.generate_sem(
        tiny_model.folder, tmp_path / "a", count=2, overwrite=True, **wanted
    )
    assert list(found.rows["temper"]) == ["", ""]
    names = sorted(each.name for each in (tmp_path / "a/pictures").iterdir())
    assert names == ["0000.png", "0001.png", "conditions.csv"]
    again = poroscale.gather_sem(
        tmp_path / "a/pictures/conditions.csv", tmp_path / "b", chip=32, pixel_um=1.0
    )
    assert again.settings.pixel_um == 0.25


def test_values_are_those_that_were_asked_for(tiny_model, tmp_path):
    wanted = {"temper": "T5", "feed_rate": np.array([5, 7.3])}
    found = poroscale.generate_sem(tiny_model.folder, tmp_path / "a", condition=wanted)
    assert list(found.rows["feed_rate"]) == [5.0, 7.3]


def test_cluster_and_blocks_change_no_byte(tiny_model, tmp_path, scheduler):
    wanted = {"condition": "temper=T5,feed_rate=3", "count": 3, "size": (140, 140)}
    one = poroscale.generate_sem(tiny_model.folder, tmp_path / "a", **wanted)
    other = poroscale.generate_sem(tiny_model.folder, tmp_path / "b", **wanted, cluster=scheduler)
    np.testing.assert_array_equal(one.images.read(), other.images.read())
    assert one.images.digest == other.images.digest


def test_the_size_of_the_training_by_default(tiny_model, tmp_path):
    config = GenerateSemConfig(condition="temper=T5,feed_rate=5", pictures=True)
    found = generate_sem(tiny_model.folder, tmp_path / "made", config=config)
    assert found.images.shape == (1, 32, 32)
    with (tmp_path / "made/pictures/conditions.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert row == {"image": "0000.png", "temper": "T5", "feed_rate": "5.0", "pixel_um": "0.25"}
    with Image.open(tmp_path / "made/pictures/0000.png") as image:
        np.testing.assert_array_equal(np.asarray(image), found.images.read()[0])


def test_the_memory_is_planned(tiny_model, tmp_path):
    config = GenerateSemConfig(condition="temper=T5,feed_rate=5", size=(4000, 4000))
    plan = poroscale.plan("generate_sem", tiny_model.folder, tmp_path / "x", config=config)
    assert "generate micrographs" in str(plan)
    with pytest.raises(MemoryError):
        generate_sem(
            tiny_model.folder, tmp_path / "x", config=config, run=poroscale.Run(memory="9MiB")
        )


def test_a_model_takes_no_folder_of_other_files(small_set):
    sections = {"sem": {"data": str(small_set.folder), "conditions": {"temper": "category"}}}
    for model in (small_set.folder, small_set.folder / "images.zarr"):
        sections["sem"]["model"] = str(model)
        job = SemTrainJob.of({name: dict(each) for name, each in sections.items()}, {})
        with pytest.raises(ValueError, match="is a folder with other files in it"):
            job.start()


def test_output_and_model_do_not_mix(tiny_model):
    config = GenerateSemConfig(condition="temper=T5,feed_rate=5")
    with pytest.raises(ValueError, match="output must not lie inside the model"):
        generate_sem(tiny_model.folder, tiny_model.folder / "made", config=config)


def test_sixteen_bits_from_pictures_to_images(tmp_path):
    """Levels between those of the pictures, of their type."""
    series = PhantomSeries(("T5", "T6"), (5.0,), 2, 1, height=48, width=48, bits=16)
    write_phantom_series(series, tmp_path / "in", suffix=".tif", pixel_um=None)
    real = poroscale.gather_sem(tmp_path / "in/conditions.csv", tmp_path / "set", chip=32)
    model = train_micrograph_gan(
        real, tmp_path / "model", kinds={"temper": "category"}, config=TINY, chips=CHIPS
    )
    made = poroscale.generate_sem(model.folder, tmp_path / "made", condition="temper=T6", count=2)
    low, high = real.settings.levels
    assert made.settings.bits == 16
    assert made.settings.pixel_um is None
    pixels = made.images.read()
    assert pixels.dtype == np.uint16
    assert low <= pixels.min() <= pixels.max() <= high
