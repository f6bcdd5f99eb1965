"""Settings for the comparison of parts."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from poroscale.config import Config


class CompareConfig(Config):
    """Windows, splits and intervals of a comparison.

    Attributes
    ----------
    windows
        Number of windows along z into which the reference is cut, all its volumes together. The
        generated volumes are cut into windows of the same thickness, at least 16 layers.
    splits
        Number of ways in which the windows are dealt into two halves; distances are means over
        them.
    bootstrap
        Number of resamples of an interval; 0 leaves the intervals out.
    limit
        Largest ratio at which a measure passes: the difference of generated and original over that
        of two halves of the original.
    realisations
        Number of windows or volumes of each side in the rose plots.
    layer_um
        Thickness of the layers by which pores are counted [um].
    lag_um
        Largest lag of S2 [um].
    picture
        Longer side of a picture whose scattering is taken [pixels]; larger pictures are averaged
        over square cells.
    seed
        Number from which splits and resamples are drawn.
    """

    windows: PositiveInt = Field(16, ge=2)
    splits: PositiveInt = 20
    bootstrap: NonNegativeInt = 200
    limit: PositiveFloat = 1.5
    realisations: PositiveInt = 5
    layer_um: PositiveFloat = 30.0
    lag_um: PositiveFloat = 150.0
    picture: PositiveInt = Field(256, ge=32)
    seed: int = Field(0, ge=0, lt=2**63)
