"""Digests of the sources of kernels: a change of results that forgets to raise a version is seen.

`python -m tests.kernel_sources` writes `kernel_sources.json` again. A kernel whose source changed
keeps its version where its results stay the same: then the file is written on purpose, and the
commit says so. Otherwise its version is raised first.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import json
import pkgutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import poroscale
from poroscale.identity import declared, identity_of

FILE = Path(__file__).with_suffix(".json")


def all_kernels() -> dict[str, Any]:
    """Every kernel and sampler that the package declares, by name."""
    for module in pkgutil.walk_packages(poroscale.__path__, "poroscale."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return {
        name: target
        for name, target in declared().items()
        if target.__module__.startswith("poroscale.")
    }


def current() -> dict[str, list[Any]]:
    """Version and digest of the source of each kernel."""
    found = {}
    for name, target in sorted(all_kernels().items()):
        identity = identity_of(target)
        assert identity is not None
        found[name] = [identity.version, source_digest(target)]
    return found


def recorded() -> dict[str, list[Any]]:
    """What the file says."""
    return dict(json.loads(FILE.read_text()))


def source_digest(target: Any) -> str:
    """Digest of what a kernel computes: its code, and that of the helpers which it calls.

    Helpers are followed within the module and in `poroscale.kernels`. Docstrings, comments,
    annotations and the place of the code do not count; constants do.
    """
    pieces, todo, seen = [], [target], set()
    while todo:
        code = getattr(todo[0], "py_func", todo[0])
        todo = todo[1:]
        if (place := (code.__module__, code.__qualname__)) in seen:
            continue
        seen.add(place)
        tree = _bare(ast.parse(textwrap.dedent(inspect.getsource(code))))
        pieces.append(ast.unparse(tree))
        for name, value in _used(tree, vars(sys.modules[code.__module__])):
            if _is_constant(value):
                pieces.append(f"{name} = {value!r}")
            elif _is_helper(value, code.__module__):
                todo.append(value)
    return hashlib.sha256("\n".join(pieces).encode()).hexdigest()[:16]


def _used(tree: ast.AST, known: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return ((name, known[name]) for name in sorted(names) if name in known)


def _is_constant(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(_is_constant(each) for each in value)
    return isinstance(value, bool | int | float | str | bytes | np.generic | np.dtype)


def _is_helper(value: Any, module: str) -> bool:
    code = getattr(value, "py_func", value)
    if not inspect.isfunction(code) and not inspect.isclass(code):
        return False
    return code.__module__ == module or code.__module__.startswith("poroscale.kernels.")


class _Bare(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self._without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._without_docstring(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(0)
        return self.generic_visit(node)

    def _without_docstring(self, node: Any) -> ast.AST:
        node.decorator_list = [d for d in node.decorator_list if not _declares(d)]
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)


def _declares(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "kernel"


def _bare(tree: ast.AST) -> ast.AST:
    return ast.fix_missing_locations(_Bare().visit(tree))


if __name__ == "__main__":
    FILE.write_text(json.dumps(current(), indent=1) + "\n")
