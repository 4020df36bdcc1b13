"""From a scene to masks: which face each pixel shows, how far it is, and what each vehicle shows.

Faces are painted far to near as numbers into one integer image; colour, depth, normal and identity
are then look-ups by that number. So the geometry is drawn once for all variants of a frame.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from sim2real_lib.datasets.minidrive.geometry import (
    FAR,
    NEAR,
    Array,
    Camera,
    Mesh,
    clip_near,
    join,
    normals,
)
from sim2real_lib.datasets.minidrive.scene import SIGHT, Scene, Vehicle
from sim2real_lib.datasets.minidrive.vehicles import vehicle_mesh

SUPERSAMPLE = 2  # per direction; masks and edges are half a pixel fine
_SHIFT = 4  # fractional bits of cv2's polygon corners
BACKDROP = -1  # `owner` of whatever is not a vehicle


@dataclass(frozen=True)
class Sighting:
    """What a camera sees of one vehicle.

    Args:
        vehicle: which.
        index: its number among the scene's vehicles.
        box: (left, top, right, bottom) of its whole outline within the image, hidden parts
            included, in pixels, half-open, in steps of half a pixel.
        visible: pixels that show it (quarters of a pixel are counted).
        occlusion: share 0..1 of its outline within the image that something else hides.
        truncation: share 0..1 of its box that lies outside the image.
        position: (3,) camera-axes metres of the middle of its underside.
        rotation_y: KITTI's: yaw in camera axes, radians in -pi..pi, 0 facing right.
        yaw: in world axes, radians, 0 facing down the street.
        world: (3,) world metres of the middle of its underside.
    """

    vehicle: Vehicle
    index: int
    box: tuple[float, float, float, float]
    visible: float
    occlusion: float
    truncation: float
    position: Array
    rotation_y: float
    yaw: float
    world: Array

    @property
    def alpha(self) -> float:
        """KITTI's observation angle, radians in -pi..pi."""
        return _wrap(self.rotation_y - float(np.arctan2(self.position[0], self.position[2])))


@dataclass(frozen=True)
class Frame:
    """One view, drawn.

    Args:
        camera: the view, at the image's resolution.
        mesh: all the faces of the view; `faces` counts them from 1, 0 is sky.
        faces: (SUPERSAMPLE * height, SUPERSAMPLE * width) int32.
        owner: (faces,) int32 index of the vehicle that a face belongs to, or BACKDROP.
        depth: (height, width) float32 metres along z, FAR for sky.
        sightings: the vehicles seen, nearest first.
        scene: what it is a view of.
        number: of the frame in its scene.
    """

    camera: Camera
    mesh: Mesh
    faces: Array
    owner: Array
    depth: Array
    sightings: list[Sighting]
    scene: Scene
    number: int


def render(scene: Scene, number: int) -> Frame:
    """Draw a frame of a scene."""
    camera = scene.cameras[number]
    meshes, owners, poses = _assemble(scene, number)
    mesh = join(meshes)
    owner = np.repeat(np.array(owners, np.int32), [len(m) for m in meshes])
    polygons = project(camera.scaled(SUPERSAMPLE), mesh)
    faces = paint(polygons, camera.scaled(SUPERSAMPLE).size)
    depth = _depth(camera, mesh, faces[::SUPERSAMPLE, ::SUPERSAMPLE])
    shown = np.append(np.int32(BACKDROP), owner)[faces]
    visible = np.bincount(shown.ravel() + 1, minlength=len(scene.vehicles) + 1)[1:]
    sightings = []
    for index, (world, yaw) in poses.items():
        sighting = _sight(scene, index, camera, world, yaw, polygons, owner, int(visible[index]))
        if sighting is not None:
            sightings.append(sighting)
    sightings.sort(key=lambda s: float(s.position[2]))
    return Frame(camera, mesh, faces, owner, depth, sightings, scene, number)


def instance_mask(frame: Frame, index: int) -> Array:
    """(2 height, 2 width) bool: where vehicle `index` is seen, at SUPERSAMPLE resolution."""
    return np.append(np.int32(BACKDROP), frame.owner)[frame.faces] == index


@dataclass(frozen=True)
class Polygons:
    """Projected faces: `points` (F, CORNERS, 2) pixels, `count` (F,) corners, 0 for unseen ones."""

    points: Array
    count: Array


