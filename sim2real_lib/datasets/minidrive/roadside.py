"""What stands beside a road: buildings, trees, lamp posts and signs.

Built along a straight street: x across, y up, s along it.
"""

import numpy as np

from sim2real_lib.datasets.minidrive.geometry import Array, Builder, Material, Mesh

FACADES = (
    (0.72, 0.66, 0.55),
    (0.66, 0.52, 0.42),
    (0.58, 0.33, 0.26),
    (0.70, 0.70, 0.69),
    (0.78, 0.74, 0.62),
    (0.52, 0.52, 0.54),
    (0.62, 0.58, 0.45),
    (0.47, 0.40, 0.36),
)
TILES = ((0.45, 0.21, 0.15), (0.28, 0.26, 0.26))
WINDOW_GLASS = (0.16, 0.20, 0.26)
LEAVES = ((0.20, 0.34, 0.12), (0.16, 0.29, 0.11), (0.27, 0.37, 0.14), (0.23, 0.31, 0.13))
BARK = (0.22, 0.17, 0.13)
STEEL = (0.40, 0.41, 0.42)
SIGNS = (((0.70, 0.06, 0.06), (0.88, 0.88, 0.86)), ((0.06, 0.20, 0.55), (0.06, 0.20, 0.55)))
STOREY = 3.1  # metres

Point = tuple[Array | float, Array | float, Array | float]  # x, y, s


def quads(*corners: Point) -> Array:
    """(N, len(corners), 3) faces from corners whose parts are numbers or arrays of N."""
    parts = [part for corner in corners for part in corner]
    number = max((len(part) for part in parts if isinstance(part, np.ndarray)), default=1)
    faces = np.empty((number, len(corners), 3), np.float32)
    for i, corner in enumerate(corners):
        for axis, part in enumerate(corner):
            faces[:, i, axis] = part
    return faces


def add_building(
    builder: Builder,
    span: tuple[float, float],
    front: float,
    storeys: int,
    rng: np.random.Generator,
) -> None:
    """A house with its facade at x = front, over a span of s."""
    s, finish = span
    side = np.sign(front)
    back, height = front + side * 12.0, storeys * STOREY + 0.8
    wall = np.array(FACADES[rng.integers(len(FACADES))]) * rng.uniform(0.85, 1.1)
    for t in (finish, s):
        end = quads((front, 0, t), (back, 0, t), (back, height, t), (front, height, t))
        builder.faces(end, wall, Material.WALL)
    builder.faces(_upright(front, (s, finish), (0, height)), wall, Material.WALL)
    if storeys <= 2:
        _pitched_roof(builder, span, (front, back), height, wall, rng)
    columns = max(2, int((finish - s) / rng.uniform(2.4, 3.6)))
    pitch = (finish - s) / columns
    middle, sill = np.meshgrid(
        s + pitch * (np.arange(columns) + 0.5), STOREY * np.arange(storeys) + 1.0
    )
    middle, sill = middle.ravel(), sill.ravel()
    tall = rng.uniform(1.3, 1.8)
    along = (middle - 0.30 * pitch, middle + 0.30 * pitch)
    panes = _upright(front - side * 0.03, along, (sill, sill + tall))
    tint = np.array(WINDOW_GLASS) * rng.uniform(0.6, 1.6, (len(middle), 1))
    builder.faces(panes, tint, Material.WINDOW)
    proud = front - side * 0.06
    builder.faces(_upright(proud, (s, finish), (0, 0.6)), wall * 0.6, Material.WALL)
    door = s + pitch * (int(rng.integers(columns)) + 0.5)
    leaf = _upright(proud, (door - 0.6, door + 0.6), (0, 2.2))
    builder.faces(leaf, rng.uniform(0.1, 0.4, 3), Material.WALL)


def _upright(
    x: float, along: tuple[Array | float, Array | float], ys: tuple[Array | float, Array | float]
) -> Array:
    """Rectangles that face the street."""
    (s, finish), (low, high) = along, ys
    return quads((x, low, s), (x, low, finish), (x, high, finish), (x, high, s))


def _pitched_roof(
    builder: Builder,
    span: tuple[float, float],
    xs: tuple[float, float],
    height: float,
    wall: Array,
    rng: np.random.Generator,
) -> None:
    (s, finish), (front, back) = span, xs
    ridge, top = (front + back) / 2, height + 3.0
    gable = quads((front, height, s), (back, height, s), (ridge, top, s))
    builder.faces(gable, wall, Material.WALL)
    eaves = front - np.sign(front) * 0.4
    slope = quads(
        (eaves, height - 0.1, s - 0.3),
        (eaves, height - 0.1, finish + 0.3),
        (ridge, top, finish),
        (ridge, top, s),
    )
    builder.faces(slope, TILES[int(rng.integers(len(TILES)))], Material.WALL)


def tree(x: float, s: float, rng: np.random.Generator) -> Mesh:
    """A trunk and a crown of clumps, low and dark behind to high and light in front."""
    builder = Builder()
    base, crown = rng.uniform(2.0, 3.0), rng.uniform(1.5, 2.6)
    _post(builder, x, s, 0.13, (0.0, base + crown * 0.6), BARK)
    leaf = np.array(LEAVES[rng.integers(len(LEAVES))])
    up = np.linspace(0, 1, 11)[:, None]  # a clump each
    middle = x + np.clip(rng.normal(0, 0.34, up.shape), -0.55, 0.55) * crown * (1.2 - 0.6 * up)
    radius = crown * rng.uniform(0.42, 0.66, up.shape) * (1.15 - 0.45 * up)
    wobble = radius * rng.uniform(0.85, 1.15, (len(up), 9))
    turn = np.linspace(0, 2 * np.pi, 9, endpoint=False)
    clumps = np.empty((len(up), 9, 3))
    clumps[..., 0] = middle + wobble * np.cos(turn)
    clumps[..., 1] = base + crown * (0.25 + 1.1 * up) + 0.8 * wobble * np.sin(turn)
    clumps[..., 2] = s - 0.2 * up
    builder.faces(clumps, leaf * (0.62 + 0.55 * up), Material.FOLIAGE)
    return builder.mesh()


def lamp_post(x: float, s: float, side: float) -> Mesh:
    """A street lamp whose arm reaches over the road."""
    builder = Builder()
    _post(builder, x, s, 0.07, (0.0, 7.0), STEEL)
    _post(builder, x - side * 0.7, s, 0.75, (6.9, 7.02), STEEL)
    return builder.mesh()


def sign(x: float, s: float, rng: np.random.Generator) -> Mesh:
    """A round traffic sign on a post."""
    builder = Builder()
    _post(builder, x, s, 0.04, (0.0, 2.9), STEEL)
    turn = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    rim, face = SIGNS[int(rng.integers(len(SIGNS)))]
    for radius, albedo in ((0.36, rim), (0.25, face)):
        disc = np.empty((1, 10, 3))
        disc[0, :, 0], disc[0, :, 1] = x + radius * np.cos(turn), 2.6 + radius * np.sin(turn)
        disc[0, :, 2] = s - 0.02
        builder.faces(disc, albedo, Material.POLE)
    return builder.mesh()


def _post(
    builder: Builder,
    x: float,
    s: float,
    half: float,
    ys: tuple[float, float],
    albedo: tuple[float, ...],
) -> None:
    low, high = ys
    left, right = x - half, x + half
    face = quads((left, low, s), (right, low, s), (right, high, s), (left, high, s))
    builder.faces(face, albedo, Material.POLE)
