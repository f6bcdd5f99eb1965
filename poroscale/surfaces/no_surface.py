"""The error of a volume whose surface cannot be unrolled."""


class NoSurfaceError(ValueError):
    """A volume has no surface that can be unrolled around one axis, as a piece of rock has none."""
