"""Settings for training a segmentation network, in a file that is read without torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from poroscale.config import Config

Share = Annotated[float, Field(ge=0, le=1)]


class NetworkConfig(Config):
    """Settings of the network.

    Attributes
    ----------
    model
        Its name; `poroscale.networks.segmenters.SEGMENTERS` has all.
    width
        Factor of all channels; 1 is the published network.
    edge
        Edge of the patches [voxels].
    alpha, beta, gamma
        Of the focal Tversky loss: weights of missed and of false pores, and the exponent.
    entropy
        Weight of a cross-entropy added to it, which keeps a network from calling everything a pore
        for ever; 0 is the published loss.
    """

    model: str = "unet"
    width: float = Field(1.0, gt=0)
    edge: PositiveInt = 64
    alpha: float = Field(0.633, ge=0)
    beta: float = Field(0.1, ge=0)
    gamma: float = Field(1.0, gt=0)
    entropy: float = Field(0.1, ge=0)

    @model_validator(mode="after")
    def _weighs_something(self) -> NetworkConfig:
        if self.alpha + self.beta == 0:
            raise ValueError("alpha and beta must not both be 0: no error would cost anything")
        return self


class PatchConfig(Config):
    """Settings of the patches of an epoch.

    Attributes
    ----------
    batch, steps
        Patches in a step, steps in an epoch.
    pore_share
        Share of the patches that are drawn about a voxel of a pore, the others about any voxel of
        the part; None is a half for supervised networks. Unsupervised ones see no truth: 0.
    validation
        Patches that a network is judged by, always the same, without augmentation.
    readers
        Threads that read and augment ahead.
    cache
        Chunks of scans and truths that are kept in memory.
    """

    batch: PositiveInt = 8
    steps: PositiveInt = 100
    pore_share: Share | None = None
    validation: PositiveInt = 128
    readers: PositiveInt = 2
    cache: int | str = "256MiB"


class AugmentationConfig(Config):
    """Settings for changes of training patches; a bound of 0 leaves that change out.

    One of the changes of grey values is drawn, and one of the shape (flips, or an elastic
    deformation).

    Attributes
    ----------
    enabled
        False takes patches as they were scanned.
    grey_share, shape_share
        Share of the patches that such a change is made to.
    noise
        Largest standard deviation of white noise, in normalised grey values.
    attenuation
        Bounds of the relative change of all grey values: another material; noise comes with it.
    wave
        Bounds of the amplitude of one Fourier wave.
    blur
        Largest standard deviation of a Gaussian blur [voxels].
    hardening
        Largest share of the grey value lost on the axis by beam hardening.
    cone
        Largest share of the grey value lost at the ends of the scan in a cone beam.
    cone_blur
        Largest standard deviation of the smear along z there [voxels].
    controls
        Control points of the elastic deformation along each axis of the scan.
    displacement
        Their largest movement [voxels]; less where they stand so close that the field would fold.
    """

    enabled: bool = True
    grey_share: Share = 0.8
    shape_share: Share = 0.8
    noise: float = Field(0.08, ge=0, le=1)
    attenuation: tuple[float, float] = (-0.4, 0.2)
    wave: tuple[float, float] = (0.05, 0.15)
    blur: float = Field(1.0, ge=0, le=10)
    hardening: float = Field(0.2, ge=0, lt=1)
    cone: float = Field(0.15, ge=0, lt=1)
    cone_blur: float = Field(1.5, ge=0, le=10)
    controls: int = Field(12, ge=4)
    displacement: float = Field(25.0, ge=0)

    @model_validator(mode="after")
    def _bounds_rise(self) -> AugmentationConfig:
        for name in ("attenuation", "wave"):
            low, high = getattr(self, name)
            if not -1 < low <= high:
                raise ValueError(f"{name} must be two rising numbers above -1, got {low}, {high}")
        return self


class TrainingConfig(Config):
    """Settings of the length, the data and the validation of a training.

    Attributes
    ----------
    epochs
        At most.
    learning_rate
        Of Adam.
    patience
        Training ends after so many epochs without a gain; null trains all epochs.
    gain
        A fall of the loss of no more than this is none. It is the loss of validation, or of
        training where there is none.
    folds
        Parts that the scans are divided into; where there is one scan alone, it is cut into so
        many slabs along z. null takes 5, or as many as there are scans or as fit the scan; 1
        trains on everything, without validation.
    fold
        The part that is left out for validation; "all" trains one model for each: a
        cross-validation.
    seed
        Of weights, patches and steps.
    precision
        "bf16" computes in bfloat16, on a GPU alone (weights stay float32).
    device
        "auto" takes the GPU if there is one.
    threads
        Of the CPU, for one fold; null takes one per core. Another number is other bits. 1 where
        folds are trained side by side, on a cluster of processes.
    tensorboard
        Write the losses for TensorBoard, too, which must be installed.
    grey_suffices_from
        For the card: the contrast over noise from which on the grey value alone was as good on
        scans of known pores (`poroscale evaluate --scan`). It changes no training; started again
        with it, a finished one only gets another card.
    """

    epochs: PositiveInt = 500
    learning_rate: float = Field(1e-4, gt=0, le=1)
    patience: PositiveInt | None = 40
    gain: float = Field(1e-4, ge=0)
    folds: PositiveInt | None = None
    fold: NonNegativeInt | Literal["all"] = 0
    seed: NonNegativeInt = 0
    precision: Literal["float32", "bf16"] = "float32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: PositiveInt | None = None
    tensorboard: bool = False
    grey_suffices_from: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _fold_is_one(self) -> TrainingConfig:
        if self.folds == 1 and self.fold != 0:
            raise ValueError(f"fold must be left out where folds is 1, got {self.fold!r}")
        if self.folds is not None and self.fold != "all" and self.fold >= self.folds:
            raise ValueError(f"fold must be one of 0 to {self.folds - 1}, got {self.fold}")
        return self


class SegmenterConfig(Config):
    """The settings of all stages of a training; each is a section of a YAML file."""

    network: NetworkConfig = NetworkConfig()
    patches: PatchConfig = PatchConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    training: TrainingConfig = TrainingConfig()
