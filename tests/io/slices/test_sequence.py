import pytest

from poroscale.io.slices.sequence import slice_files


def touch(folder, *names):
    for name in names:
        (folder / name).touch()
    return folder


def test_numbers_are_ordered_as_numbers(tmp_path):
    touch(tmp_path, *(f"s{n}.tif" for n in (10, 9, 11, 8)))
    assert slice_files(tmp_path) == ("s8.tif", "s9.tif", "s10.tif", "s11.tif")


def test_other_files_are_left_out(tmp_path):
    touch(tmp_path, "s1.tif", "s2.tif", "scan.log", "._s1.tif", "notes.txt", "Thumbs.db")
    assert slice_files(tmp_path) == ("s1.tif", "s2.tif")


@pytest.mark.parametrize(
    ("numbers", "missing"), [((1, 2, 4), "3"), ((1, 2, 6), "3-5"), ((0, 2, 4), "1")]
)
def test_a_gap_is_named(tmp_path, numbers, missing):
    touch(tmp_path, *(f"part_12_{n:04d}.tif" for n in numbers))
    with pytest.raises(ValueError, match=f"slice number {missing} is missing between part_12_"):
        slice_files(tmp_path)


def test_a_constant_number_and_a_position_do_not_count(tmp_path):
    touch(tmp_path, *(f"run7_{n:03d}_z{n * 25}um.tif" for n in range(3)))
    assert slice_files(tmp_path)[1] == "run7_001_z25um.tif"


def test_one_number_twice(tmp_path):
    touch(tmp_path, "s1.tif", "s01.tif", "s2.tif")
    with pytest.raises(ValueError, match=r"s01\.tif and s1\.tif have the same slice number"):
        slice_files(tmp_path)


def test_two_series_need_a_pattern(tmp_path):
    touch(tmp_path, "a_0.tif", "a_1.tif", "b_0.tif", "b_1.tif")
    with pytest.raises(ValueError, match="more than one series"):
        slice_files(tmp_path)
    assert slice_files(tmp_path, "b_*.tif") == ("b_0.tif", "b_1.tif")


def test_two_kinds_need_a_pattern(tmp_path):
    touch(tmp_path, "s0.tif", "s1.tif", "preview.png")
    with pytest.raises(ValueError, match="several kinds of files"):
        slice_files(tmp_path)
    assert slice_files(tmp_path, "*.tif") == ("s0.tif", "s1.tif")


def test_an_empty_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="must hold a slice"):
        slice_files(tmp_path)
    touch(tmp_path, "s0.tif")
    with pytest.raises(FileNotFoundError, match=r"'q\*'"):
        slice_files(tmp_path, "q*")
