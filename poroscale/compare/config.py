"""How parts are compared."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from poroscale.config import Config


class CompareConfig(Config):
    """Windows, splits and intervals of a comparison.

    Attributes
    ----------
    windows
        Windows along z that the reference is cut into, all its volumes together; the generated
        volumes are cut into windows of the same thickness, at least 16 layers.
    splits
        Ways in which the windows are dealt into two halves; distances are means over them.
    bootstrap
        Resamples of an interval; 0 leaves the intervals out.
    limit
        A measure passes where generated and original differ at most this many times as much as
        two halves of the original do.
    realisations
        Windows or volumes of each side in the rose plots.
    layer_um
        Thickness of the layers by which pores are counted [um].
    lag_um
        Largest lag of S2 [um].
    picture
        Pixels of the longer side of a picture whose scattering is taken; larger ones are
        averaged over square cells.
    seed
        Of splits and resamples.
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
