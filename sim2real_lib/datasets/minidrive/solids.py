"""Building blocks of vehicles: lofted shells, boxes, cabins, panels, lamps and wheels.

Axes while building: x right, y up, z forward; the ground is y = 0.
"""

import numpy as np

from sim2real_lib.datasets.minidrive.geometry import Array, Builder, Material, Mesh

WHITE = (1.0, 1.0, 1.0)  # paint is white here and multiplied by the vehicle's colour later
GLASS = (0.10, 0.12, 0.14)
BLACK = (0.06, 0.06, 0.065)
GREY = (0.42, 0.42, 0.43)


def loft(builder: Builder, stations: list[tuple[float, float, float, float]]) -> None:
    """A painted shell over cross-sections: a sill, a waist and a shoulder on each side."""
    rings = []
    for z, half, low, high in stations:
        waist = low + 0.62 * (high - low)
        left = [(-half * 0.95, low, z), (-half, waist, z), (-half * 0.91, high, z)]
        rings.append(left + [(-x, y, z) for x, y, z in reversed(left)])
    ring = np.array(rings)  # (stations, 6, 3)
    inside = (0.0, float(np.mean([s[2] + s[3] for s in stations])) / 2, 0.0)
    quads = np.stack([ring[:-1, :-1], ring[:-1, 1:], ring[1:, 1:], ring[1:, :-1]], axis=2)
    builder.faces(quads.reshape(-1, 4, 3), WHITE, Material.PAINT, inside)
    builder.faces(ring[[0, -1]], (0.93, 0.93, 0.93), Material.PAINT, inside)


def cabin(
    builder: Builder, rear: tuple[float, float], front: tuple[float, float], half_low: float,
    half_high: float, low: float, high: float, side_glass: tuple[float, ...],
    rear_glass: bool = True,
) -> None:  # fmt: skip
    """A tapered greenhouse; `rear` and `front` are (z at the belt, z at the roof)."""
    inside = (0.0, (low + high) / 2, (rear[0] + front[0]) / 2)

    def point(u: float, v: float, side: float) -> tuple[float, float, float]:
        """u along from rear to front, v from belt to roof, side -1..1 across."""
        back, ahead = rear[0] + v * (rear[1] - rear[0]), front[0] + v * (front[1] - front[0])
        half = half_low + v * (half_high - half_low)
        return side * half, low + v * (high - low), back + u * (ahead - back)

    def quad(us: tuple[float, float], vs: tuple[float, float], side: float) -> Array:
        (u0, u1), (v0, v1) = us, vs
        return np.array([[point(u0, v0, side), point(u1, v0, side), point(u1, v1, side),
                          point(u0, v1, side)]])  # fmt: skip

    def across(u: float, vs: tuple[float, float], half: float) -> Array:
        v0, v1 = vs
        return np.array([[point(u, v0, -half), point(u, v0, half), point(u, v1, half),
                          point(u, v1, -half)]])  # fmt: skip

    for side in (-1.0, 1.0):
        builder.faces(quad((0, 1), (0, 1), side), WHITE, Material.PAINT, inside)
    for u in (0.0, 1.0):
        builder.faces(across(u, (0, 1), 1.0), WHITE, Material.PAINT, inside)
    roof = [[point(0, 1, -1), point(1, 1, -1), point(1, 1, 1), point(0, 1, 1)]]
    builder.faces(np.array(roof), (0.97, 0.97, 0.97), Material.PAINT, inside)
    edges = [*zip(side_glass[::2], side_glass[1::2], strict=True)]
    if len(side_glass) == 4:  # a car: two panes that share one pillar
        edges = [(0.10, side_glass[0]), (side_glass[0] + 0.05, side_glass[3])]
    for side in (-1.005, 1.005):
        for edge in edges:
            builder.faces(quad(edge, (0.12, 0.86), side), GLASS, Material.GLASS, inside)
    for u in (-0.004, 1.004) if rear_glass else (1.004,):
        builder.faces(across(u, (0.10, 0.88), 0.88), GLASS, Material.GLASS, inside)


