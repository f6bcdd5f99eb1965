"""One verb for every way from grey values to phases: the settings tell which."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poroscale.config import parse_config
from poroscale.engine.jobs.job import is_finished
from poroscale.engine.plan import IMAGES, TABLES, Need
from poroscale.engine.run import Run
from poroscale.engine.stage import planned_run
from poroscale.engine.workers.cluster import connect
from poroscale.segment.local.config import LocalConfig
from poroscale.segment.local.segment import needs as local_needs
from poroscale.segment.local.segment import segment_local
from poroscale.segment.thresholds.config import OtsuConfig
from poroscale.segment.thresholds.otsu import needs as otsu_needs
from poroscale.segment.thresholds.otsu import segment_otsu
from poroscale.statistics.values import few_values, shares_in_words
from poroscale.volume import Volume, VolumeSpec

SegmentConfig = LocalConfig | OtsuConfig
METHODS = ("auto", "otsu", "iso50")


def segment_config_of(values: Mapping[str, Any]) -> SegmentConfig:
    """The settings of a segmentation from plain values; their `method` is "auto" if not given.

    Raises
    ------
    ValueError
        Naming an unknown method or key, a wrong value, or a setting of another method.
    """
    given = dict(values)
    method = given.pop("method", "auto")
    if method not in METHODS:
        raise ValueError(f"segment: method must be one of {', '.join(METHODS)}, got {method!r}")
    if method == "auto":
        _refuse_thresholds(given)
        return parse_config(LocalConfig, given, where="segment")
    if method == "iso50":
        given = {"inner_rule": "iso50", **given}
    if "min_diameter_um" in given:
        raise ValueError("segment: min_diameter_um must come with the method auto")
    return parse_config(OtsuConfig, given, where="segment")


def _refuse_thresholds(given: Mapping[str, Any]) -> None:
    of_thresholds = sorted(
        key
        for key in given
        if key in OtsuConfig.model_fields and key not in LocalConfig.model_fields
    )
    if of_thresholds:
        name = of_thresholds[0]
        raise ValueError(
            f"segment: {name} must come with the method otsu or iso50, got the method auto, which "
            "has no thresholds"
        )


def segment_scan(
    scan: Volume,
    out: str | Path,
    *,
    shares: str | Path | None = None,
    config: SegmentConfig | None = None,
    run: Run | None = None,
) -> Volume:
    """Phases of a scan by the method of `config`: `segment_local` or `segment_otsu`.

    Parameters
    ----------
    scan, out, config, run
        As of the method.
    shares
        Folder in which the shares of pore are kept; of the method auto alone.

    Raises
    ------
    ValueError
        As the method; if shares are asked of a method that has none; or if the scan holds few
        integers only, as a label image or mask does: there are no grey values to segment.
    MemoryError
        If the budget cannot hold one of the stages; nothing has been done then.
    """
    config, run = config or LocalConfig(), run or Run()
    if shares is not None and isinstance(config, OtsuConfig):
        raise ValueError("shares must come with the method auto: thresholds have none")
    with connect(run) as connected:
        shared = _planned(scan, Path(out), config, connected)
        _refuse_labels(scan, shared)
        if isinstance(config, OtsuConfig):
            return segment_otsu(scan, out, config=config, run=shared)
        return segment_local(scan, out, shares=shares, config=config, run=shared)


def _planned(scan: Volume, out: Path, config: SegmentConfig, run: Run) -> Run:
    """`run`, if every stage that is left to do fits its budget."""
    if is_finished(out) and not run.overwrite:
        return run
    return planned_run(scan.spec, needs(scan.spec, config), run, libraries=(*IMAGES, *TABLES))


def _refuse_labels(scan: Volume, run: Run | None) -> None:
    """ValueError for a volume that is segmented already."""
    held = few_values(scan, run=run)
    if held is not None and len(held) > 1:
        raise ValueError(
            f"{scan.path} must hold grey values, got the values {shares_in_words(held)} alone, as "
            f"a label image or mask does: `poroscale pores {scan.path} OUT_DIR --pore VALUE` "
            "measures it"
        )


def needs(spec: VolumeSpec, config: SegmentConfig) -> dict[str, Need]:
    """What each stage takes in memory and on disk, for a scan of `spec`."""
    if isinstance(config, OtsuConfig):
        return otsu_needs(spec, config)
    return local_needs(spec, config)
