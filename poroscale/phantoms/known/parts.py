"""Parts of many forms, drawn at random, to be given pores."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from poroscale.phantoms.known.bodies import (
    Body,
    Point,
    Shape,
    ball,
    box,
    common,
    cylinder,
    everywhere,
    gyroid,
    joined,
    layer,
    outside_of,
    rotation,
    struts,
)

Draw = Callable[[Shape, np.random.Generator], Body]


def through_cylinder(shape: Shape, rng: np.random.Generator) -> Body:
    """A cylinder along z that runs through the frame."""
    return cylinder(_middle(shape, rng), rng.uniform(0.3, 0.45) * min(shape[1:]))


def tilted_cylinder(shape: Shape, rng: np.random.Generator) -> Body:
    """A cylinder whose axis is tilted by 5 to 30 degrees from z."""
    tilt, turn = math.radians(rng.uniform(5, 30)), rng.uniform(0, 2 * math.pi)
    axis = (math.cos(tilt), math.sin(tilt) * math.sin(turn), math.sin(tilt) * math.cos(turn))
    return cylinder(_middle(shape, rng), rng.uniform(0.22, 0.32) * min(shape[1:]), axis)


def upright_box(shape: Shape, rng: np.random.Generator) -> Body:
    """A box along the axes that ends inside the frame."""
    return box(_middle(shape, rng), _halves(shape, rng, (0.28, 0.42)))


def turned_box(shape: Shape, rng: np.random.Generator) -> Body:
    """A box turned by 5 to 40 degrees about any axis."""
    return box(_middle(shape, rng), _halves(shape, rng, (0.22, 0.32)), rotation(rng, (5, 40)))


def tube(shape: Shape, rng: np.random.Generator) -> Body:
    """A cylinder with a bore; through the frame, or with ends inside it that open the bore."""
    middle, radius = _middle(shape, rng), rng.uniform(0.36, 0.45) * min(shape[1:])
    bore = cylinder(middle, rng.uniform(0.2, 0.45) * radius)
    body = common(cylinder(middle, radius), outside_of(bore))
    return common(body, _ends(shape, rng)) if rng.random() < 0.5 else body


def plate_with_holes(shape: Shape, rng: np.random.Generator) -> Body:
    """A plate with one to six holes through it, slightly turned."""
    middle, turn = _middle(shape, rng), rotation(rng, (0, 15))
    y, x = 0.38 * shape[1], 0.38 * shape[2]
    body = box(middle, (rng.uniform(11, 20), y, x), turn)
    normal = (float(turn[0, 0]), float(turn[0, 1]), float(turn[0, 2]))
    for _ in range(rng.integers(1, 7)):
        across = rng.uniform(-0.7, 0.7) * y * turn[1] + rng.uniform(-0.7, 0.7) * x * turn[2]
        place = (middle[0] + across[0], middle[1] + across[1], middle[2] + across[2])
        body = common(body, outside_of(cylinder(place, rng.uniform(3, 9), normal)))
    return body


def sphere(shape: Shape, rng: np.random.Generator) -> Body:
    """A ball."""
    return ball(_middle(shape, rng), rng.uniform(0.3, 0.42) * min(shape))


def several(shape: Shape, rng: np.random.Generator) -> Body:
    """Two or three bodies beside one another, with ends inside the frame."""
    count = int(rng.integers(2, 4))
    edge, first = min(shape[1:]), rng.uniform(0, 2 * math.pi)
    away, largest = (0.24, 0.19) if count == 2 else (0.27, 0.18)
    bodies = []
    for k in range(count):
        angle = first + 2 * math.pi * k / count
        y = shape[1] / 2 + away * edge * math.sin(angle)
        x = shape[2] / 2 + away * edge * math.cos(angle)
        radius, centre = rng.uniform(0.8, 1.0) * largest * edge, (shape[0] / 2, y, x)
        form = rng.integers(3)
        if form == 0:
            bodies.append(ball(centre, radius))
        elif form == 1:
            bodies.append(common(cylinder(centre, radius), _ends(shape, rng)))
        else:
            half = radius / math.sqrt(2)
            bodies.append(box(centre, (rng.uniform(0.3, 0.42) * shape[0], half, half)))
    return joined(*bodies)


def strut_lattice(shape: Shape, rng: np.random.Generator) -> Body:
    """Bars along the three axes, cut to a box or a cylinder."""
    bars = struts(_middle(shape, rng), rng.uniform(36, 46), rng.uniform(7.5, 10))
    return common(bars, _envelope(shape, rng))


def gyroid_lattice(shape: Shape, rng: np.random.Generator) -> Body:
    """A wall along the gyroid, cut to a box or a cylinder."""
    wall = gyroid(_middle(shape, rng), rng.uniform(90, 120), rng.uniform(6.5, 8))
    return common(wall, _envelope(shape, rng))


def fills_frame(_shape: Shape, _rng: np.random.Generator) -> Body:
    """Solid everywhere, as in a region of interest."""
    return everywhere()


def cut_by_frame(shape: Shape, rng: np.random.Generator) -> Body:
    """A cylinder or a box of which a side face of the frame cuts a piece off."""
    middle, turn = _middle(shape, rng), math.pi / 2 * rng.integers(4)
    shift = rng.uniform(0.2, 0.35) * min(shape[1:])
    centre = (
        middle[0],
        middle[1] + shift * round(math.sin(turn)),
        middle[2] + shift * round(math.cos(turn)),
    )
    if rng.random() < 0.5:
        return cylinder(centre, rng.uniform(0.3, 0.42) * min(shape[1:]))
    return box(centre, _halves(shape, rng, (0.28, 0.38)))


def _envelope(shape: Shape, rng: np.random.Generator) -> Body:
    middle = (shape[0] / 2, shape[1] / 2, shape[2] / 2)
    if rng.random() < 0.5:
        return box(middle, _halves(shape, rng, (0.38, 0.44)))
    return common(cylinder(middle, 0.45 * min(shape[1:])), _ends(shape, rng))


def _ends(shape: Shape, rng: np.random.Generator) -> Body:
    """Body between two planes across z inside the frame."""
    return layer((shape[0] / 2, 0.0, 0.0), rng.uniform(0.36, 0.45) * shape[0])


def _middle(shape: Shape, rng: np.random.Generator) -> Point:
    """A point within two voxels of the middle, off the grid."""
    z, y, x = np.array(shape) / 2 + rng.uniform(-2, 2, 3)
    return float(z), float(y), float(x)


def _halves(shape: Shape, rng: np.random.Generator, share: tuple[float, float]) -> Point:
    z, y, x = rng.uniform(*share, 3) * np.array(shape)
    return float(z), float(y), float(x)


PARTS: dict[str, Draw] = {
    "cylinder": through_cylinder,
    "tilted": tilted_cylinder,
    "box": upright_box,
    "turned_box": turned_box,
    "tube": tube,
    "plate": plate_with_holes,
    "sphere": sphere,
    "several": several,
    "struts": strut_lattice,
    "gyroid": gyroid_lattice,
    "fills_frame": fills_frame,
    "at_frame": cut_by_frame,
}
"""Name of a kind -> what draws its part."""
