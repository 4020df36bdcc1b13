"""A pinhole camera and meshes of flat, convex faces.

World axes: x right, y *down*, z forward along the street, in metres; the ground is y = 0. Camera
axes are the same three, as in KITTI. Colours are RGB in 0..1.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

Array = np.ndarray
CORNERS = 10  # no face has more; shorter ones repeat their last corner
NEAR = 0.3  # metres; faces are clipped here
FAR = 600.0


def f32(values: ArrayLike) -> Array:
    """As a float32 array, so that nothing built on it silently doubles in size."""
    return np.asarray(values, np.float32)


class Material(IntEnum):
    """What a face is made of: decides texture, gloss, shadow and wetness."""

    SKY = 0
    ROAD = 1
    MARKING = 2
    PAVEMENT = 3
    GRASS = 4
    WALL = 5
    WINDOW = 6
    FOLIAGE = 7
    POLE = 8
    PAINT = 9
    GLASS = 10
    RUBBER = 11
    TRIM = 12
    HEADLAMP = 13
    TAILLAMP = 14


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    Args:
        size: (width, height) in pixels.
        focal: focal length in pixels.
        centre: principal point (u, v) in pixels.
        position: (3,) in world metres; y is minus the height above the ground.
        yaw: radians, positive to the right.
        pitch: radians, positive downwards.
    """

    size: tuple[int, int]
    focal: float
    centre: tuple[float, float]
    position: Array
    yaw: float = 0.0
    pitch: float = 0.0

    @cached_property
    def rotation(self) -> Array:
        """(3, 3) world to camera."""
        sy, cy, sp, cp = np.sin(self.yaw), np.cos(self.yaw), np.sin(self.pitch), np.cos(self.pitch)
        right = np.array([cy, 0.0, -sy])
        level, down = np.array([sy, 0.0, cy]), np.array([0.0, 1.0, 0.0])
        return np.stack([right, cp * down - sp * level, cp * level + sp * down])

    def to_camera(self, points: Array) -> Array:
        """(N, 3) world points in camera axes."""
        return _turned(points - self.position, self.rotation.T)

    def project(self, points: Array) -> Array:
        """(…, 3) camera-axes points with z > 0 to (…, 2) pixels."""
        return points[..., :2] / points[..., 2:] * self.focal + np.asarray(self.centre)

    def rays(self) -> Array:
        """(height, width, 3) float32 camera-axes directions with z = 1 through pixel centres."""
        width, height = self.size
        u = (np.arange(width, dtype=np.float32) + 0.5 - self.centre[0]) / self.focal
        v = (np.arange(height, dtype=np.float32) + 0.5 - self.centre[1]) / self.focal
        rays = np.ones((height, width, 3), np.float32)
        rays[..., 0], rays[..., 1] = u[None, :], v[:, None]
        return rays

    def world_rays(self) -> Array:
        """(height, width, 3) float32 the same directions in world axes."""
        rays, turn = self.rays(), f32(self.rotation)
        return rays[..., :1] * turn[0] + rays[..., 1:2] * turn[1] + turn[2]

    def scaled(self, factor: float) -> "Camera":
        """The same view with `factor` times the pixels in each direction."""
        return replace(
            self,
            size=(round(self.size[0] * factor), round(self.size[1] * factor)),
            focal=self.focal * factor,
            centre=(self.centre[0] * factor, self.centre[1] * factor),
        )


