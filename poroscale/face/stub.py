"""The stub of the package, from which editors and type checkers know the public face."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from poroscale.engine import Run
from poroscale.face.calling import settings_in, signature
from poroscale.face.hints import hints_of
from poroscale.face.kinds import members
from poroscale.face.settings import ARRAY_SETTINGS, RUN_SETTINGS
from poroscale.verb import declared_verb

_TEXT = '''"""poroscale: a Dask/Zarr engine for porous 3D volumes."""

# Made by `make face`; change the declarations of the verbs instead.

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias

{imports}

__version__: str

VolumeLike: TypeAlias = Volume | str | PathLike[str] | Any
"""An open volume, the path of one, or an array of numpy, dask, zarr or xarray."""

def open(path: str | Path, *, level: int = 0) -> Volume:
    """Open a finished volume."""

def plan(verb: Callable[..., Any] | str, /, *args: Any, **given: Any) -> JobPlan:
    """The memory, the disk and the blocks of a verb, before it starts."""

{verbs}'''

_NAMED = {None: "None", type(None): "None", Any: "Any", ...: "..."}
_MAKES = {int, float, str, bool, tuple, type(None)}


def stub(verbs: dict[str, Callable[..., Any]], names: dict[str, str]) -> str:
    """The text of `poroscale/__init__.pyi`: `names` holds the place of each public name."""
    imported = {place for name, place in names.items() if place.endswith(f":{name}")}
    imported -= {f"{one.__module__}:{one.__qualname__}" for one in verbs.values()}
    public = {place.partition(":")[2] for place in imported}
    made = [_verb(name, function, imported) for name, function in verbs.items()]
    lines = []
    for place in sorted(imported):
        module, _, name = place.partition(":")
        if name not in ("plan",):
            lines.append(f"from {module} import {name}" + (f" as {name}" * (name in public)))
    return _TEXT.format(imports="\n".join(lines), verbs="\n".join(made))


def _verb(name: str, function: Callable[..., Any], imported: set[str]) -> str:
    declared = declared_verb(function)
    assert declared is not None
    types_of = {setting: kind for setting, (kind, _) in settings_in(declared).items()}
    types_of = hints_of(function) | types_of
    types_of |= {setting: hints_of(Run)[setting] for setting in RUN_SETTINGS}
    types_of = {name: kind for name, (kind, _) in ARRAY_SETTINGS.items()} | types_of
    parts, starred = [], False
    for one in signature(function).parameters.values():
        if one.kind is one.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        kind = rendered(types_of[one.name], imported)
        if one.name in declared.volumes:
            kind = _volume_like(types_of[one.name])
        if one.default is None and "None" not in kind:
            kind += " | None"
        parts.append(f"{one.name}: {kind}{_default(one)}")
    doc = (inspect.getdoc(function) or "").partition("\n")[0]
    result = rendered(types_of["return"], imported)
    inner = "".join(f"\n    {part}," for part in parts) + ("\n" if parts else "")
    return f'def {name}({inner}) -> {result}:\n    """{doc}"""\n'


def _volume_like(annotation: Any) -> str:
    several = any(get_origin(one) is not None for one in members(annotation))
    none = " | None" if type(None) in get_args(annotation) else ""
    return f"VolumeLike | Sequence[VolumeLike]{none}" if several else f"VolumeLike{none}"


def _default(one: inspect.Parameter) -> str:
    if one.default is one.empty:
        return ""
    return f" = {one.default!r}" if type(one.default) in _MAKES else " = ..."


def rendered(annotation: Any, imported: set[str]) -> str:
    """A type as source; classes that must be imported are added to `imported`."""
    listed = annotation if isinstance(annotation, list) else None  # parameters of a Callable
    origin, inner = get_origin(annotation), listed or get_args(annotation)
    if origin is Annotated:
        return rendered(inner[0], imported)
    if origin in (Union, types.UnionType):
        return " | ".join(dict.fromkeys(rendered(one, imported) for one in inner))
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, inner))}]"
    if origin is not None or listed is not None:
        within = ", ".join(rendered(one, imported) for one in inner)
        return f"{'' if origin is None else origin.__name__}[{within}]"
    if annotation in _NAMED:
        return _NAMED[annotation]
    if annotation.__module__ not in ("builtins", "pathlib"):
        imported.add(f"{annotation.__module__}:{annotation.__qualname__}")
    return str(annotation.__qualname__)