def block(
    builder: Builder, zs: tuple[float, float], half: float, ys: tuple[float, float],
    albedo: tuple[float, ...], material: Material,
) -> None:  # fmt: skip
    """A box without its underside."""
    (z0, z1), (y0, y1), h = zs, ys, half
    inside = (0.0, (y0 + y1) / 2, (z0 + z1) / 2)
    builder.faces(
        np.array(
            [
                [(-h, y0, z0), (-h, y0, z1), (-h, y1, z1), (-h, y1, z0)],
                [(h, y0, z0), (h, y0, z1), (h, y1, z1), (h, y1, z0)],
                [(-h, y0, z0), (h, y0, z0), (h, y1, z0), (-h, y1, z0)],
                [(-h, y0, z1), (h, y0, z1), (h, y1, z1), (-h, y1, z1)],
                [(-h, y1, z0), (h, y1, z0), (h, y1, z1), (-h, y1, z1)],
            ]
        ),
        albedo, material, inside,
    )  # fmt: skip


def panel(
    builder: Builder, z: float, half: float, ys: tuple[float, float], albedo: tuple[float, ...],
    material: Material, x: float = 0.0,
) -> None:  # fmt: skip
    """An upright rectangle on the end of a vehicle, seen from outside."""
    low, high = ys
    corners = [(x - half, low, z), (x + half, low, z), (x + half, high, z), (x - half, high, z)]
    builder.faces(np.array([corners]), albedo, material, (x, (low + high) / 2, 0.0))


def lamps(
    builder: Builder, z: float, x: float, y: float, albedo: tuple[float, ...], material: Material
) -> None:
    for side in (-x, x):
        out = z + (0.02 if z > 0 else -0.02)
        panel(builder, out, 0.17, (y - 0.08, y + 0.08), albedo, material, side)


def flank(
    builder: Builder, half: float, spans: tuple[tuple[float, float], tuple[float, float]],
    albedo: tuple[float, ...], material: Material,
) -> None:  # fmt: skip
    """An upright rectangle, ((low, high), (rear, front)), on both sides."""
    (y0, y1), (z0, z1) = spans
    for x in (-half, half):
        corners = np.array([[(x, y0, z0), (x, y0, z1), (x, y1, z1), (x, y1, z0)]])
        builder.faces(corners, albedo, material, (0.0, (y0 + y1) / 2, (z0 + z1) / 2))


def treads(wheels: tuple[tuple[float, float], ...], half: float) -> Mesh:
    """What is seen of the tyres from the ends, and the dark under the floor."""
    builder = Builder()
    zs = [z for z, _ in wheels]
    floor = [(-half * 0.9, 0.24, min(zs)), (half * 0.9, 0.24, min(zs)),
             (half * 0.9, 0.24, max(zs)), (-half * 0.9, 0.24, max(zs))]  # fmt: skip
    builder.faces(np.array([floor]), (0.02, 0.02, 0.02), Material.RUBBER)
    for z, radius in wheels:
        for x in (-half * 0.84, half * 0.84):
            panel(builder, z, 0.14, (0.0, radius * 1.6), BLACK, Material.RUBBER, x)
            edge = [
                (x - 0.14, 0, z),
                (x + 0.14, 0, z),
                (x + 0.14, radius, z),
                (x - 0.14, radius, z),
            ]
            builder.faces(np.array([edge]), BLACK, Material.RUBBER)
    return builder.mesh()


def discs(wheels: tuple[tuple[float, float], ...], half: float) -> Mesh:
    """Arch, tyre and hub on both sides, as decagons."""
    builder = Builder()
    turn = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    for z, radius in wheels:
        for side in (-1, 1):
            for scale, out, albedo, material in (
                (1.0, 0.012, BLACK, Material.RUBBER),
                (0.62, 0.014, GREY, Material.TRIM),
                (0.22, 0.016, BLACK, Material.TRIM),
            ):
                disc = np.stack(
                    [
                        np.full(10, side * (half + out)),
                        radius + radius * scale * np.sin(turn),
                        z + radius * scale * np.cos(turn),
                    ],
                    axis=1,
                )
                builder.faces(disc[None], albedo, material, (0.0, radius, z))
    return builder.mesh()
