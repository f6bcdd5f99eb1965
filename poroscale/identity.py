"""Names by which recipes know kernels and samplers, wherever their code lies.

The recipe of an output names the functions that made it. A name that is declared stays when the
function moves to another module, so that finished outputs stay valid; a version that is raised
means that the function gives other results than before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T", bound=Callable[..., Any])


class Identity(NamedTuple):
    """Name and version of a kernel or sampler."""

    name: str
    version: int


_DECLARED: dict[str, Any] = {}
_ATTRIBUTE = "__kernel__"


def kernel(name: str, *, version: int = 1) -> Callable[[T], T]:
    """Declare a function, or a class of samplers, under a name that recipes keep.

    Parameters
    ----------
    name
        Topic and name, as "local.phases_of". It is never changed, nor given to another function.
    version
        Raised whenever the function gives other results for the same arguments.

    Raises
    ------
    ValueError
        If another function has that name.
    """

    def declare(target: T) -> T:
        other = _DECLARED.get(name)
        if other is not None and _place(other) != _place(target):
            places = f"{_place(other)}, {_place(target)}"
            raise ValueError(f"kernel {name!r} is declared twice: {places}")
        _DECLARED[name] = target
        setattr(target, _ATTRIBUTE, Identity(name, version))
        return target

    return declare


def identity_of(target: Any) -> Identity | None:
    """Identity declared for a function or class itself; None for others, and for subclasses."""
    found = getattr(target, "__dict__", {}).get(_ATTRIBUTE)
    return found if isinstance(found, Identity) else None


def declared() -> Mapping[str, Any]:
    """Every declared kernel and sampler of the modules imported so far, by name."""
    return MappingProxyType(_DECLARED)


def _place(target: Any) -> str:
    return f"{target.__module__}.{target.__qualname__}"
