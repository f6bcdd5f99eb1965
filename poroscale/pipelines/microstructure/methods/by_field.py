"""Gaussian fields cut at levels: the method "field"."""

from __future__ import annotations

from pathlib import Path

import torch

from poroscale.microstructure.field.fit import LONGEST, FittedField, fit_bytes, fit_field
from poroscale.microstructure.field.sampler import EDGES, LevelledField, field_tile
from poroscale.microstructure.model import WEIGHTS, MicrostructureModel
from poroscale.pipelines.microstructure.methods.contract import (
    ALLOWED,
    WORKERS,
    FitInput,
    Fitted,
)
from poroscale.pipelines.microstructure.settings import FitMicrostructureConfig
from poroscale.pipelines.microstructure.wishes import GenerateMicrostructureConfig, shares_of
from poroscale.statistics.pair_counting import LAGS
from poroscale.training import load_weights, save_weights
from poroscale.volume import Volume


def need(config: FitMicrostructureConfig) -> int:
    """Bytes that the fit takes beside the images."""
    return fit_bytes(min(config.microstructure.reach or LONGEST, LAGS))  # a fit refuses more


def fit(given: FitInput) -> Fitted:
    """Fit the fields, and write their kernels."""
    alone = len(given.images.planes) == 1 and given.images.planes[0] is not None
    settings = given.config.microstructure
    fitted = fit_field(given.correlations, isotropic_medium=alone, reach=settings.reach)
    digest = save_field(fitted, given.folder)
    reaches = tuple(len(kernel) // 2 for kernel in fitted.kernels)
    edges = EDGES if settings.tile is None else (settings.tile,)
    plan = field_tile(reaches, allowed=ALLOWED, workers=WORKERS, edges=edges)
    details = {
        "order": list(fitted.order),
        "reaches": list(reaches),
        "residuals": fitted.residuals,
        "weights": digest,
        "isotropic": alone,
        "words": [plan.in_short],
    }
    return Fitted(fitted.fractions, plan.tile, details)


def save_field(fitted: FittedField, model_dir: Path) -> str:
    """Write the kernels of a field; the checksum of their file."""
    path = model_dir / WEIGHTS
    tensors = {f"kernel_{k}": torch.from_numpy(each) for k, each in enumerate(fitted.kernels)}
    save_weights(path, tensors, {"method": "field", "order": list(fitted.order)})
    return str(load_weights(path)[1]["sha256"])


def sampler(
    model: MicrostructureModel, config: GenerateMicrostructureConfig, mask: Volume | None
) -> LevelledField:
    """The levelled field of a model with the fractions that are wished for."""
    details = model.settings.details
    return LevelledField(
        model.weights.absolute(),
        str(details["weights"]),
        order=tuple(details["order"]),
        reaches=tuple(details["reaches"]),
        shares=shares_of(model, config, mask),
        tile=model.settings.tile,
        seed=config.seed,
        period=config.period,
    )