def project(camera: Camera, mesh: Mesh, smallest: float = 0.15) -> Polygons:
    """Cull, clip and project the faces of a mesh; those in a box of fewer pixels are left out."""
    corners = camera.to_camera(mesh.corners.reshape(-1, 3)).reshape(mesh.corners.shape)
    count = mesh.count.copy()
    first = corners[:, 0]
    edges = np.cross(corners[:, 1] - first, corners[:, 2] - first)
    facing = (edges * first).sum(axis=1) < 0
    nearest, farthest = _extent(corners[..., 2])
    count[~(mesh.two_sided | facing) | (farthest <= NEAR)] = 0
    for i in np.flatnonzero((count > 0) & (nearest < NEAR)):
        corners[i], count[i] = clip_near(corners[i], int(count[i]))
    corners[count == 0, :, 2] = 1.0
    points = camera.project(corners)
    width, height = camera.size
    low, high = _extent(points)
    outside = (high[:, 0] < 0) | (high[:, 1] < 0) | (low[:, 0] > width) | (low[:, 1] > height)
    count[outside | ((high[:, 0] - low[:, 0]) * (high[:, 1] - low[:, 1]) < smallest)] = 0
    return Polygons(points, count)


def _extent(corners: Array) -> tuple[Array, Array]:
    """Least and greatest over the second axis; a loop is faster than NumPy's short reductions."""
    low, high = corners[:, 0].copy(), corners[:, 0].copy()
    for k in range(1, corners.shape[1]):
        np.minimum(low, corners[:, k], out=low)
        np.maximum(high, corners[:, k], out=high)
    return low, high


def paint(polygons: Polygons, size: tuple[int, int]) -> Array:
    """(height, width) int32: the number from 1 of the last face drawn at a pixel, 0 for none."""
    canvas = np.zeros(size[::-1], np.int32)
    points = _fixed(polygons.points)
    count = polygons.count
    for i in np.flatnonzero(count).tolist():
        cv2.fillConvexPoly(canvas, points[i, : count[i]], i + 1, cv2.LINE_8, _SHIFT)
    return canvas


def _fixed(points: Array) -> Array:
    """Pixels (edges at whole numbers) to cv2's fixed point (centres at whole numbers)."""
    return np.round((points - 0.5) * (1 << _SHIFT)).clip(-(2**26), 2**26).astype(np.int32)


def _depth(camera: Camera, mesh: Mesh, faces: Array) -> Array:
    corners = camera.to_camera(mesh.corners.reshape(-1, 3)).reshape(mesh.corners.shape)
    nearest, farthest = _extent(corners[..., 2])
    n = normals(corners[:, :3])
    height = (n * corners[:, 0]).sum(axis=1)
    height = np.where(np.abs(height) < 1e-6, 1e-6, height)
    # On a plane n·p = h, 1/z is linear in the image: n·ray / h.
    planes = np.concatenate([np.zeros((1, 3)), n / height[:, None]]).astype(np.float32)
    inverse = np.einsum("hwc,hwc->hw", planes[faces], camera.rays())
    # Rasterised edges reach past a face, where a grazing plane would run away.
    low = np.append(1 / FAR, 1 / np.clip(farthest, NEAR, FAR)).astype(np.float32)
    high = np.append(1 / FAR, 1 / np.clip(nearest, NEAR, FAR)).astype(np.float32)
    return 1 / np.clip(inverse, low[faces], high[faces])


