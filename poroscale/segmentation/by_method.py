"""One verb for every way from grey values to phases: the settings tell which.

The type of the settings is the method: `LocalConfig` is the method auto, `OtsuConfig` the methods
otsu and iso50, `ByNetworkConfig` a trained network. torch is imported for a network alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

from poroscale.config import parse_config, unknown_key
from poroscale.engine.job_plan import JobPlan, plan_job, planned
from poroscale.engine.jobs.job import is_finished
from poroscale.engine.passes import Passes
from poroscale.engine.plan import IMAGES, TABLES
from poroscale.engine.run import Run
from poroscale.engine.workers.cluster import connect
from poroscale.segmentation.local.config import LocalConfig
from poroscale.segmentation.local.passes import passes as local_passes
from poroscale.segmentation.local.segment import segment_local
from poroscale.segmentation.network.config import STAGES, ByNetworkConfig
from poroscale.segmentation.network.trial import Trial
from poroscale.segmentation.scores.config import ScoresConfig
from poroscale.segmentation.thresholds.config import OtsuConfig
from poroscale.segmentation.thresholds.otsu import passes as otsu_passes
from poroscale.segmentation.thresholds.otsu import segment_otsu
from poroscale.statistics.values import few_values, shares_in_words
from poroscale.verb import Section, verb
from poroscale.volume import Volume, VolumeSpec

SegmentConfig = LocalConfig | OtsuConfig | ByNetworkConfig
METHODS = ("auto", "otsu", "iso50")
AUTO, BY_THRESHOLDS, BY_MODEL = "the method auto", "the method otsu or iso50", "a `model`"
SETTINGS: Mapping[str, frozenset[str]] = {
    AUTO: frozenset(LocalConfig.model_fields),
    BY_THRESHOLDS: frozenset(OtsuConfig.model_fields),
    BY_MODEL: frozenset({*ScoresConfig.model_fields, *STAGES}),
}
"""Settings that a segmentation takes beside `method` and `model`, by what they come with."""
FLOODED_FROM = ("corners", "none")
"""Words for the outside of a network: a flood tells it from the part, as for thresholds."""


SECTION = Section(
    "segment",
    (LocalConfig, OtsuConfig, ScoresConfig),
    chooses={
        "method": (
            Literal["auto", "otsu", "iso50"],
            None,
            "Way from grey values to phases: auto takes local levels and partial volume, otsu two "
            "thresholds as published, iso50 a threshold midway between air and solid. By default "
            "auto.",
        ),
        "model": (
            str,
            None,
            "Folder of a trained network that segments in place of a method; `default` is the one "
            "that is delivered with the package.",
        ),
    },
)
"""Settings of every method and of networks."""


def segment_config_of_file(sections: Mapping[str, Mapping[str, Any]]) -> SegmentConfig:
    """The settings in a file: its section segment, and the sections of a network's stages."""
    values = sections.get("segment", {})
    return segment_config_of(values if values.get("model") is None else with_stages(sections))


