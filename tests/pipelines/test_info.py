"""`info`: the numbers in lines, the rest as JSON."""

import json

import numpy as np
import pytest

from poroscale.engine import Run, volume_from_array
from poroscale.pipelines.info import info, info_json
from poroscale.volume import VolumeSpec

RECORD = {
    "method": "local",
    "porosity": 0.00588,
    "porosity_low": 0.0056,
    "porosity_high": 0.0061,
    "pore_count": 15,
    "air_level": 9004.4,
    "void_level": 7989.3,
    "solid_level": 37048.0,
    "outside": {"share": 0.419, "chosen": "air around the part"},
    "warnings": ["The part touches the edge.", "Rings were taken out."],
    "histogram": {"counts_inside": list(range(4000))},
}


def stored(folder, attributes):
    spec = VolumeSpec((4, 5, 6), np.dtype("u1"), (5.0, 5.0, 5.0), attributes=attributes)
    array = np.ones((4, 5, 6), np.uint8)
    return volume_from_array(array, folder / "v.zarr", spec=spec, run=Run(progress=False)).path


def test_phases_say_their_porosity_levels_outside_and_warnings(tmp_path):
    path = stored(tmp_path, {"kind": "phases", "segmentation": RECORD})
    lines = info(path)
    assert lines[0] == f"{path}: phases, 4 x 5 x 6 uint8"
    text = "\n".join(lines)
    assert "porosity 0.588 % (0.56 to 0.61 %), 15 pores, by method local" in text
    assert "air 9004.4, void 7989.3, solid 37048" in text
    assert "41.9 % of the volume (air around the part)" in text
    assert [line for line in lines if "warning" in line] == [
        "  warning: The part touches the edge.",
        "  warning: Rings were taken out.",
    ]
    assert len(lines) < 12
    assert max(map(len, lines)) < 120
    assert "{" not in text


def test_settings_are_listed_and_counted(tmp_path):
    about = {"kind": "scan", "source": {f"key{k}": k for k in range(30)}}
    text = "\n".join(info(stored(tmp_path, about)))
    assert "source.key0 0, source.key1 1" in text
    assert "18 settings more; `poroscale info --json` has them" in text


def test_json_has_everything(tmp_path, capsys):
    path = stored(tmp_path, {"kind": "phases", "segmentation": RECORD})
    (facts,) = json.loads(json.dumps(info_json(path)))
    assert facts["path"] == str(path)
    assert facts["attributes"]["segmentation"] == RECORD
    assert facts["shape"] == [4, 5, 6]


def test_files_that_are_no_outputs(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ValueError, match="neither a volume nor a Parquet table"):
        info(tmp_path / "a.txt")
