"""Single settings of a verb, brought into its configuration and its run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from poroscale.config import load_sections, parse_config, unknown_section
from poroscale.engine import Run
from poroscale.face.hints import hints_of
from poroscale.face.kinds import members
from poroscale.verb import Verb
from poroscale.volume import VoxelSize

RUN_SETTINGS = (
    "memory",
    "memory_per_worker",
    "cluster",
    "workers",
    "block",
    "overwrite",
    "progress",
)
"""Fields of `Run` that a verb takes as settings of its own."""

OUTPUTS = ("out", "out_dir", "model_dir", "dst")
"""Parameters of verbs that name an output."""

ARRAY_SETTINGS: dict[str, tuple[Any, str]] = {
    "voxel_size": (float | VoxelSize | None, "Edge of a voxel [um], of an array without one."),
    "name": (str | None, "Name of an array; another array must have another name."),
}
"""What a verb is told of an array in the place of a volume, where it has no such setting itself."""


def array_settings(declared: Verb, own: Container[str]) -> list[str]:
    """Names of `ARRAY_SETTINGS` that the verb takes, beside its `own` parameters."""
    if not declared.volumes:
        return []
    taken = {*declared.settings()}
    return [name for name in ARRAY_SETTINGS if name not in taken and name not in own]


def configuration(declared: Verb, config: Any, given: Mapping[str, Any]) -> Any:
    """The configuration of a verb.

    Parameters
    ----------
    declared
        The verb.
    config
        A configuration, the path of a YAML file, sections of plain values, or None.
    given
        Values by setting; they take precedence over `config`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        Naming an unknown section or key, or a wrong value.
    """
    if not declared.sections and declared.parse is None:
        return None
    added = by_section(declared, given)
    if config is None or isinstance(config, str | Path | Mapping):
        return declared.configuration(_merged(_sections(declared, config), added))
    if not added:
        return config
    if isinstance(config, BaseModel):
        return _renewed(config, added)
    return replace(
        config,
        **{name: _renewed(getattr(config, name), {name: values}) for name, values in added.items()},
    )


def by_section(declared: Verb, given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Values by section and field, from values by setting."""
    places = declared.settings()
    found: dict[str, dict[str, Any]] = {}
    for setting, value in given.items():
        section, name = places[setting]
        found.setdefault(section, {})[name] = value
    return found


def _sections(declared: Verb, config: str | Path | Mapping[str, Any] | None) -> dict[str, Any]:
    if config is None:
        return {}
    if isinstance(config, Mapping):
        names, known = [one.name for one in declared.sections], declared.settings()
        if wrong := sorted(set(config) - set(names)):
            if declared.parse is not None:
                declared.parse(config)  # it may know the other sections of a file, and name them
            meant = f"; give it as a setting, {wrong[0]}=..." if wrong[0] in known else ""
            raise ValueError(f"config: {unknown_section(wrong[0], names)}{meant}")
        return dict(config)
    sections = load_sections(Path(config))
    if declared.parse is None:
        (section,) = declared.sections
        if section.name not in sections:
            raise ValueError(
                f"{config} must have a section {section.name!r}, got {sorted(sections)}"
            )
    return sections


def _merged(sections: dict[str, Any], added: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return sections | {name: {**sections.get(name, {}), **new} for name, new in added.items()}


def _renewed(config: BaseModel, added: Mapping[str, Mapping[str, Any]]) -> BaseModel:
    ((section, values),) = added.items()
    kept = {name: getattr(config, name) for name in config.model_fields_set}
    return parse_config(type(config), kept | dict(values), where=section)


def run_of(run: Run | None, given: Mapping[str, Any]) -> Run:
    """The run with the settings of it that are given."""
    return (run or Run()).but(**given)


def refuse_types(declared: Verb, function: Callable[..., Any], bound: Mapping[str, Any]) -> None:
    """Refuse what is no volume, no output, no configuration or no run at all.

    Parameters
    ----------
    declared
        The verb.
    function
        Its function, whose type of `config` counts.
    bound
        Arguments by parameter.

    Raises
    ------
    TypeError
        Naming the first argument of another type.
    """
    verb, empty = declared.name, inspect.Parameter.empty
    for name, parameter in inspect.signature(function).parameters.items():
        value = bound.get(name)
        if name not in bound or (value is None and parameter.default is not empty):
            continue
        if name in OUTPUTS and not isinstance(value, str | PathLike):
            raise TypeError(f"{verb}: `{name}` must be a path, got {value!r}")
        if name in declared.volumes and value is None:
            raise TypeError(f"{verb}: `{name}` must be a volume, a path or an array, got None")
    run, config = bound.get("run"), bound.get("config")
    if run is not None and not isinstance(run, Run):
        raise TypeError(f"{verb}: `run` must be a Run, such as Run(memory='8GiB'), got {run!r}")
    if config is None or isinstance(config, str | PathLike | Mapping):
        return
    kinds = tuple(one for one in members(hints_of(function)["config"]) if isinstance(one, type))
    if not isinstance(config, kinds):
        known = " or ".join(kind.__name__ for kind in kinds if kind not in (str, Path))
        raise TypeError(f"{verb}: `config` must be {known}, got {type(config).__name__}")


def refuse_unknown(verb: str, names: Iterable[str], known: Iterable[str]) -> None:
    """TypeError for the first of `names` that is not known, with the one that was meant."""
    unknown = sorted(set(names) - set(known))
    if unknown:
        near = get_close_matches(unknown[0], known, n=1)
        meant = f"; nearest: {near[0]!r}" if near else ""
        raise TypeError(f"{verb} has no setting {unknown[0]!r}{meant}")
