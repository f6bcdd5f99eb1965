"""The innermost steps of Winograd's convolution, each on vectors of eight float32.

Numba has no vectors, and its compiler does not find them where sixteen rows are read at a time. So
each step is written in the compiler's own language, by llvmlite. Arguments are addresses and
distances in bytes. A step is the same sequence of operations on every processor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8
COLUMNS = 24
"""Channels that `add_products` computes at a time: three vectors."""
ROWS = 4
"""Places that it computes at a time: with three vectors each they fill the registers."""
UNROLLED = 4
"""Channels that it adds before it looks whether there are more: their number is a multiple."""
_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, LANES)
_INT = ir.IntType(64)
Vector = Any


class VectorCode:
    """What a step needs of llvmlite: vectors at addresses, their sums and products."""

    def __init__(self, builder: ir.IRBuilder) -> None:
        self.builder = builder

    def at(self, address: Any, *distances: Any) -> Any:
        """An address moved on."""
        for distance in distances:
            address = self.builder.add(address, distance)
        return address

    def load(self, address: Any) -> Vector:
        """The vector at an address."""
        pointer = self.builder.inttoptr(address, _VECTOR.as_pointer())
        found = self.builder.load(pointer, typ=_VECTOR)
        found.align = 4
        return found

    def store(self, value: Vector, address: Any) -> None:
        """Write a vector at an address."""
        pointer = self.builder.inttoptr(address, _VECTOR.as_pointer())
        self.builder.store(value, pointer, align=4)

    def spread(self, address: Any) -> Vector:
        """One number in all lanes."""
        pointer = self.builder.inttoptr(address, _FLOAT.as_pointer())
        number = self.builder.load(pointer, typ=_FLOAT)
        number.align = 4
        return self.spread_value(number)

    def spread_value(self, number: Any) -> Vector:
        """A number that is loaded, in all lanes."""
        undefined = ir.Constant(_VECTOR, ir.Undefined)
        one = self.builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return self.builder.shuffle_vector(one, undefined, lanes)

    def add(self, a: Vector, b: Vector) -> Vector:
        """The sum."""
        return self.builder.fadd(a, b)

    def sub(self, a: Vector, b: Vector) -> Vector:
        """The difference."""
        return self.builder.fsub(a, b)

    def larger(self, a: Vector, b: Vector) -> Vector:
        """In each lane the larger number."""
        return self.builder.select(self.builder.fcmp_ordered(">", a, b), a, b)

    def fma(self, a: Vector, b: Vector, c: Vector) -> Vector:
        """a b + c, rounded once."""
        kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
        name = f"llvm.fma.v{LANES}f32"
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(function, [a, b, c])

    def multiples(self, distance: Any, count: int) -> list[Any]:
        """0, 1, 2 and so on times a distance."""
        return [self.builder.mul(distance, ir.Constant(_INT, i)) for i in range(count)]

    def seen(self, d: list[Vector]) -> list[Vector]:
        """Four values along an axis as Winograd's input transform sees them (B^T d of F(2, 3))."""
        return [
            self.sub(d[0], d[2]),
            self.add(d[1], d[2]),
            self.sub(d[2], d[1]),
            self.sub(d[1], d[3]),
        ]

    def given(self, m: list[Vector]) -> list[Vector]:
        """Two results along an axis from four products (A^T m of F(2, 3))."""
        first = self.add(self.add(m[0], m[1]), m[2])
        return [first, self.sub(self.sub(m[1], m[2]), m[3])]


def vector_step(arguments: int, body: Callable[..., None], extra: Any = None) -> Any:
    """Signature and code of a step of so many int64 (and one float32 where `extra` says so)."""
    kinds = [types.int64] * arguments + ([types.float32] if extra else [])

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        body(VectorCode(builder), *values)
        return ir.Constant(ir.IntType(8).as_pointer(), None)

    return types.void(*kinds), generate


