"""Pictures and their table as a set: depth, scale, sizes, duplicates, and what is refused."""

import shutil

import numpy as np
import pandas
import pytest
import tifffile
from PIL import Image

import poroscale
from poroscale.micrographs.dataset import MicrographSet
from poroscale.phantoms.micrographs import PhantomSeries, write_phantom_series
from poroscale.pipelines.micrographs.gather import GatherSemConfig, gather_sem

SERIES = PhantomSeries(("T5", "none"), (2.5, 12.5), 2, 1, height=96, width=140)
SMALL = GatherSemConfig(chip=64)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    write_phantom_series(SERIES, folder)
    return folder


@pytest.fixture
def copied(pictures, tmp_path):
    return shutil.copytree(pictures, tmp_path / "pictures")


def changed(folder, **columns):
    table = pandas.read_csv(folder / "conditions.csv").assign(**columns)
    table.to_csv(folder / "conditions.csv", index=False)
    return folder / "conditions.csv"


def test_a_set_holds_the_pictures_and_their_conditions(pictures, tmp_path):
    found = poroscale.gather_sem(pictures / "conditions.csv", tmp_path / "set", config=SMALL)
    stack = SERIES.micrographs()
    np.testing.assert_array_equal(found.images.read(), stack((0, 0, 0), stack.shape))
    assert found.images.voxel_size[-1] == 0.25
    assert found.names[3] == "003.png"
    np.testing.assert_array_equal(found.rows["feed_rate"], [2.5, 2.5, 12.5, 12.5] * 2)
    assert list(found.rows["temper"]) == ["T5"] * 4 + [""] * 4
    assert np.isnan(found.rows["strength"][4:]).all()
    assert found.settings.duplicates == ()
    assert len(np.unique(found.rows["group"])) == 8
    chips = found.chips(64, 32)
    assert chips.shape == (8 * 2 * 3, 64, 64)
    view = chips.to_xarray()
    assert int((view.temper == "T5").sum()) == 4 * 6
    assert MicrographSet.open(tmp_path / "set").digest == found.digest
    assert any("feed_rate: 2.5 to 12.5" in line for line in found.describe())
    again = gather_sem(pictures / "conditions.csv", tmp_path / "set", config=SMALL)
    assert again.digest == found.digest


def test_a_plan_is_made_without_reading(pictures):
    table = pictures / "conditions.csv"
    found = poroscale.plan("gather_sem", table, "unused", config=SMALL)
    assert "gather pictures" in str(found)


def test_parquet_tables_and_another_folder_of_pictures(copied, tmp_path):
    table = pandas.read_csv(copied / "conditions.csv")
    (copied / "conditions.csv").unlink()
    table.to_parquet(tmp_path / "t.parquet")
    config = SMALL.model_copy(update={"images": str(copied)})
    found = gather_sem(tmp_path / "t.parquet", tmp_path / "set", config=config)
    assert list(found.rows["temper"]) == ["T5"] * 4 + [""] * 4


@pytest.mark.parametrize(("suffix", "bits"), [(".tif", 16), (".png", 16), (".bmp", 8)])
def test_depths_and_formats(tmp_path, suffix, bits):
    series = PhantomSeries(("T5", "T6"), (5.0,), 1, 1, height=64, width=64, bits=bits)
    write_phantom_series(series, tmp_path / "in", suffix=suffix, pixel_um=None)
    found = gather_sem(tmp_path / "in/conditions.csv", tmp_path / "set", config=SMALL)
    stack = series.micrographs()
    np.testing.assert_array_equal(found.images.read(), stack((0, 0, 0), stack.shape))
    assert found.settings.bits == bits
    assert found.settings.pixel_um is None
    assert found.settings.levels == (found.images.read().min(), found.images.read().max())


def test_pictures_of_several_sizes_have_chips_of_their_own(copied, tmp_path):
    with Image.open(copied / "002.png") as image:
        image.crop((0, 0, 70, 80)).save(copied / "002.png")
    found = gather_sem(copied / "conditions.csv", tmp_path / "set", config=SMALL)
    lattice = found.chips(64, 32).lattice
    assert [len(lattice.of_image(k)) for k in (1, 2, 3)] == [6, 1, 6]
    with pytest.raises(ValueError, match=r"002.png must be as large as a chip of 75 x 75 pixels"):
        found.chips(75, 32)


