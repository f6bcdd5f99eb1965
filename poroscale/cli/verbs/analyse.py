"""`poroscale analyse`: from scans to reports in one go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from poroscale.cli.command import Command, Values, Words
from poroscale.cli.segmentation import describe_phases


def tell(results: list[Any], _given: Values) -> Iterator[str]:
    """The results of every scan."""
    for result in results:
        yield from _one(result)


def _one(result: Any) -> Iterator[str]:
    """Numbers that were found, and every warning of the page."""
    report = json.loads(result.report.with_suffix(".json").read_text("utf-8"))
    record = dict(result.phases.attributes.get("segmentation") or {})
    if record:
        # The page's warnings follow, other readings of the outside among them: each once.
        told = {**record, "warnings": []}
        if "outside" in record and record.get("method") == "local":
            told["outside"] = {**record["outside"], "others": []}
        yield describe_phases(told, result.phases.path)
    else:
        numbers = report["numbers"]
        porosity = (
            "no part" if numbers["porosity"] is None else f"{100 * numbers['porosity']:.4g} %"
        )
        yield f"{result.phases.path}: porosity {porosity}, {numbers['pore_count']} pores"
        yield f"  {report['taken_text']}"
    yield from _asked_for(report)
    yield f"  kind: {report['kind']['text']}"
    notes = dict(result.scan.attributes.get("source") or {}).get("notes", ())
    yield from (f"  note: {note}" for note in notes)
    yield from (f"  warning: {warning}" for warning in report["warnings"])
    yield f"  report: {result.report}"


def _asked_for(report: dict[str, Any]) -> Iterator[str]:
    """Pores above a size, and the part without its skin, where they were asked for."""
    above, core = report["above"], report["core"]
    if above:
        share = (
            "" if above["porosity"] is None else f", their porosity {100 * above['porosity']:.4g} %"
        )
        yield f"  from {above['min_um']:g} um: {above['pore_count']} pores{share}"
    if core:
        found = "no part" if core["porosity"] is None else f"{100 * core['porosity']:.4g} %"
        yield (
            f"  without a skin of {core['skin_um']:g} um: porosity {found} by counting voxels "
            f"({100 * core['porosity_counted_whole']:.4g} % with it)"
        )


def job(values: Values) -> Values:
    """The call that options and a YAML file describe; options take precedence."""
    from poroscale.pipelines.settings import call_of_file

    file = values.pop("config", None)
    return values if file is None else call_of_file(Path(file), values)


COMMANDS = (
    Command(
        "analyse",
        tell,
        section="Start here",
        arguments=(
            Words(
                ("sources", "out_dir"),
                "SRC [SRC ...] OUT_DIR",
                "Scans, then the folder of the results; or the YAML file names them.",
            ),
        ),
        metavars={"voxel_size": "UM", "channel": "N|index", "pattern": "GLOB"},
        prepare=job,
    ),
)
