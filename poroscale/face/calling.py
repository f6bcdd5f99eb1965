"""Verbs as users call them: paths, arrays or open volumes, and settings as keywords."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_origin

from poroscale.engine import Run
from poroscale.face.hints import hints_of
from poroscale.face.kinds import members
from poroscale.face.settings import (
    ARRAY_SETTINGS,
    OUTPUTS,
    RUN_SETTINGS,
    array_settings,
    configuration,
    refuse_types,
    refuse_unknown,
    run_of,
)
from poroscale.face.table import public_names
from poroscale.verb import Verb, declared_verb, plan_of
from poroscale.volume import Volume


def public(name: str) -> Any:
    """The object of a public name: a verb as users call it, a class, or a function.

    Raises
    ------
    AttributeError
        If there is no such name.
    """
    place = public_names().get(name)
    if place is None:
        raise AttributeError(f"module 'poroscale' has no attribute {name!r}")
    module, _, attribute = place.partition(":")
    found: Any = importlib.import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part)
    return as_called(found) if declared_verb(found) else found


def as_called(function: Callable[..., Any]) -> Callable[..., Any]:
    """A verb's function as users call it: with any volume, and with settings as keywords."""
    declared = _declared(function)

    @functools.wraps(function)
    def call(*args: Any, **given: Any) -> Any:
        with ExitStack() as scratch:
            return function(**arguments(function, args, given, scratch=scratch))

    call.__name__ = call.__qualname__ = declared.name
    call.__module__ = "poroscale"
    del call.__wrapped__
    call.__signature__ = signature(function)  # type: ignore[attr-defined]
    call.__poroscale__ = function  # type: ignore[attr-defined]
    return call


def plan(verb: Callable[..., Any] | str, /, *args: Any, **given: Any) -> Any:
    """The memory, the disk and the blocks of a verb, before it starts.

    Parameters
    ----------
    verb
        A public verb, as `poroscale.segment`, or its name.
    args, given
        The arguments and settings that the verb would be called with.

    Returns
    -------
    JobPlan
        The plan of each stage; it prints as a table.

    Raises
    ------
    TypeError
        If `verb` is no verb, or an argument is wrong.
    ValueError
        If the verb has no plan, or as the verb itself.
    MemoryError
        If the budget cannot hold a stage.
    """
    called = public(verb) if isinstance(verb, str) else verb
    function = getattr(called, "__poroscale__", called)
    name, planned = _declared(function).name, plan_of(function)
    if planned is None:
        raise ValueError(f"{name} has no plan of memory and disk")
    return planned(**arguments(function, args, given, planned=planned))


def arguments(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    given: Mapping[str, Any],
    *,
    planned: Callable[..., Any] | None = None,
    scratch: ExitStack | None = None,
) -> dict[str, Any]:
    """The arguments of a verb's function, or of its plan, from what a user gave.

    Arrays given to a verb without an output are kept in a temporary folder until `scratch` ends.
    """
    declared = _declared(function)
    own = inspect.signature(function)
    places = declared.settings()
    of_arrays = array_settings(declared, [*own.parameters])
    refuse_unknown(declared.name, given, [*own.parameters, *places, *RUN_SETTINGS, *of_arrays])
    direct = {name: value for name, value in given.items() if name in own.parameters}
    settings = {name: value for name, value in given.items() if name in places}
    how = {
        name: value
        for name, value in given.items()
        if name in RUN_SETTINGS and name not in own.parameters
    }
    bound = _bound(own, args, direct, _handed(declared))
    refuse_types(declared, function, bound)
    if "config" in own.parameters and declared.sections:
        bound["config"] = configuration(declared, bound.get("config"), settings)
    if "run" in own.parameters:
        bound["run"] = run_of(bound.get("run"), how)
    taken = inspect.signature(planned).parameters if planned else own.parameters
    bound = {name: value for name, value in bound.items() if name in taken}
    about = {name: given[name] for name in of_arrays if given.get(name) is not None}
    arrays = _holds_array(bound.get(name) for name in declared.volumes)
    _refuse_about(about, arrays=arrays)
    beside = None if planned else _beside(bound)
    if arrays and beside is None and scratch is not None:
        beside = scratch.enter_context(_folder_of_arrays()) / declared.name
    return bound | {
        name: opened_input(one, name, beside, run=bound.get("run"), **about)
        for name in declared.volumes
        if (one := _as_listed(function, name, bound.get(name))) is not None
    }


@contextmanager
def _folder_of_arrays() -> Iterator[Path]:
    """A temporary folder for arrays. Errors name the array: by then its path is gone."""
    with TemporaryDirectory(prefix="poroscale-") as folder:
        path = re.compile(re.escape(folder) + r"[\\/]\w+\.([\w-]+)\.zarr")
        try:
            yield Path(folder)
        except (TypeError, ValueError) as error:
            if error.args and isinstance(error.args[0], str):
                error.args = (path.sub(r"the \1 array", error.args[0]), *error.args[1:])
            raise


