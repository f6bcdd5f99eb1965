"""Style of every figure, and its conversion to bytes that never change.

Colours are those of Okabe and Ito (2008), which colour-blind readers tell apart
and which keep their order of lightness in a grey print.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1a1a1a"
MUTED = "#6b6b6b"
GRID = "#e3e3e3"
BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
VERMILION = "#D55E00"
GREY = "#8c8c8c"
PALE = "#a9cfe5"
DENSITY = "cividis"

CLASS_COLOURS = {
    "gas": BLUE,
    "keyhole": GREEN,
    "lack_of_fusion": VERMILION,
    "unclassified": GREY,
}

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "axes.formatter.use_mathtext": False,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.0,
    "patch.linewidth": 0.7,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.dpi": 150,
    "figure.dpi": 100,
    "svg.fonttype": "none",
    "svg.hashsalt": "poroscale",
    "path.simplify": True,
}

SVG_DPI = 72
"""Of matplotlib's SVG: what is laid out must have the size at which it is drawn."""

_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the house style, whatever the reader's own matplotlibrc says."""
    import matplotlib

    plain = {k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith("backend")}
    with matplotlib.rc_context({**plain, **_STYLE}):
        yield


def new_figure(width: float = 4.6, height: float = 3.1) -> Figure:
    """An empty figure of `width` x `height` inches, outside pyplot's global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def svg_of(figure: Figure, name: str) -> str:
    """`figure` as an SVG element whose ids begin with `name`, free of dates and host names."""
    text = _written(figure)
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(xlink:href|href)="#', rf'\1="#{name}-', text)
    text = text.replace("url(#", f"url(#{name}-")
    # Heights and widths in points would fix the size; the viewBox alone lets the page scale it.
    head, rest = text.split(">", 1)
    head = re.sub(r'\s(width|height)="[^"]*"', "", head)
    return f"{head}>{rest}".strip()


def _written(figure: Figure) -> str:
    """Bytes that `savefig` writes, without its second drawing of the figure for the layout."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    canvas, buffer = FigureCanvasSVG(figure), io.StringIO()
    layout = figure.get_layout_engine()
    if layout is not None:
        figure.dpi = SVG_DPI
        layout.execute(figure)
        figure.set_layout_engine(None)
    canvas.print_figure(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def png_of(figure: Figure) -> bytes:
    """`figure` as a PNG without the name of the program that wrote it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def plain_number(value: float) -> str:
    """`value` as a reader writes it: 0.01, 5, 20, 3,000."""
    if value == 0 or not np.isfinite(value):
        return "0" if value == 0 else ""
    if abs(value) >= 1e5 or abs(value) < 1e-3:
        factor, exponent = f"{value:.1e}".split("e")
        power = "10" + str(int(exponent)).translate(_RAISED)
        factor = factor.removesuffix(".0")
        return (power if factor == "1" else f"{factor}×{power}").replace("-", "−")
    return f"{value:,.6g}".replace("-", "−")


def log_axis(axes: Axes, which: str = "x", *, roomy: float = 2.2) -> None:
    """Make axis `which` ("x" or "y") of `axes` logarithmic, ticked with plain numbers.

    `roomy` is the number of decades on which there is room for ticks at 1, 2 and 5.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    low, high = sorted(axes.get_xlim() if which == "x" else axes.get_ylim())
    decades = np.log10(high / low)
    subs: tuple[float, ...] = (1.0, 2.0, 5.0) if decades <= roomy else (1.0, 3.0)
    subs = (1.0,) if decades > 1.7 * roomy else subs
    few = roomy <= 1 and decades < 0.8
    axis.set_major_locator(MaxNLocator(3) if few else LogLocator(subs=subs, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))
    axis.set_minor_formatter(NullFormatter())


def number_axis(axes: Axes, which: str = "y", *, whole: bool = True) -> None:
    """Tick linear axis `which` with plain numbers; with `whole` ones only, as counts need."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis = axes.xaxis if which == "x" else axes.yaxis
    if whole:
        axis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))


def legend_above(axes: Axes) -> None:
    """The legend in one row over `axes`, where it hides no data."""
    columns = len(axes.get_legend_handles_labels()[0])
    axes.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=columns,
        columnspacing=1.4,
        handletextpad=0.5,
    )


def bins_for(count: int, most: int = 40) -> int:
    """Number of classes for `count` values: twice the cube root (Rice), from 8 to `most`."""
    return int(np.clip(round(2 * count ** (1 / 3)), 8, most))


def log_bins(values: NDArray[np.float64], bins: int = 36) -> NDArray[np.float64]:
    """Edges (bins + 1,) of equal ratio that hold every one of the positive `values`."""
    low, high = float(values.min()), float(values.max())
    if high / low < 1.05:  # one size only: still give the bar a width
        low, high = low / 1.25, high * 1.25
    return np.geomspace(low * 0.999, high * 1.001, bins + 1)
