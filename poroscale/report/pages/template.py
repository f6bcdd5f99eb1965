"""Pages from the package's own templates, with numbers written as people write them."""

from __future__ import annotations

import math
from typing import Any

NOTHING = "–"
THIN_SPACE = "\u202f"


def render(name: str, **values: Any) -> str:
    """Template `name` filled with `values`; an unknown name in a template is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("poroscale.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"sig": significant, "count": count, "percent": percent, "short": short}
    return environment.get_template(name).render(**values)


def significant(value: float | None, digits: int = 3) -> str:
    """`value` with `digits` significant digits and grouped thousands; a dash for None.

    Examples
    --------
    >>> significant(1234.5)
    '1,230'
    >>> significant(0.012345)
    '0.0123'
    """
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    if abs(value) >= 1e7 or abs(value) < 1e-4:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa}{THIN_SPACE}×{THIN_SPACE}10{_raised(int(exponent))}".replace("-", "−")
    rounded = float(f"{value:.{digits}g}")
    decimals = max(0, digits - 1 - _magnitude(rounded))
    return f"{rounded:,.{decimals}f}".replace("-", "−")


def count(value: int | None) -> str:
    """A whole number with grouped thousands; a dash for None."""
    return NOTHING if value is None else f"{value:,}".replace("-", "−")


def percent(value: float | None, digits: int = 3) -> str:
    """A share as per cent, without the sign; a dash for None."""
    return NOTHING if value is None else significant(100 * value, digits)


def short(value: float | None, digits: int = 4) -> str:
    """At most `digits` significant digits, without trailing zeros; a dash for None."""
    return NOTHING if value is None else f"{value:,.{digits}g}".replace("-", "−")


def _magnitude(value: float) -> int:
    return int(f"{value:e}".split("e")[1])


def _raised(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))
