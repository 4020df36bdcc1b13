"""Streets: the plan, ground, markings, guard rails and skyline, along a gently bent line."""

from dataclasses import dataclass, replace

import numpy as np

from sim2real_lib.datasets.minidrive.geometry import Array, Builder, Material, Mesh
from sim2real_lib.datasets.minidrive.roadside import (
    add_building,
    lamp_post,
    quads,
    sign,
    tree,
)

ASPHALT = (0.29, 0.29, 0.30)
PAVING = (0.53, 0.51, 0.48)
KERB = (0.62, 0.61, 0.58)
PAINTED = (0.86, 0.86, 0.84)
LAWN = (0.27, 0.40, 0.15)
RAIL = (0.55, 0.56, 0.57)
LANE = 3.4  # metres
PARKING = 2.3
KERB_HEIGHT = 0.12


@dataclass(frozen=True)
class Street:
    """The plan of a street; lengths in metres.

    Args:
        kind: `city street`, `residential` or `highway` (BDD100K's words).
        lanes: driving lanes in each direction.
        parking: is there a parking row on both sides?
        bend: amplitude of the centre line's swing.
        wavelength: of that swing.
        phase: of that swing, radians.
        storeys: lowest and highest number of storeys of its buildings; (0, 0) for none.
        greenery: 0..1, how many trees.
    """

    kind: str
    lanes: int
    parking: bool
    bend: float
    wavelength: float
    phase: float
    storeys: tuple[int, int]
    greenery: float

    @property
    def half_width(self) -> float:
        """From the centre line to the kerb."""
        return self.lanes * LANE + (PARKING if self.parking else 0.6)

    def centre(self, s: Array | float) -> Array:
        """x of the centre line at distance s."""
        return self.bend * np.sin(2 * np.pi * np.asarray(s) / self.wavelength + self.phase)

    def heading(self, s: float) -> float:
        """Yaw of the centre line at distance s, radians."""
        rate = 2 * np.pi / self.wavelength
        return float(np.arctan(self.bend * rate * np.cos(rate * s + self.phase)))

    def bent(self, mesh: Mesh) -> Mesh:
        """A mesh that was built along a straight street, carried onto this one."""
        corners = mesh.corners.copy()
        corners[..., 0] += self.centre(corners[..., 2])
        return replace(mesh, corners=corners)


@dataclass(frozen=True)
class Fixture:
    """A tree or a pole: a mesh that can hide vehicles, and where it stands."""

    mesh: Mesh
    x: float
    s: float
    crown: float = 0.0  # radius of what casts its shadow, metres


def build_backdrop(street: Street, start: float, end: float, rng: np.random.Generator) -> Mesh:
    """Ground, markings and buildings from s = start to end: everything that hides no vehicle."""
    builder = Builder()
    _hills(end, builder, rng)
    _ground(street, start, end, builder)
    _markings(street, start, end, builder)
    if street.storeys[1]:
        _buildings(street, start, end, builder, rng)
    else:
        _guard_rails(street, start, end, builder)
    return street.bent(builder.mesh())


def build_fixtures(
    street: Street, start: float, end: float, rng: np.random.Generator
) -> list[Fixture]:
    """Trees, lamp posts and signs on both pavements."""
    fixtures = []
    for side in (-1.0, 1.0):
        s = start + rng.uniform(2, 8)
        while s < end:
            draw = rng.random()
            if draw < street.greenery:
                away = rng.uniform(1.0, 1.6) if street.storeys[1] else rng.uniform(3, 9)
                x = side * (street.half_width + away)
                fixtures.append(Fixture(street.bent(tree(x, s, rng)), x, s, crown=1.9))
            elif draw < street.greenery + 0.25:
                x = side * (street.half_width + 0.5)
                fixtures.append(Fixture(street.bent(lamp_post(x, s, side)), x, s))
            elif draw < street.greenery + 0.40:
                x = side * (street.half_width + 0.6)
                fixtures.append(Fixture(street.bent(sign(x, s, rng)), x, s))
            s += rng.uniform(6.0, 13.0)
    return fixtures


