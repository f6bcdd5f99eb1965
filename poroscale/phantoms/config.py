"""Everything that defines a phantom."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

TRUE_SCAN_VOXELS = 256**3
"""A true scan holds the whole volume and all projections in memory, so it is bounded."""


class PhantomConfig(BaseModel):
    """A printed coupon and the scanner that looks at it.

    Lengths are in um. `None` means a value that fits the size of the part. Grey values of the
    clean scan run from `air_level` to `solid_level`; `noise`, `rings`, `cupping` and `gradient`
    are fractions of their difference.

    Attributes
    ----------
    shape : (int, int, int)
        Voxels along (z, y, x); z is the build direction.
    voxel_size : float
        Edge of a voxel [um].
    porosity : float
        Volume of the pores over the volume of pores and solid.
    seed : int
        Number from which all pores and the surface are drawn; another number gives another part.
    part : "cylinder" or "cube"
        Form of the part; its axis runs along z through the middle of the volume.
    ends : "through" or "capped"
        Ends of the part: it runs through the volume in z, as in most scans, or ends inside it.
    roughness : float or None
        Standard deviation of the surface's height [um], waviness not counted.
    pore_diameter : float or None
        Median equivalent diameter of the gas pores [um]; the other pores are larger.
    pore_classes : (float, float, float)
        Shares of gas, keyhole and lack-of-fusion pores in the number of pores.
    open_fraction : float
        Share of the pores that are cut by the surface.
    surface_bias : float
        Density of pores near the surface over that in the core.
    side_bias : float
        Excess of pores on the side of +x over the other side: 0 none, 1 all.
    projections : int or None
        Number of projections of a true scan; None takes the image-space model.
    exposure : float
        Photons of a true scan, relative to a good scan.
    beam : "parallel" or "cone"
        Geometry of a true scan.
    material : "steel", "titanium" or "aluminium"
        Material of the part in a true scan.
    tube_voltage : float or None
        Voltage of the tube in a true scan [kV]; None chooses one that fits the part's thickness.
    hardening : bool
        Give a true scan the beam of the tube, which hardens in the part. Without it the beam has
        one energy: the solid attenuates as on average, but alike everywhere.
    noise : float
        Standard deviation of the noise over the contrast. In a true scan it holds at exposure 1
        with all the projections that the sampling theorem asks for; 0 counts infinitely many
        photons.
    rings : float
        Standard deviation of ring artefacts over the contrast: in the image, or of the detector's
        pixels.
    noise_correlation : float
        Gaussian sigma of the noise in the image-space model [voxels].
    blur : float
        Gaussian sigma of the point spread in the image-space model [voxels].
    cupping : float
        Darkening of the axis against the rim in the image-space model, over the contrast. A true
        scan has its own.
    gradient : float
        Fall of the grey value from the bottom to the top in the image-space model, over the
        contrast.
    air_level : float
        Grey value of air in the clean scan.
    solid_level : float
        Grey value of the solid in the clean scan.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    shape: tuple[int, int, int]
    voxel_size: float = 5.0
    porosity: float = Field(0.006, ge=0, le=0.2)
    seed: int = Field(0, ge=0, lt=2**63)
    part: Literal["cylinder", "cube"] = "cylinder"
    ends: Literal["through", "capped"] = "through"
    roughness: float | None = Field(None, ge=0)
    pore_diameter: float | None = Field(None, gt=0)
    pore_classes: tuple[float, float, float] = (0.60, 0.15, 0.25)
    open_fraction: float = Field(0.04, ge=0, le=0.5)
    surface_bias: float = Field(3.0, ge=0)
    side_bias: float = Field(0.5, ge=0, le=1)
    projections: int | None = None
    exposure: float = Field(1.0, gt=0)
    beam: Literal["parallel", "cone"] = "cone"
    material: Literal["steel", "titanium", "aluminium"] = "steel"
    tube_voltage: float | None = Field(None, ge=40, le=200)
    hardening: bool = True
    noise: float = Field(0.04, ge=0)
    noise_correlation: float = Field(0.6, ge=0, le=5)
    blur: float = Field(0.7, ge=0, le=10)
    cupping: float = Field(0.06, ge=0, lt=1)
    rings: float = Field(0.006, ge=0)
    gradient: float = Field(0.0, ge=-0.5, le=0.5)
    air_level: float = Field(9000.0, ge=0, le=65535)
    solid_level: float = Field(38000.0, ge=0, le=65535)

    @field_validator("shape")
    @classmethod
    def _shape_is_positive(cls, shape: tuple[int, int, int]) -> tuple[int, int, int]:
        if min(shape) < 1:
            raise ValueError(f"shape must be three positive numbers of voxels, got {shape}")
        if min(shape[1:]) < 24:
            raise ValueError(f"shape must be at least 24 voxels along y and x, got {shape}")
        return shape

    @field_validator("voxel_size")
    @classmethod
    def _voxel_is_positive(cls, size: float) -> float:
        if size <= 0:
            raise ValueError(f"voxel_size must be positive, got {size}")
        return size

    @field_validator("pore_classes")
    @classmethod
    def _shares_add_up(cls, shares: tuple[float, float, float]) -> tuple[float, float, float]:
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
            raise ValueError(f"pore_classes must be shares that add up to 1, got {shares}")
        return shares

    @model_validator(mode="after")
    def _scan_is_possible(self) -> PhantomConfig:
        if self.solid_level <= self.air_level:
            raise ValueError(
                f"solid_level must be above air_level {self.air_level}, got {self.solid_level}"
            )
        if self.projections is None:
            return self
        if self.projections < 3:
            raise ValueError(f"projections must be at least 3, got {self.projections}")
        voxels = self.shape[0] * self.shape[1] * self.shape[2]
        if voxels > TRUE_SCAN_VOXELS:
            raise ValueError(
                f"projections must be left out above {TRUE_SCAN_VOXELS} voxels (256³), where only "
                f"the image-space model runs in bounded memory, got shape {self.shape}"
            )
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, fields: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Scans made before this field existed keep their recipes and bytes.
        values: dict[str, Any] = fields(self)
        if values.get("hardening"):
            del values["hardening"]
        return values

    @property
    def radius(self) -> float:
        """Nominal radius, or half of the cube's edge, in voxels."""
        field_of_view = min(self.shape[1:]) / 2
        return field_of_view * (0.86 if self.part == "cylinder" else 0.62)
