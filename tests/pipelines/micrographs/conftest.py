"""The set and the model of `tests/micrographs`."""

from tests.micrographs.conftest import small_set, tiny_model

__all__ = ["small_set", "tiny_model"]