def _strips(start: float, end: float) -> tuple[Array, Array]:
    """Where strips of ground begin and end, far to near: fine enough to follow the bend."""
    cuts = np.append(np.arange(start, end, 8.0), end)[::-1]
    return cuts[1:], cuts[:-1]


def _ground(street: Street, start: float, end: float, builder: Builder) -> None:
    near, far = _strips(start, end)
    edge = street.half_width
    walk = edge + (3.2 if street.storeys[1] else 0.8)
    inner_city = street.storeys[1] >= 4
    beyond = (PAVING, Material.PAVEMENT) if inner_city else (LAWN, Material.GRASS)
    for x0, x1, y, (albedo, material) in (
        (-120.0, -walk, KERB_HEIGHT, beyond),
        (walk, 120.0, KERB_HEIGHT, beyond),
        (-edge, edge, 0.0, (ASPHALT, Material.ROAD)),
        (-walk, -edge, KERB_HEIGHT, (PAVING, Material.PAVEMENT)),
        (edge, walk, KERB_HEIGHT, (PAVING, Material.PAVEMENT)),
    ):
        strips = quads((x0, y, near), (x1, y, near), (x1, y, far), (x0, y, far))
        builder.faces(strips, albedo, material)
    _fences(builder, edge, (0.0, KERB_HEIGHT), (near, far), KERB, Material.PAVEMENT)


def _fences(
    builder: Builder,
    x: float,
    ys: tuple[float, float],
    strips: tuple[Array, Array],
    albedo: tuple[float, ...],
    material: Material,
) -> None:
    """Upright bands on both sides of the road."""
    (low, high), (near, far) = ys, strips
    for side in (-x, x):
        band = quads((side, low, near), (side, low, far), (side, high, far), (side, high, near))
        builder.faces(band, albedo, material)


def _guard_rails(street: Street, start: float, end: float, builder: Builder) -> None:
    x = street.half_width + 0.5
    _fences(builder, x, (0.45, 0.8), _strips(start, end), RAIL, Material.POLE)


def _markings(street: Street, start: float, end: float, builder: Builder) -> None:
    sparse = np.arange(start, min(end, start + 260), 9.0)
    closed = np.arange(start, min(end, start + 260), 6.0)

    def line(x: float, begin: Array, length: float, width: float = 0.13) -> None:
        left, right, finish = x - width / 2, x + width / 2, begin + length
        builder.faces(
            quads((left, 0, begin), (right, 0, begin), (right, 0, finish), (left, 0, finish)),
            PAINTED,
            Material.MARKING,
        )

    if street.lanes > 1:
        line(0.0, closed, 6.0)
    else:
        line(0.0, sparse, 3.5)
    for side in (-1, 1):
        line(side * street.lanes * LANE, closed, 6.0)
        for lane in range(1, street.lanes):
            line(side * lane * LANE, sparse, 3.5)


def _buildings(
    street: Street, start: float, end: float, builder: Builder, rng: np.random.Generator
) -> None:
    lots = []
    for side in (-1.0, 1.0):
        s = start - rng.uniform(0, 10)
        while s < end:
            length = rng.uniform(9, 20)
            lots.append((s, length, side))
            s += length + (rng.uniform(3, 12) if rng.random() < 0.4 else 0.0)
    for s, length, side in sorted(lots, reverse=True):  # far ones first
        storeys = int(rng.integers(street.storeys[0], street.storeys[1] + 1))
        front = street.half_width + (3.2 if storeys > 2 else rng.uniform(3.6, 8.0))
        add_building(builder, (s, s + length), side * front, storeys, rng)


def _hills(end: float, builder: Builder, rng: np.random.Generator) -> None:
    """A far skyline of woods that closes the street."""
    for s, tall, albedo in (
        (end + 160, 26, (0.24, 0.31, 0.25)),
        (end + 40, 13, (0.21, 0.29, 0.14)),
    ):
        x = np.linspace(-500, 500, 60)
        y = tall * (0.45 + 0.55 * rng.random(60))
        ridge = quads((x[:-1], 0, s), (x[1:], 0, s), (x[1:], y[1:], s), (x[:-1], y[:-1], s))
        builder.faces(ridge, albedo, Material.FOLIAGE)