def test_a_channel_of_coloured_pictures(copied, tmp_path):
    """A legend in colours below a grey picture is none of the image."""
    with Image.open(copied / "002.png") as image:
        coloured = np.stack([np.asarray(image)] * 3, axis=2)
    coloured[90:, :, 0] = 255
    Image.fromarray(coloured).save(copied / "002.png")
    with pytest.raises(ValueError, match=r"002.png: .* choose a channel with `channel` 0 to 2"):
        gather_sem(copied / "conditions.csv", tmp_path / "a", config=SMALL)
    for name, changes in (("b", {"channel": 0}), ("c", {"bar": 8})):
        config = SMALL.model_copy(update=changes)
        found = gather_sem(copied / "conditions.csv", tmp_path / name, config=config)
        np.testing.assert_array_equal(found.images.read()[2, :88], coloured[:88, :, 0])


def test_a_legend_is_left_out(copied, tmp_path):
    config = SMALL.model_copy(update={"bar": 20})
    found = gather_sem(copied / "conditions.csv", tmp_path / "set", config=config)
    assert found.images.shape[1:] == (76, 140)


def test_scales_of_files_are_brought_to_one(copied, tmp_path):
    """A picture of twice the magnification shows as many precipitates at the common scale."""
    stack = SERIES.micrographs()
    fine = np.kron(stack((0, 0, 0), (1, 96, 140))[0], np.ones((2, 2), np.uint8))
    tifffile.imwrite(copied / "000.tif", fine, resolution=(8e4, 8e4), resolutionunit="CENTIMETER")
    (copied / "000.png").unlink()
    table = changed(
        copied,
        image=["000.tif", *(f"{k:03}.png" for k in range(1, 8))],
        pixel_um=[np.nan, *[0.25] * 7],
    )
    with pytest.raises(ValueError, match=r"one scale, got 0.125 um in 000.tif and 0.25 um in 001"):
        gather_sem(table, tmp_path / "set", config=SMALL)
    config = SMALL.model_copy(update={"bring_to_um": 0.25})
    found = gather_sem(table, tmp_path / "set", config=config)
    assert found.settings.resampled == (0,)
    assert list(found.rows["pixel_um"]) == [0.25] * 8
    assert found.images.shape[1:] == (96, 140)
    ours = found.images.read((0, 0, 0), (1, 96, 140))[0].astype(float)
    truth = stack((0, 0, 0), (1, 96, 140))[0].astype(float)
    assert np.corrcoef(ours.ravel(), truth.ravel())[0, 1] > 0.95
    assert ours.mean() == pytest.approx(truth.mean(), abs=0.5)
    with pytest.raises(ValueError, match=r"`bring_to_um` must be 0.25 at least"):
        gather_sem(table, tmp_path / "b", config=SMALL.model_copy(update={"bring_to_um": 0.2}))


FEI = "[User]\r\nUser=a\r\n[Scan]\r\nPixelWidth=5.0e-7\r\nPixelHeight=5.0e-7\r\n"
ZEISS = "1\r\n2\r\nAP_MAG\r\nMag = 500 X\r\nAP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 500.0 nm\r\n"


