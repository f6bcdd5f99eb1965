"""The table of public names and settings, read without importing what it names.

`face.json` is made from the declarations of the verbs by `python -m poroscale.face.renew`. With it
`import poroscale` and `poroscale --help` import neither numpy nor pydantic.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("face.json")


@cache
def table() -> dict[str, Any]:
    """The whole table: `names` (module by public name), `verbs`, and the settings of `run`."""
    read: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return read


def public_names() -> dict[str, str]:
    """Module and name there, as "module:name", by public name."""
    names: dict[str, str] = table()["names"]
    return names


def settings_of(verb: str) -> dict[str, dict[str, Any]]:
    """Kind of each setting of a verb, by its name: see `poroscale.face.kinds.Kind`."""
    settings: dict[str, dict[str, Any]] = table()["verbs"][verb]["settings"]
    return settings


def run_settings() -> dict[str, dict[str, Any]]:
    """Kind of each setting of a run, by its name."""
    settings: dict[str, dict[str, Any]] = table()["run"]
    return settings
