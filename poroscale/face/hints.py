"""Types of a function's parameters, those included that its module imports for type checking."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints


def hints_of(one: Callable[..., Any]) -> dict[str, Any]:
    """Type by parameter of a function, with "return", or by field of a class."""
    return get_type_hints(one, localns=_for_checking(one.__module__), include_extras=True)


@cache
def _for_checking(module: str) -> dict[str, Any]:
    """Names that a module imports under `if TYPE_CHECKING`, imported now."""
    file = inspect.getsourcefile(sys.modules[module])
    assert file is not None
    found: dict[str, Any] = {}
    for node in ast.parse(Path(file).read_text("utf-8")).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            body = ast.Module(node.body, [])
            exec(compile(body, file, "exec"), found)
    return found