@pytest.mark.parametrize("tag", [(34680, FEI), (34118, ZEISS)])
def test_the_scale_of_a_microscope_is_read_from_its_tags(tmp_path, tag):
    series = PhantomSeries(("T5", "T6"), (5.0,), 1, 1, height=64, width=64)
    write_phantom_series(series, tmp_path / "in", suffix=".tif", pixel_um=None)
    pixels = series.micrographs()((0, 0, 0), (2, 64, 64))
    for k in range(2):
        tifffile.imwrite(
            tmp_path / f"in/{k:03}.tif",
            pixels[k],
            photometric="minisblack",
            resolution=(180, 180),
            resolutionunit="INCH",
            extratags=[(tag[0], "s", 0, tag[1], True)],
        )
    found = gather_sem(tmp_path / "in/conditions.csv", tmp_path / "set", config=SMALL)
    assert found.settings.pixel_um == pytest.approx(0.5)
    np.testing.assert_array_equal(found.images.read(), pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_that_is_stored_as_zero_is_white(tmp_path, dtype):
    """A file beside it that stores black as zero shows the same."""
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(dtype)
    tifffile.imwrite(tmp_path / "0.tif", np.invert(pixels), photometric="miniswhite")
    tifffile.imwrite(tmp_path / "1.tif", pixels, photometric="minisblack")
    (tmp_path / "t.csv").write_text("image\n0.tif\n1.tif\n")
    found = gather_sem(tmp_path / "t.csv", tmp_path / "set", config=SMALL)
    np.testing.assert_array_equal(found.images.read(), [pixels, pixels])
    assert found.settings.duplicates == ((0, 1, True),)


def test_pixels_that_are_not_square_are_refused(tmp_path):
    series = PhantomSeries(("T5", "T6"), (5.0,), 1, 1, height=64, width=64)
    write_phantom_series(series, tmp_path / "in", suffix=".tif", pixel_um=None)
    wrong = FEI.replace("PixelHeight=5", "PixelHeight=6")
    tifffile.imwrite(
        tmp_path / "in/000.tif",
        np.zeros((64, 64), np.uint8),
        photometric="minisblack",
        extratags=[(34680, "s", 0, wrong, True)],
    )
    with pytest.raises(ValueError, match=r"000.tif must have square pixels, got 5e-07 x 6e-07 m"):
        gather_sem(tmp_path / "in/conditions.csv", tmp_path / "set", config=SMALL)


@pytest.mark.parametrize(
    "stated",
    [
        {"resolution": (2e4, 1e4), "resolutionunit": "CENTIMETER"},
        {"imagej": True, "resolution": (4, 2), "metadata": {"unit": "um"}},
        {"ome": True, "metadata": {"PhysicalSizeX": 0.2, "PhysicalSizeY": 0.3}},
    ],
)
def test_edges_that_differ_are_no_unknown_scale(tmp_path, stated):
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "0.tif", pixels, **stated)
    (tmp_path / "t.csv").write_text("image\n0.tif\n")
    with pytest.raises(ValueError, match=r"0.tif must have square pixels, got"):
        gather_sem(tmp_path / "t.csv", tmp_path / "set", config=SMALL)
    (tmp_path / "t.csv").write_text("image,pixel_um\n0.tif,0.25\n")
    assert gather_sem(tmp_path / "t.csv", tmp_path / "set", config=SMALL).settings.pixel_um == 0.25


def test_duplicates_are_told_and_share_a_group(copied, tmp_path, caplog):
    shutil.copy(copied / "000.png", copied / "007.png")
    found = gather_sem(copied / "conditions.csv", tmp_path / "set", config=SMALL)
    assert found.settings.duplicates == ((0, 7, True),)
    assert found.rows["group"][0] == found.rows["group"][7]
    said = "007.png is the same image as 000.png, but has another temper, feed_rate, strength"
    assert said in caplog.text
    assert any("007.png is the same image as 000.png" in line for line in found.describe())


def test_the_background_is_denoised_on_request(copied, tmp_path):
    plain = gather_sem(copied / "conditions.csv", tmp_path / "a", config=SMALL)
    config = SMALL.model_copy(update={"denoise": True})
    found = gather_sem(copied / "conditions.csv", tmp_path / "b", config=config)
    assert found.settings.denoised
    assert found.images.read().std() < plain.images.read().std()


TABLES = [
    ('image,temper\n0.png,"T5\naged"\n1.png,T6\n', ["T5\naged", "T6"]),
    ("image,temper\n0.png,T5\u2028x\n1.png,T6\n", ["T5\u2028x", "T6"]),
    (",image,temper,\n0,0.png,T5,\n1,1.png,T6,\n", ["T5", "T6"]),
    ("image,temper,pixel_um\n0.png,T5,\n1.png,T6,\n", ["T5", "T6"]),
    ("image,temper\n0.png,nan\n1.png,2.5\n", [np.nan, 2.5]),
    ("image,temper\n0.png,\n1.png,\n", [np.nan, np.nan]),
    ("image,temper,specimen\n0.png,a,1234567\n1.png,b,1234568\n", ["a", "b"]),
]


