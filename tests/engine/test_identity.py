"""Recipes know kernels by the names that they declare, wherever their code lies."""

from __future__ import annotations

import ast

import numpy as np
import pytest

from poroscale import identity
from poroscale.engine.jobs.recipe import kernel_name, recipe_of
from poroscale.identity import kernel
from tests import kernel_sources


def threshold(grey, *, level):
    """Voxels above a level."""
    return grey > level


def moved_to(module, target, *, name="tests.threshold", version=1):
    """`target` as if another module declared it."""
    copy = type(target)(
        target.__code__, target.__globals__, target.__name__, None, target.__closure__
    )
    copy.__module__ = module
    return kernel(name, version=version)(copy)


@pytest.fixture(autouse=True)
def own_names(monkeypatch):
    """Names that a test declares are forgotten after it."""
    monkeypatch.setattr(identity, "_DECLARED", dict(identity._DECLARED))


def test_a_kernel_that_moves_keeps_its_recipe():
    before = recipe_of("map", moved_to("poroscale.here", threshold), parameters={"level": 3})
    identity._DECLARED.pop("tests.threshold")
    after = recipe_of("map", moved_to("poroscale.there", threshold), parameters={"level": 3})
    assert before == after
    assert before["kernel"] == {"name": "tests.threshold", "version": 1}


def test_a_new_version_is_another_recipe():
    first = kernel_name(moved_to("poroscale.here", threshold))
    identity._DECLARED.pop("tests.threshold")
    assert kernel_name(moved_to("poroscale.here", threshold, version=2)) != first


def test_two_kernels_of_one_name_are_refused():
    moved_to("poroscale.here", threshold)
    with pytest.raises(ValueError, match=r"tests\.threshold.* is declared twice: .*here.*there"):
        moved_to("poroscale.there", threshold)


def test_a_kernel_of_the_package_must_be_declared():
    undeclared = type(threshold)(threshold.__code__, threshold.__globals__, "threshold")
    undeclared.__module__ = "poroscale.somewhere"
    with pytest.raises(TypeError, match=r"poroscale\.somewhere\.threshold must be declared"):
        kernel_name(undeclared)


def test_a_subclass_has_no_name_of_its_own():
    class Sampler:
        shape, dtype = (1, 1, 1), np.dtype(bool)

    kernel("tests.Sampler")(Sampler)
    assert kernel_name(Sampler)["name"] == "tests.Sampler"
    assert kernel_name(type("Other", (Sampler,), {}))["name"] != "tests.Sampler"


def test_functions_of_a_user_are_known_by_their_code():
    named = kernel_name(threshold)
    assert named["name"].endswith("test_identity.threshold")
    assert named["code"] != kernel_name(lambda grey: grey < 0)["code"]


def test_no_source_of_a_kernel_changed_without_its_version():
    """Renew on purpose: see `tests/kernel_sources.py`."""
    recorded, current = kernel_sources.recorded(), kernel_sources.current()
    changed = [
        name
        for name in recorded.keys() & current.keys()
        if recorded[name][0] == current[name][0] and recorded[name][1] != current[name][1]
    ]
    assert not changed, "raise the version, or run python -m tests.kernel_sources on purpose"
    assert recorded == current, "run python -m tests.kernel_sources"


def test_a_digest_follows_helpers_and_constants_but_no_words():
    bare = kernel_sources._bare
    first = bare(ast.parse("def f(a: int) -> int:\n    '''Words.'''\n    return a + 1\n"))
    second = bare(ast.parse("def f(a):\n    # other words\n    return a + 1\n"))
    third = bare(ast.parse("def f(a):\n    return a + 2\n"))
    assert ast.unparse(first) == ast.unparse(second) != ast.unparse(third)
    kernels = kernel_sources.all_kernels()
    digests = {kernel_sources.source_digest(each) for each in kernels.values()}
    assert len(digests) == len(kernels)