def with_stages(sections: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The section of the segmentation, with those of the stages of a network in it.

    Raises
    ------
    ValueError
        If a stage has a section of its own and another one within that of the segmentation.
    """
    values = sections.get("segment", {})
    stages = {name: sections[name] for name in STAGES if name in sections}
    twice = sorted(stages.keys() & values.keys())
    if twice:
        raise ValueError(f"{twice[0]} must be one section, got another one within segment")
    return {**values, **stages}


def segment_config_of(values: Mapping[str, Any]) -> SegmentConfig:
    """The settings of a segmentation from plain values.

    Parameters
    ----------
    values
        `method` ("auto", "otsu" or "iso50"; "auto" if it is not given) with the settings of that
        method. Or `model`, the folder of a network or "default", with the settings of its scores
        (those of `ScoresConfig`, where `outside` says from where the outside is flooded) and with
        `windows`, `postprocess` and `scores`, each a mapping of the settings of that stage. A
        setting of the scores by itself takes precedence over the same one in `scores`.

    Raises
    ------
    ValueError
        Naming an unknown method or key, a wrong value, or a setting of another method.
    """
    given = dict(values)
    method, model = given.pop("method", None), given.pop("model", None)
    if model is not None:
        return _network_config(model, method, given)
    method = "auto" if method is None else method
    if method not in METHODS:
        raise ValueError(f"segment: method must be one of {', '.join(METHODS)}, got {method!r}")
    if method == "auto":
        _refuse_foreign(given, AUTO, "the method auto")
        return parse_config(LocalConfig, given, where="segment")
    _refuse_foreign(given, BY_THRESHOLDS, f"the method {method}")
    if method == "iso50":
        given = {"inner_rule": "iso50", **given}
    return parse_config(OtsuConfig, given, where="segment")


def _network_config(model: Any, method: Any, given: dict[str, Any]) -> ByNetworkConfig:
    """The settings of a segmentation by a network, each in its stage."""
    if method is not None:
        raise ValueError(
            f"segment: `method` must be left out with a `model`, which is a method, got {method!r}"
        )
    if not isinstance(model, str | Path):
        raise ValueError(f"segment: model must be a folder or default, got {model!r}")
    _refuse_foreign(given, BY_MODEL, BY_MODEL)
    unknown = sorted(given.keys() - SETTINGS[BY_MODEL])
    if unknown:
        raise ValueError(f"segment: {unknown_key(unknown[0], sorted(SETTINGS[BY_MODEL]))}")
    stages = {name: _mapping(given.pop(name), name) for name in STAGES if name in given}
    scores = stages.setdefault("scores", {})
    if "outside" in given:
        if isinstance(given["outside"], str) and given["outside"] not in FLOODED_FROM:
            raise ValueError(
                "segment: outside must be corners, none or faces as [z-, z+] with a `model`, got "
                f"{given['outside']!r}"
            )
        flood = _mapping(scores.get("outside", {}), "scores.outside")
        given["outside"] = {**flood, "outside": given["outside"]}
    stages["scores"] = {**scores, **given}
    return ByNetworkConfig.of(stages, model=model)


def _mapping(values: Any, name: str) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise ValueError(f"segment: {name} must be a section with settings, got {values!r}")
    return dict(values)


def _refuse_foreign(given: Mapping[str, Any], chosen: str, got: str) -> None:
    """ValueError for a setting that other methods have and the chosen one has not."""
    for name in sorted(given.keys() - SETTINGS[chosen]):
        others = [what for what, settings in SETTINGS.items() if name in settings]
        if others:
            raise ValueError(f"segment: `{name}` must come with {' or '.join(others)}, got {got}")


@verb(
    "segment",
    SECTION,
    volumes=("scan", "thresholds_from"),
    parse=segment_config_of_file,
    plan="plan_segment",
)
def segment_scan(
    scan: Volume,
    out: str | Path,
    *,
    config: SegmentConfig | None = None,
    shares: str | Path | None = None,
    scores: str | Path | None = None,
    thresholds_from: Volume | None = None,
    run: Run | None = None,
) -> Volume:
    """Segment a scan into outside, solid and pore: by local levels, thresholds, or a network.

    Parameters
    ----------
    scan, out, run
        As of `segment_local`, `segment_otsu` and `segment_by_network`.
    config
        The settings; their type is the method. None is `LocalConfig()`.
    shares
        Folder in which the shares of pore are kept; of the method auto alone.
    scores
        Folder in which the scores of a network are kept.
    thresholds_from
        Phases of another scan whose thresholds are used; not with the method auto.

    Returns
    -------
    Volume
        The phases: uint8, 0 outside, 1 solid, 2 pore.

    Raises
    ------
    ValueError
        As the method; if shares or scores are asked of a method that has none; or if the scan holds
        few integers only, as a label image or mask does: there are no grey values to segment.
    MemoryError
        If the budget cannot hold one of the stages; nothing has been done then.
    """
    config, run = config or LocalConfig(), run or Run()
    if thresholds_from is not None:
        config = thresholds_of(thresholds_from, config)
    if shares is not None and not isinstance(config, LocalConfig):
        raise ValueError("`shares` must come with the method auto: the others have none")
    if scores is not None and not isinstance(config, ByNetworkConfig):
        raise ValueError("`scores` must come with a `model`: the other methods have none")
    with connect(run, job="segment") as connected:
        shared = _planned(scan, Path(out), config, connected)
        _refuse_labels(scan, shared)
        if isinstance(config, OtsuConfig):
            return segment_otsu(scan, out, config=config, run=shared)
        if isinstance(config, ByNetworkConfig):
            return _by_network(scan, out, scores=scores, config=config, run=shared)
        return segment_local(scan, out, shares=shares, config=config, run=shared)


def _by_network(
    scan: Volume, out: str | Path, *, scores: str | Path | None, config: ByNetworkConfig, run: Run
) -> Volume:
    from poroscale.segmentation.network.by_network import segment_by_network
    from poroscale.segmentation.network.model import SegmentationModel

    model = SegmentationModel.named(config.model)
    return segment_by_network(scan, out, model=model, scores=scores, config=config, run=run)


class SegmentPasses(NamedTuple):
    """Passes over a scan that is segmented, and the trial of a network if there is one."""

    passes: Passes
    trial: Trial | None = None

    def timed(self, plan: JobPlan) -> JobPlan:
        """`plan` with the note `time`, where a network infers windows."""
        if self.trial is None:
            return plan
        time = self.trial.in_words(plan.stages["windows"].workers)
        return replace(plan, notes={**plan.notes, "time": time})


def passes(spec: VolumeSpec, config: SegmentConfig, run: Run | None = None) -> SegmentPasses:
    """Passes over a scan of `spec`; a trial pass of a network is made.

    Raises
    ------
    FileNotFoundError, OSError, ValueError
        If the model of a network does not open, or cannot infer such windows.
    MemoryError
        If network and one patch exceed the memory.
    """
    if isinstance(config, OtsuConfig):
        return SegmentPasses(otsu_passes(spec, config))
    if isinstance(config, LocalConfig):
        return SegmentPasses(local_passes(spec, config))
    from poroscale.segmentation.network.by_network import passes as network_passes
    from poroscale.segmentation.network.model import SegmentationModel

    model = SegmentationModel.named(config.model)
    found, trial = network_passes(spec, model=model, config=config, run=run or Run())
    return SegmentPasses(found, trial)


def plan_segment(
    scan: Volume, *, config: SegmentConfig | None = None, run: Run | None = None
) -> JobPlan:
    """The plan of `segment_scan`; of a network also how long the windows take.

    Raises
    ------
    FileNotFoundError, OSError, ValueError
        If the model of a network does not open, or cannot infer such windows.
    MemoryError
        If the budget cannot hold a pass.
    """
    run = run or Run()
    found = passes(scan.spec, config or LocalConfig(), run)
    return found.timed(plan_job(scan.spec, found.passes, run, libraries=(*IMAGES, *TABLES)))


def _planned(scan: Volume, out: Path, config: SegmentConfig, run: Run) -> Run:
    """`run`, if every stage that is left to do fits its budget."""
    if is_finished(out) and not run.overwrite:
        return run
    return planned(run, partial(plan_segment, scan, config=config))


def _refuse_labels(scan: Volume, run: Run | None) -> None:
    """ValueError for a volume that is segmented already."""
    held = few_values(scan, run=run)
    if held is not None and len(held) > 1:
        raise ValueError(
            f"{scan.path} must hold grey values, got the values {shares_in_words(held)} alone, as "
            f"a label image or mask does: the verb pores measures it, with the value of the pores "
            "as `pore`"
        )


def thresholds_of(phases: Volume, config: SegmentConfig) -> SegmentConfig:
    """The settings with the thresholds that are recorded in `phases`.

    Raises
    ------
    ValueError
        If the settings are of the method auto, or the volume records no such thresholds.
    """
    if isinstance(config, LocalConfig):
        raise ValueError(
            "`thresholds_from` must come with the `method` otsu or iso50, or with a `model`; the "
            "method auto has no thresholds"
        )
    found = phases.attributes.get("segmentation", {})
    names = ("outer_threshold", "inner_threshold")
    if isinstance(config, ByNetworkConfig):
        names = ("outer_threshold", "score_threshold")
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"{phases.path} records no {missing[0]}")
    values = {name: found[name] for name in names}
    if isinstance(config, OtsuConfig):
        return config.model_copy(update=values)
    outer, score = values.values()
    flood = config.scores.outside.model_copy(update={"outer_threshold": outer})
    scores = config.scores.model_copy(update={"threshold": score, "outside": flood})
    return replace(config, scores=scores)
