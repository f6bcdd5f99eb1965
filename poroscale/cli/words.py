"""Sentences of the library in the words of the command line: `close_um` becomes --close-um."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SETTING = re.compile(r"`(\w+)`")


def in_flags(sentence: str, flags: Mapping[str, str]) -> str:
    """A sentence with each setting that it names replaced by its flag.

    Parameters
    ----------
    sentence
        Names settings between backticks, as the library does.
    flags
        Flag by setting; other names stay as they are.
    """
    return _SETTING.sub(lambda found: flags.get(found[1], found[0]), sentence)
