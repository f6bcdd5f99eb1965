"""Sums of partial results, for reductions over blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def summed(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """The sum of two results entry by entry; both have the same entries."""
    return {name: a[name] + b[name] for name in a}
