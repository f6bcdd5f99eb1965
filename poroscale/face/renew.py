"""The table of public names and the stub of the package, made from the declarations of the verbs.

`python -m poroscale.face.renew` writes `face.json` and `poroscale/__init__.pyi`. A test compares
both with what the code declares.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

from poroscale.engine import Run
from poroscale.face.calling import settings_in
from poroscale.face.hints import hints_of
from poroscale.face.kinds import ValueKind, members
from poroscale.face.settings import RUN_SETTINGS
from poroscale.face.stub import stub
from poroscale.face.table import FILE
from poroscale.verb import Verb, declared_verb, described
from poroscale.volume import Volume

OBJECTS = {
    "JobPlan": "poroscale.engine.job_plan:JobPlan",
    "Volume": "poroscale.volume:Volume",
    "VolumeSpec": "poroscale.volume:VolumeSpec",
    "Run": "poroscale.engine.run:Run",
    "open": "poroscale.volume:Volume.open",
    "plan": "poroscale.face.calling:plan",
}
"""Public names that are neither verbs nor belong to one."""

PACKAGE = Path(__file__).parents[1]
STUB = PACKAGE / "__init__.pyi"


def verbs() -> dict[str, Callable[..., Any]]:
    """Every declared verb by its name, from all modules of the package."""
    found: dict[str, Callable[..., Any]] = {}
    for module in pkgutil.walk_packages([str(PACKAGE)], "poroscale."):
        if module.name == "poroscale.__main__":
            continue
        for one in vars(importlib.import_module(module.name)).values():
            declared = declared_verb(one) if inspect.isfunction(one) else None
            if declared is not None and found.setdefault(declared.name, one) is not one:
                raise TypeError(f"two functions are declared as the verb {declared.name!r}")
    return dict(sorted(found.items()))


def public_objects(found: dict[str, Callable[..., Any]]) -> dict[str, str]:
    """Place by public name: verbs, their configurations, what they return, and `OBJECTS`."""
    names = dict(OBJECTS)
    for name, function in found.items():
        names[name] = f"{function.__module__}:{function.__qualname__}"
        for one in _classes(function):
            names[one.__name__] = f"{one.__module__}:{one.__qualname__}"
    return dict(sorted(names.items()))


def _classes(function: Callable[..., Any]) -> Iterator[type]:
    """Classes of this package among the parts of a configuration and of a result."""
    hints = hints_of(function)
    for name in ("config", "return"):
        for one in members(hints.get(name)):
            inner = get_args(one) if get_origin(one) is not None else (one,)
            yield from (c for c in inner if inspect.isclass(c) and _ours(c))
    declared = declared_verb(function)
    assert declared is not None
    yield from (model for section in declared.sections for model in section.models)


def _ours(one: type) -> bool:
    return one.__module__.startswith("poroscale.")


def made_table() -> dict[str, Any]:
    """Required content of `face.json`."""
    found = verbs()
    texts, hints = described(Run, "Attributes"), hints_of(Run)
    return {
        "names": public_objects(found),
        "run": {
            name: _entry(hints[name], getattr(Run, name), texts[name])
            for name in RUN_SETTINGS
            if name != "progress"
        },
        "verbs": {name: _verb(function) for name, function in found.items()},
    }


def _verb(function: Callable[..., Any]) -> dict[str, Any]:
    declared = declared_verb(function)
    assert declared is not None
    own = inspect.signature(function).parameters
    return {
        "summary": (inspect.getdoc(function) or "").partition("\n")[0],
        "sections": [section.name for section in declared.sections],
        "run": "run" in own,
        "plan": bool(declared.plan),
        "settings": _own_settings(function) | _settings(declared),
    }


def _own_settings(function: Callable[..., Any]) -> dict[str, Any]:
    """Parameters of the function itself that may be left out, but for configuration and run."""
    hints, texts = hints_of(function), described(function, "Parameters")
    return {
        name: entry
        for name, one in inspect.signature(function).parameters.items()
        if one.default is not one.empty and name not in ("config", "run")
        for entry in [_entry(_stated(hints[name]), one.default, texts.get(name, ""))]
        if entry
    }


def _stated(annotation: Any) -> Any:
    """The type of what a command line can state: a volume by its path."""
    return str if Volume in members(annotation) else annotation


def _settings(declared: Verb) -> dict[str, Any]:
    texts: dict[str, str] = {}
    for section in declared.sections:
        of_fields = {name: text for name, (_, _, text) in section.chooses.items()}
        for model in section.models:
            of_fields = described(model, "Attributes") | of_fields
        texts |= {setting: of_fields.get(name, "") for setting, name in section.fields().items()}
    made = {
        name: _entry(annotation, default, texts[name])
        for name, (annotation, default) in settings_in(declared).items()
    }
    return {name: entry for name, entry in made.items() if entry}


def _entry(annotation: Any, default: Any, text: str) -> dict[str, Any]:
    """One setting as plain data; empty for one that a single option cannot state."""
    kind = ValueKind.of(annotation)
    if kind is None:
        return {}
    return {"kind": kind.plain(), "default": default, "help": text}


def renew() -> None:
    """Write both files."""
    made = made_table()
    FILE.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", "utf-8")
    STUB.write_text(stub(verbs(), made["names"]), "utf-8")


if __name__ == "__main__":
    renew()
