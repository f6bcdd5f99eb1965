"""Messages of the library name settings as in Python; a command line is none of its business."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import poroscale.engine
from poroscale.engine import Run

FOLDER = Path(poroscale.engine.__file__).parent
OPTION = re.compile(r"(?<![\w-])--[a-z]")
IN_BACKTICKS = re.compile(r"`(\w+)`")


def messages():
    """Every text of the engine that is no docstring, with its file."""
    for file in sorted(FOLDER.rglob("*.py")):
        tree = ast.parse(file.read_text())
        told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            text = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if text and id(node) not in told:
                yield file.relative_to(FOLDER), node.value


def test_no_message_speaks_of_options():
    found = [(str(file), text) for file, text in messages() if OPTION.search(text)]
    assert not found


def test_settings_in_messages_are_those_of_a_run():
    named = {name for _, text in messages() for name in IN_BACKTICKS.findall(text)}
    assert {"memory", "memory_per_worker", "workers", "wait", "cluster", "overwrite"} <= named
    assert named <= {each.name for each in fields(Run)}
