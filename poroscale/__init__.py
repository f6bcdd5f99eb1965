"""poroscale: a Dask/Zarr engine for porous 3D volumes.

Verbs, configurations and results are found here by name when they are first asked for, so that
the import itself takes no time: `import poroscale as ps; ps.segment("scan.zarr", "phases.zarr")`.
"""

import sys
from types import ModuleType
from typing import Any

from poroscale.compiled_code import keep_compiled_code
from poroscale.version import __version__

__all__ = ["__version__"]

keep_compiled_code()


class _Package(ModuleType):
    """This package, in which `transport` is the verb and not the package of its mathematics."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "transport" or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module 'poroscale' has no attribute {name!r}")
    from poroscale.face.calling import public

    found = public(name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    from poroscale.face.table import public_names

    return sorted({*globals(), *public_names()})