def _as_listed(function: Callable[..., Any], name: str, given: Any) -> Any:
    """What is given for a volume; a single one in a list where the verb takes several."""
    if given is None or isinstance(given, list | tuple) or not takes_several(function, name):
        return given
    return [given]


def takes_several(function: Callable[..., Any], name: str) -> bool:
    """Whether a parameter of a verb takes a sequence of volumes; a single one may stand for it."""
    return any(get_origin(one) is Sequence for one in members(hints_of(function)[name]))


def _handed(declared: Verb) -> set[str]:
    """Parameters of a verb's function that the face makes from single settings."""
    return {"config", "run"} if declared.sections else {"run"}


def _bound(
    own: inspect.Signature, args: tuple[Any, ...], direct: Mapping[str, Any], handed: set[str]
) -> dict[str, Any]:
    """Arguments by parameter; TypeError if one is missing that the face does not make."""
    free = [
        one.replace(default=None) if one.name in handed else one for one in own.parameters.values()
    ]
    return dict(own.replace(parameters=free).bind(*args, **direct).arguments)


def _beside(bound: Mapping[str, Any]) -> Path | None:
    """The output, beside which an array is kept as a volume."""
    found = next((bound[name] for name in OUTPUTS if bound.get(name) is not None), None)
    return None if found is None else Path(found)


def _holds_array(volumes: Iterable[Any]) -> bool:
    """Whether an array is among what is given for the volumes of a verb."""
    inputs = [
        one
        for given in volumes
        for one in (given if isinstance(given, list | tuple) else [given])
        if one is not None
    ]
    return not all(isinstance(one, Volume | str | PathLike) for one in inputs)


def _refuse_about(about: Mapping[str, Any], *, arrays: bool) -> None:
    """ValueError if a setting of arrays is given and no array is."""
    if about and not arrays:
        raise ValueError(
            f"`{next(iter(about))}` must be left out where no array is given: a volume has its own"
        )


def opened_input(
    given: Any, role: str, beside: Path | None, *, run: Run | None, **about: Any
) -> Any:
    """An open volume, or several, from volumes, paths or arrays.

    An array is ingested first, as a volume beside the output that its `role` names; `about` are
    settings of arrays.
    """
    if isinstance(given, Volume):
        return given
    if isinstance(given, str | PathLike):
        return Volume.open(Path(given))
    if isinstance(given, list | tuple):
        return [
            opened_input(one, f"{role}-{i}", beside, run=run, **about)
            for i, one in enumerate(given)
        ]
    if beside is None:
        raise TypeError(
            f"{role} must be a volume or a path for a plan, got an array of type "
            f"{type(given).__name__}; ingest it first"
        )
    from poroscale.io.arrays import as_volume

    if run is not None and run.cluster in ("processes", "cuda"):  # the verb itself starts these
        run = run.but(cluster="threads")
    return as_volume(given, beside=beside, role=role, run=run, **about)


def signature(function: Callable[..., Any]) -> inspect.Signature:
    """The signature of a verb as users call it, every setting with its type and default."""
    declared = _declared(function)
    own = inspect.signature(function)
    keyword = inspect.Parameter.KEYWORD_ONLY
    handed_on = _handed(declared)
    kept = [p for p in own.parameters.values() if p.name not in handed_on]
    settings = [
        inspect.Parameter(name, keyword, default=default, annotation=annotation)
        for name, (annotation, default) in settings_in(declared).items()
    ]
    handed = [
        p.replace(kind=keyword, default=None)
        for p in own.parameters.values()
        if p.name in handed_on
    ]
    how = [
        inspect.Parameter(
            name, keyword, default=getattr(Run, name, None), annotation=Run.__annotations__[name]
        )
        for name in (RUN_SETTINGS if "run" in own.parameters else ())
        if name not in own.parameters
    ]
    arrays = [
        inspect.Parameter(name, keyword, default=None, annotation=ARRAY_SETTINGS[name][0])
        for name in array_settings(declared, [*own.parameters])
    ]
    return own.replace(parameters=[*kept, *settings, *arrays, *handed, *how])


def settings_in(declared: Verb) -> dict[str, tuple[Any, Any]]:
    """Type and default of each setting of a verb."""
    found: dict[str, tuple[Any, Any]] = {}
    for section in declared.sections:
        for setting, name in section.fields().items():
            if name in section.chooses:
                annotation, default, _ = section.chooses[name]
                found[setting] = (annotation, default)
                continue
            field = next(m.model_fields[name] for m in section.models if name in m.model_fields)
            default = field.get_default(call_default_factory=True)
            found[setting] = (field.annotation, None if field.is_required() else default)
    return found


def _declared(function: Callable[..., Any]) -> Verb:
    declared = declared_verb(function)
    if declared is None:
        raise TypeError(f"{function!r} is no verb of poroscale")
    return declared