@pytest.mark.parametrize(("table", "temper"), TABLES)
def test_tables_as_programs_write_them(tmp_path, table, temper):
    for k in range(2):
        pixels = np.random.default_rng(k).integers(0, 255, (64, 64)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{k}.png")
    (tmp_path / "._0.png").write_bytes(b"of a system")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "t.csv").write_text(table, encoding="utf-8")
    found = gather_sem(tmp_path / "t.csv", tmp_path / "set", config=SMALL)
    assert list(found.conditions) == ["temper"]
    np.testing.assert_array_equal(found.rows["temper"], temper)
    np.testing.assert_array_equal(found.rows["group"], [0, 1])
    assert found.settings.pixel_um is None


@pytest.mark.parametrize(
    ("table", "rate", "note"),
    [
        ("\ufeffsep=;\r\nimage;rate;note\r\n0.png;7,5;a\r\n1.png;8;b\r\n", [7.5, 8], ["a", "b"]),
        ("SEP=\t\nimage\trate\tnote\n0.png\t7\ta\n1.png\t8\tb\n", [7, 8], ["a", "b"]),
        ("image;rate;note\n0.png;7,5;a, b\n1.png;;c\n", [7.5, np.nan], ["a, b", "c"]),
        ("image\trate\tnote\n0.png\t1,250\ta\n1.png\t-2,5e1\tb\n", [1.25, -25], ["a", "b"]),
        ("\ufeffimage;rate;note\r\n0.png;1,250;0,5\r\n1.png;3;1\r\n", [1.25, 3], [0.5, 1]),
        ('rate;image;note\n"7.5";0.png;"x;y"\n8;1.png;z\n', [7.5, 8], ["x;y", "z"]),
        ("image;rate;note\n0.png;1,250;a\n1.png;2,500;b\n", ["1,250", "2,500"], ["a", "b"]),
        ("image;rate;note\n0.png;7,5;1.5\n1.png;2,5;2\n", ["7,5", "2,5"], [1.5, 2]),
        ('image,rate,note\n0.png,"7,5",a\n1.png,"2,5",b\n', ["7,5", "2,5"], ["a", "b"]),
    ],
)
def test_tables_as_spreadsheets_of_other_countries_write_them(tmp_path, table, rate, note):
    """A comma that may be that of thousands, or stands beside points, is left as it is."""
    for k in range(2):
        pixels = np.random.default_rng(k).integers(0, 255, (64, 64)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{k}.png")
    (tmp_path / "t.csv").write_text(table, encoding="utf-8", newline="")
    found = gather_sem(tmp_path / "t.csv", tmp_path / "set", config=SMALL)
    np.testing.assert_array_equal(found.rows["rate"], rate)
    np.testing.assert_array_equal(found.rows["note"], note)
    assert found.names == ("0.png", "1.png")


def test_a_parquet_table_loses_no_digit_and_no_row_number(copied, tmp_path):
    table = pandas.read_csv(copied / "conditions.csv").iloc[::-1]
    table["share"] = np.linspace(0.1, 0.8, 8).astype(np.float32)
    table.to_parquet(copied / "t.parquet")
    found = gather_sem(copied / "t.parquet", tmp_path / "set", config=SMALL)
    assert list(found.conditions) == ["temper", "feed_rate", "strength", "share"]
    np.testing.assert_array_equal(found.rows["share"], np.round(np.linspace(0.1, 0.8, 8), 7))


def test_conditions_of_any_name_stand_beside_the_places_of_chips(copied, tmp_path):
    table = changed(copied, name=list("abcdefgh"), top=range(8), y=range(8))
    found = gather_sem(table, tmp_path / "set", config=SMALL)
    view = found.chips(64, 32).to_xarray()
    assert list(view["name_of_image"].values[::6]) == list("abcdefgh")
    assert list(view["name"].values[:1]) == ["000.png"]
    np.testing.assert_array_equal(view["y_of_image"][::6], range(8))
    assert view["top"].max() == 32


def deep(folder):
    with Image.open(folder / "003.png") as image:
        pixels = np.asarray(image).astype(np.uint16) * 256
    Image.fromarray(pixels).save(folder / "003.png")


def small(folder):
    with Image.open(folder / "004.png") as image:
        image.crop((0, 0, 60, 50)).save(folder / "004.png")


def unlisted(folder):
    shutil.copy(folder / "000.png", folder / "zzz.png")


def missing(folder):
    (folder / "005.png").unlink()


def without_column(folder):
    table = pandas.read_csv(folder / "conditions.csv").rename(columns={"image": "file"})
    table.to_csv(folder / "conditions.csv", index=False)


def ragged(folder):
    with (folder / "conditions.csv").open("a") as file:
        file.write("a,b\n")


def half_scaled(folder):
    changed(folder, pixel_um=[np.nan, *[0.25] * 7])


def no_picture(folder):
    (folder / "001.png").write_bytes(b"no picture")


def several_pages(folder):
    tifffile.imwrite(folder / "000.tif", np.zeros((3, 96, 96), np.uint8), photometric="minisblack")
    (folder / "000.png").unlink()
    changed(folder, image=["000.tif", *(f"{k:03}.png" for k in range(1, 8))])


def twice(folder):
    table = (folder / "conditions.csv").read_text().splitlines()
    (folder / "conditions.csv").write_text("\n".join([*table, "./" + table[1], ""]))


def unnamed(folder):
    changed(folder, image=[f"{k:03}.png" if k != 4 else "" for k in range(8)])


def double_column(folder):
    table = (folder / "conditions.csv").read_text()
    (folder / "conditions.csv").write_text(table.replace("strength", "temper"))


def own_column(folder):
    changed(folder, group=range(8))


def worded_scale(folder):
    changed(folder, pixel_um=["0.25"] * 3 + ["0.25 um"] * 5)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (twice, r"must list each picture once, got './000.png' twice"),
        (unnamed, r"must name a picture in each row, got none in row 5"),
        (double_column, r"must have each column once, got 'temper' 2 times"),
        (own_column, r"must not have a column 'group', which a set has of its own; rename it"),
        (worded_scale, r"column 'pixel_um' of the table must hold finite numbers, got '0.25 um'"),
        (deep, r"one bit depth, got 8 bits in 000.png and 16 in 003.png"),
        (small, r"004.png must be as large as a chip of 64 x 64 pixels, got 60 x 50"),
        (unlisted, r"must have a row for every picture of .*, got none for zzz.png"),
        (missing, r"005.png does not exist; .*conditions.csv lists it"),
        (without_column, r"must have a column `image`, got file, specimen"),
        (ragged, r"must have 6 values in each row, got 2 in row 9"),
        (half_scaled, r"000.png must state the edge of a pixel as others do"),
        (no_picture, r"001.png"),
        (several_pages, r"000.tif must be one picture, got 3 pages"),
    ],
)
def test_bad_input_costs_one_sentence_and_no_output(copied, tmp_path, spoil, sentence):
    spoil(copied)
    with pytest.raises((ValueError, OSError), match=sentence) as caught:
        gather_sem(copied / "conditions.csv", tmp_path / "set", config=SMALL)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "set").exists()


def test_no_table_no_set(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none.csv does not exist"):
        gather_sem(tmp_path / "none.csv", tmp_path / "set")
    (tmp_path / "a.csv").write_text("\n ,\n")
    with pytest.raises(ValueError, match="must be a table, got an empty file"):
        gather_sem(tmp_path / "a.csv", tmp_path / "set")
    (tmp_path / "a.csv").write_text("\nfile;temper\n")
    with pytest.raises(ValueError, match="must have a column `image`, got file;temper"):
        gather_sem(tmp_path / "a.csv", tmp_path / "set")
    (tmp_path / "a.csv").write_text("image\n")
    with pytest.raises(ValueError, match="must have a row for each picture"):
        gather_sem(tmp_path / "a.csv", tmp_path / "set")
    with pytest.raises(FileNotFoundError, match="holds no micrographs"):
        MicrographSet.open(tmp_path)
