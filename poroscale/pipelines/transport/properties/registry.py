"""The properties by name. A new one is a module beside this one, and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from poroscale.pipelines.transport.properties import by_conduction, by_flow
from poroscale.pipelines.transport.properties.contract import TransportProperty
from poroscale.pipelines.transport.settings import Property

PROPERTIES: Mapping[Property, TransportProperty] = {
    "diffusivity": by_conduction,
    "conductivity": by_conduction,
    "permeability": by_flow,
}
