"""A manifest keeps its digest, whoever spelled its text."""

import json

import numpy as np
import pytest

from poroscale.engine.jobs.recipe import plain
from poroscale.manifest import JOURNAL_DIR, Manifest, digest_of, manifest_path


@pytest.fixture
def saved(tmp_path):
    (tmp_path / JOURNAL_DIR).mkdir()
    made = Manifest({"kind": "ü"}, {"b": (1, "x"), "a": (2, "y")}, frozenset({"c"}), {"n": [1, 2]})
    made.save(tmp_path)
    return made, tmp_path


def body_of(folder):
    return json.loads(manifest_path(folder).read_bytes())


def test_the_digest_is_that_of_everything_but_itself(saved):
    made, folder = saved
    body = body_of(folder)
    stated = body.pop("sha256")
    assert stated == digest_of(body) == made.digest == Manifest(**vars_of(made)).digest
    assert Manifest.parse(manifest_path(folder)) == made
    assert Manifest.parse(manifest_path(folder)).digest == stated


def vars_of(made):
    return {name: getattr(made, name) for name in ("recipe", "files", "empty", "result")}


def test_another_spelling_of_the_same_content_is_accepted(saved):
    made, folder = saved
    manifest_path(folder).write_text(json.dumps(body_of(folder), indent=2))
    assert Manifest.parse(manifest_path(folder)) == made
    assert Manifest.parse(manifest_path(folder)).digest == made.digest


def test_other_content_is_not(saved):
    _, folder = saved
    text = manifest_path(folder).read_text()
    for changed in (text.replace('"n":[1,2]', '"n":[1,3]'), text[:-9] + '0000000"}', text[:40]):
        manifest_path(folder).write_text(changed)
        with pytest.raises(OSError, match="does not match its own checksum"):
            Manifest.parse(manifest_path(folder))


@pytest.mark.parametrize("array", [np.arange(6.0).reshape(2, 3).T, np.bool_([1, 0]), np.array(3)])
def test_the_digest_of_an_array_is_that_of_its_hex(array):
    spelled = digest_of([array.dtype.str, array.shape, array.tobytes().hex()])
    assert plain(array) == {"array": spelled}
