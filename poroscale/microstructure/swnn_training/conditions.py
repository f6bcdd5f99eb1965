"""Thresholds of a network with conditions, so that each condition gives its fraction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from poroscale.microstructure.shares import with_fraction
from poroscale.microstructure.swnn import SwnnField
from poroscale.microstructure.swnn_training.calibration import (
    REFERENCE,
    REFERENCE_SEED,
    calibration_sample,
    fitted_thresholds,
)
from poroscale.microstructure.swnn_training.course import ShareCourse

BETWEEN = 4
"""Steps from the condition of one target to that of the next."""
SAMPLES_OF_EACH = 4
"""Samples to which the thresholds of a condition are fitted."""


def calibrated_conditions(
    field: SwnnField,
    fractions: Sequence[float],
    *,
    phase: int,
    shares: Sequence[float],
    edge: int = REFERENCE,
) -> ShareCourse:
    """Conditions and thresholds by the fraction of a phase.

    The condition of each target gives its fraction, and those between two targets the fractions
    between: the thresholds are fitted for that. The other phases keep their proportions.

    Parameters
    ----------
    field
        The network with conditions.
    fractions
        Of the phases 0 to n - 1 in the medium, for their proportions.
    phase
        Phase for whose fractions the network was trained.
    shares
        Its fraction in each target, ascending.
    edge
        Of the reference samples [voxels].
    """
    sample, shape = calibration_sample(field, edge)
    conditions = [step / BETWEEN for step in range(BETWEEN * (len(shares) - 1) + 1)]
    wanted = [float(each) for each in np.interp(conditions, range(len(shares)), shares)]
    rows = []
    for condition, share in zip(conditions, wanted, strict=True):
        seen = [
            sample.but(condition=condition, seed=REFERENCE_SEED - number)((0, 0, 0), shape)
            for number in range(SAMPLES_OF_EACH)
        ]
        rows.append(fitted_thresholds(np.stack(seen), with_fraction(fractions, phase, share)))
    return ShareCourse(phase, tuple(wanted), tuple(conditions), tuple(rows))
