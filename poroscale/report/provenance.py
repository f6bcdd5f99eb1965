"""Provenance of a report: its data and its software, without a time or a path."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from poroscale.report.table import PoreTable
    from poroscale.volume import Volume

LIBRARIES = ("numpy", "scipy", "zarr", "dask", "pyarrow", "matplotlib")


def provenance(*, scan: Volume | None, phases: Volume | None, table: PoreTable) -> dict[str, Any]:
    """Recipes and digests of the inputs and versions of the software.

    `recipe` is the SHA-256 of what made a volume (kernel, parameters, inputs) and `content`
    that of its manifest; both None for a volume that poroscale did not write.
    """
    from poroscale.version import __version__

    return {
        "scan": None if scan is None else _identity(scan),
        "phases": None if phases is None else _identity(phases),
        "table": {"recipe": _recipe(table), "sha256": _file_digest(table), "rows": table.rows},
        "software": {"poroscale": __version__} | {name: version(name) for name in LIBRARIES},
    }


def _identity(volume: Volume) -> dict[str, Any]:
    identity: dict[str, Any] = {"recipe": None, "content": volume.digest}
    if volume.digest is not None:
        from poroscale.manifest import Manifest, digest_of

        identity["recipe"] = digest_of(Manifest.load(volume.path).recipe)
    source = volume.attributes.get("source")
    return identity | ({"source": source} if source else {})


def _recipe(table: PoreTable) -> str | None:
    from poroscale.manifest import digest_of

    recipe = table.metadata.get("recipe")
    return None if recipe is None else digest_of(recipe)


def _file_digest(table: PoreTable) -> str:
    with table.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
