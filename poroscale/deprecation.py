"""Old names that still work for a while, with a `FutureWarning` that names the new ones.

A name that goes is renamed here first, for at least one minor version, and stands in the changelog
under *Deprecated*.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def renamed_names(module: str, names: Mapping[str, str], *, since: str) -> Callable[[str], Any]:
    """The `__getattr__` of a module some of whose functions, classes or constants were renamed.

    Parameters
    ----------
    module
        `__name__` of the module.
    names
        Old name to new name; "package.module:name" for what moved to another module.
    since
        Version in which the names were changed.

    Returns
    -------
    function
        Gives the object of the new name for an old name, with a `FutureWarning`.

    Examples
    --------
    >>> __getattr__ = renamed_names(__name__, {"old": "new"}, since="0.2")
    """

    def __getattr__(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, _, new = names[name].rpartition(":")
        shown = f"{place or module}.{new}"
        _warn(f"{module}.{name} was renamed in poroscale {since}; use {shown}")
        return getattr(import_module(place or module), new)

    return __getattr__


def renamed_argument(
    old: str, new: str, *, since: str
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function take its keyword argument `new` under the name `old`, too.

    The call with the old name gives a `FutureWarning`. A call with both names raises a `TypeError`.

    Parameters
    ----------
    old, new
        Names of the keyword argument.
    since
        Version in which it was renamed.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if old in kwargs:
                if new in kwargs:
                    raise TypeError(
                        f"{function.__name__}() got {new} and {old}, which is its old name"
                    )
                _warn(
                    f"the argument {old} of {function.__name__}() was renamed in poroscale "
                    f"{since}; use {new}"
                )
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return call

    return decorate


def _warn(message: str) -> None:
    warnings.warn(message, FutureWarning, stacklevel=3)  # where the old name is used
