"""The methods by name. A new one is a module beside this one, and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from poroscale.microstructure.model import Method
from poroscale.pipelines.microstructure.methods import by_field, by_slicegan, by_swnn
from poroscale.pipelines.microstructure.methods.contract import MicrostructureMethod

METHODS: Mapping[Method, MicrostructureMethod] = {
    "field": by_field,
    "swnn": by_swnn,
    "slicegan": by_slicegan,
}