def _assemble(
    scene: Scene, number: int
) -> tuple[list[Mesh], list[int], dict[int, tuple[Array, float]]]:
    """Everything in front of the camera in painter's order, whose it is, and vehicle poses."""
    street, camera = scene.street, scene.cameras[number]
    here = float(camera.position[2])
    extents: list[tuple[float, float, float, float]] = []  # x from, to; s from, to
    things: list[tuple[Mesh, int]] = []
    poses: dict[int, tuple[Array, float]] = {}
    for index, vehicle in enumerate(scene.vehicles):
        s = vehicle.distance(number)
        _, width, length = vehicle.dimensions
        if not -length < s - here < SIGHT:
            continue
        world = np.array([vehicle.x + float(street.centre(s)), 0.0, s])
        yaw = street.heading(s) + (0.0 if vehicle.forward else np.pi)
        poses[index] = (world, yaw)
        to_camera = (camera.position - world)[[0, 2]]
        front = bool(to_camera @ np.array([np.sin(yaw), np.cos(yaw)]) > 0)
        mesh = vehicle_mesh(vehicle.model, vehicle.paint, front)
        things.append((mesh.moved(yaw, world, vehicle.scale), index))
        x = vehicle.x
        extents.append((x - width / 2, x + width / 2, s - length / 2, s + length / 2))
    for fixture in scene.fixtures:
        if 0 < fixture.s - here < 1.5 * SIGHT:
            things.append((fixture.mesh, BACKDROP))
            x, s = fixture.x, fixture.s
            extents.append((x - 0.1, x + 0.1, s - 0.1, s + 0.1))
    x = float(camera.position[0] - street.centre(here))
    order = painters_order(np.array(extents).reshape(-1, 4), x)
    meshes = [scene.backdrop, *(things[i][0] for i in order)]
    return meshes, [BACKDROP, *(things[i][1] for i in order)], poses


def painters_order(extents: Array, x: float) -> list[int]:
    """Order far to near of upright boxes, (N, 4) as x from, x to, s from, s to, for a viewer at x.

    Distance alone fails for a long truck beside a short car: of two boxes side by side the one on
    the camera's side of the gap must come last.
    """
    x0, x1, s0, s1 = extents.T
    beyond = s0[:, None] >= s1[None, :]
    beside = ~beyond & ~beyond.T
    middle = (x0[:, None] + x1[None, :]) / 2
    right = beside & (x0[:, None] >= x1[None, :])
    before = beyond | (right & (x <= middle)) | (right & (x > middle)).T
    waiting = before.sum(axis=0).astype(float)  # how many must be drawn first
    order = []
    centre = (s0 + s1) / 2
    for _ in range(len(s0)):
        free = waiting == waiting.min()
        i = int(np.flatnonzero(free)[centre[free].argmax()])
        order.append(i)
        waiting -= before[i]
        waiting[i] = np.inf
    return order


def _sight(
    scene: Scene, index: int, camera: Camera, world: Array, yaw: float, polygons: Polygons,
    owner: Array, samples: int,
) -> Sighting | None:  # fmt: skip
    """Draw one vehicle alone, to know how much of it is hidden."""
    mine = np.flatnonzero((owner == index) & (polygons.count > 0))
    if not samples or not len(mine):
        return None
    points = polygons.points[mine]
    full_low, full_high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
    limit = np.array(camera.size) * SUPERSAMPLE
    low = np.clip(np.floor(full_low) - 1, 0, limit).astype(int)
    high = np.clip(np.ceil(full_high) + 1, 0, limit).astype(int)
    canvas = np.zeros((high - low)[::-1], np.uint8)
    fixed = _fixed(points - low)
    for polygon, n in zip(fixed, polygons.count[mine].tolist(), strict=True):
        cv2.fillConvexPoly(canvas, polygon[:n], 1, cv2.LINE_8, _SHIFT)
    left, top, width, height = cv2.boundingRect(canvas)
    whole = int(cv2.countNonZero(canvas))
    left, top = left + int(low[0]), top + int(low[1])
    box = (left, top, left + width, top + height)
    full_area = float(np.prod(np.maximum(full_high - full_low, 1e-6)))
    inside = np.prod(np.minimum(full_high, limit) - np.maximum(full_low, 0))
    facing = yaw - camera.yaw
    return Sighting(
        vehicle=scene.vehicles[index],
        index=index,
        box=tuple(v / SUPERSAMPLE for v in box),  # type: ignore[arg-type]
        visible=samples / SUPERSAMPLE**2,
        occlusion=float(np.clip(1.0 - samples / whole, 0.0, 1.0)),
        truncation=float(np.clip(1.0 - inside / full_area, 0.0, 1.0)),
        position=camera.to_camera(world[None])[0],
        rotation_y=_wrap(facing - np.pi / 2),
        yaw=_wrap(yaw),
        world=world,
    )


def _wrap(angle: float) -> float:
    """Into -pi..pi."""
    return float((angle + np.pi) % (2 * np.pi) - np.pi)