@dataclass(frozen=True)
class Mesh:
    """Flat convex faces, in the order in which a painter would draw them.

    Args:
        corners: (F, CORNERS, 3) float32 metres.
        count: (F,) int32 corners in use.
        albedo: (F, 3) float32.
        material: (F,) uint8 `Material`.
        two_sided: (F,) bool; the others show only the side from which corners run clockwise.
    """

    corners: Array
    count: Array
    albedo: Array
    material: Array
    two_sided: Array

    def __len__(self) -> int:
        return len(self.count)

    def moved(self, yaw: float, offset: Array, scale: Array | None = None) -> "Mesh":
        """The mesh scaled (x, y, z), turned by `yaw` to the right and carried to `offset`."""
        s, c = np.sin(yaw), np.cos(yaw)
        turn = np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])
        if scale is not None:
            turn = scale[:, None] * turn
        corners = _turned(self.corners.reshape(-1, 3), f32(turn))
        corners = (corners + f32(offset)).reshape(self.corners.shape)
        return replace(self, corners=corners)

    def mirrored(self) -> "Mesh":
        """The mesh below the ground plane, as still water on the road would show it."""
        count = self.count[:, None]
        order = np.arange(CORNERS)[None, :]
        order = np.where(order < count, count - 1 - order, 0)  # keeps faces outward
        corners = np.take_along_axis(self.corners, order[..., None], axis=1)
        return replace(self, corners=corners * f32([1, -1, 1]))


def _turned(points: Array, matrix: Array) -> Array:
    """(N, 3) points times a (3, 3) matrix.

    Not `@`: a BLAS adds in an order, and with a number of threads, that depend on the machine.
    """
    x, y, z = points[:, :1], points[:, 1:2], points[:, 2:]
    return x * matrix[0] + y * matrix[1] + z * matrix[2]


def join(meshes: list[Mesh]) -> Mesh:
    """One mesh of several, drawn in the given order."""
    return Mesh(
        np.concatenate([m.corners for m in meshes]),
        np.concatenate([m.count for m in meshes]),
        np.concatenate([m.albedo for m in meshes]),
        np.concatenate([m.material for m in meshes]),
        np.concatenate([m.two_sided for m in meshes]),
    )


class Builder:
    """Collects faces into a `Mesh`. Heights are given upwards here, and stored downwards."""

    def __init__(self) -> None:
        self._parts: list[Mesh] = []

    def faces(
        self,
        corners: Array,
        albedo: Array | tuple[float, ...],
        material: Material,
        inside: Array | tuple[float, float, float] | None = None,
    ) -> None:
        """Add faces.

        Args:
            corners: (F, n, 3) metres (x right, y *up*, z forward), n from 3 to CORNERS.
            albedo: (3,) or (F, 3) RGB in 0..1.
            material: of all the faces.
            inside: a point behind all the faces, so that only their far side from it is seen;
                without it they are seen from both sides.
        """
        number, n = corners.shape[:2]
        padded = np.empty((number, CORNERS, 3), np.float32)
        padded[:, :n] = corners
        padded[:, n:] = padded[:, n - 1 : n]
        padded[..., 1] *= -1
        if inside is not None:
            behind = f32(inside) * f32([1, -1, 1])
            outward = padded[:, :n].mean(axis=1) - behind
            flip = (normals(padded) * outward).sum(axis=1) < 0
            padded[flip, :n] = padded[flip, :n][:, ::-1]
            padded[flip, n:] = padded[flip, n - 1 : n]
        colours = np.empty((number, 3), np.float32)
        colours[:] = albedo
        self._parts.append(
            Mesh(
                padded,
                np.full(number, n, np.int32),
                colours,
                np.full(number, material, np.uint8),
                np.full(number, inside is None),
            )
        )

    def mesh(self) -> Mesh:
        """All the faces, in the order of adding."""
        return join(self._parts)


def normals(corners: Array) -> Array:
    """(F, 3) unit normals of (F, ≥3, 3) faces, from their first three corners."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    n = np.cross(b - a, c - a)
    return n / np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-9)


def clip_near(corners: Array, count: int) -> tuple[Array, int]:
    """One camera-axes face cut at z = NEAR: ((CORNERS, 3) padded, corners in use)."""
    kept: list[Array] = []
    for i in range(count):
        a, b = corners[i], corners[(i + 1) % count]
        if a[2] >= NEAR:
            kept.append(a)
        if (a[2] >= NEAR) != (b[2] >= NEAR):
            kept.append(a + (b - a) * (NEAR - a[2]) / (b[2] - a[2]))
    kept = kept[:CORNERS]
    if len(kept) < 3:
        return corners, 0
    return np.stack(kept + [kept[-1]] * (CORNERS - len(kept))), len(kept)