@intrinsic
def see_rows(_typing, source, plane, row, target, step):  # type: ignore[no-untyped-def]
    """Transform 4 x 4 rows (z, y) at one vector: sixteen vectors, `step` bytes apart."""

    def body(code: VectorCode, source: Any, plane: Any, row: Any, target: Any, step: Any) -> None:
        planes, rows = code.multiples(plane, 4), code.multiples(row, 4)
        along_y = [code.seen([code.load(code.at(source, p, r)) for r in rows]) for p in planes]
        along_z = [code.seen([along_y[a][b] for a in range(4)]) for b in range(4)]
        for index, place in enumerate(code.multiples(step, 16)):
            code.store(along_z[index % 4][index // 4], code.at(target, place))

    return vector_step(5, body)


@intrinsic
def see_columns(_typing, source, column, target, step):  # type: ignore[no-untyped-def]
    """Transform four columns (x), `column` bytes apart: four vectors, `step` bytes apart."""

    def body(code: VectorCode, source: Any, column: Any, target: Any, step: Any) -> None:
        found = code.seen([code.load(code.at(source, c)) for c in code.multiples(column, 4)])
        for value, place in zip(found, code.multiples(step, 4), strict=True):
            code.store(value, code.at(target, place))

    return vector_step(4, body)


@intrinsic
def multiply(_typing, values, row, weights, weight_row, target, target_row, channels):  # type: ignore[no-untyped-def]
    """Products of 4 rows of `channels` values with weights (channels, 24): 4 rows of 24."""

    def body(code: VectorCode, *arguments: Any) -> None:
        values, row, weights, weight_row, target, target_row, channels = arguments
        builder = code.builder
        before = builder.block
        loop = builder.append_basic_block("channel")
        after = builder.append_basic_block("done")
        builder.branch(loop)
        builder.position_at_end(loop)
        zero = ir.Constant(_VECTOR, [0.0] * LANES)
        k = builder.phi(_INT)
        k.add_incoming(ir.Constant(_INT, 0), before)
        width = COLUMNS // LANES
        sums = [builder.phi(_VECTOR) for _ in range(ROWS * width)]
        for each in sums:
            each.add_incoming(zero, before)
        places = [code.at(values, distance) for distance in code.multiples(row, ROWS)]
        found: list[Any] = list(sums)
        for j in range(UNROLLED):
            channel = builder.add(k, ir.Constant(_INT, j))
            weight = code.at(weights, builder.mul(channel, weight_row))
            vectors = [
                code.load(code.at(weight, ir.Constant(_INT, 4 * LANES * i))) for i in range(width)
            ]
            offset = builder.mul(channel, ir.Constant(_INT, 4))
            for i, place in enumerate(places):
                value = code.spread(code.at(place, offset))
                for c, vector in enumerate(vectors, i * width):
                    found[c] = code.fma(value, vector, found[c])
        following = builder.add(k, ir.Constant(_INT, UNROLLED))
        k.add_incoming(following, builder.block)
        for each, value in zip(sums, found, strict=True):
            each.add_incoming(value, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, channels), loop, after)
        builder.position_at_end(after)
        for i, distance in enumerate(code.multiples(target_row, ROWS)):
            for j in range(width):
                there = code.at(target, distance, ir.Constant(_INT, 4 * LANES * j))
                code.store(found[i * width + j], there)

    return vector_step(7, body)


@intrinsic
def give_columns(_typing, source, step, target, column):  # type: ignore[no-untyped-def]
    """From four products along x, `step` bytes apart, two results, `column` bytes apart."""

    def body(code: VectorCode, source: Any, step: Any, target: Any, column: Any) -> None:
        found = code.given([code.load(code.at(source, p)) for p in code.multiples(step, 4)])
        for value, place in zip(found, code.multiples(column, 2), strict=True):
            code.store(value, code.at(target, place))

    return vector_step(4, body)


@intrinsic
def give_rows(_typing, source, step, bias, target, plane, row, slope):  # type: ignore[no-untyped-def]
    """From sixteen values of (z, y) the four results of 2 x 2, with bias and leaky ReLU."""

    def body(code: VectorCode, *arguments: Any) -> None:
        source, step, bias, target, plane, row, slope = arguments
        builder = code.builder
        shift, factor = code.load(bias), code.spread_value(slope)
        zero = ir.Constant(_VECTOR, [0.0] * LANES)
        values = [code.load(code.at(source, place)) for place in code.multiples(step, 16)]
        along_z = [code.given([values[4 * a + b] for a in range(4)]) for b in range(4)]
        for a, along_plane in enumerate(code.multiples(plane, 2)):
            along_y = code.given([along_z[b][a] for b in range(4)])
            for value, along_row in zip(along_y, code.multiples(row, 2), strict=True):
                moved = code.add(value, shift)
                positive = builder.fcmp_ordered(">", moved, zero)
                leaky = builder.select(positive, moved, builder.fmul(moved, factor))
                code.store(leaky, code.at(target, along_plane, along_row))

    return vector_step(6, body, extra=True)
