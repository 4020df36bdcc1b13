"""Light on a drawn frame: face colours by normal and gloss, sky, shadows, and surface texture."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from sim2real_lib.datasets.minidrive.geometry import (
    NEAR,
    Array,
    Camera,
    Material,
    f32,
    normals,
)
from sim2real_lib.datasets.minidrive.render import Frame, Polygons, paint, project

RGB = tuple[float, float, float]
IS_GROUND = np.isin(np.arange(len(Material)), (Material.ROAD, Material.MARKING, Material.PAVEMENT,
                                               Material.GRASS))  # fmt: skip
_REFLECTIVITY = {Material.PAINT: 0.06, Material.GLASS: 0.16, Material.WINDOW: 0.16}
_GLOSS = np.array([_REFLECTIVITY.get(m, 0.0) for m in Material], np.float32)
# How strongly texture shows on each material: (metre-sized stains, centimetre-sized grain).
_ROUGHNESS = {
    Material.ROAD: (0.10, 0.12), Material.MARKING: (0.22, 0.25), Material.PAVEMENT: (0.12, 0.18),
    Material.GRASS: (0.25, 0.40), Material.WALL: (0.12, 0.13), Material.WINDOW: (0.35, 0.08),
    Material.FOLIAGE: (0.30, 0.60), Material.POLE: (0.10, 0.05), Material.PAINT: (0.14, 0.03),
    Material.GLASS: (0.65, 0.05), Material.RUBBER: (0.1, 0.1), Material.TRIM: (0.15, 0.05),
}  # fmt: skip
_TEXTURE = np.array([_ROUGHNESS.get(m, (0.0, 0.0)) for m in Material], np.float32)


@dataclass(frozen=True)
class Light:
    """Daylight. Colours are RGB in display units, 0..1.

    Args:
        elevation: of the sun, radians.
        sun: what a white face turned to the sun receives from it.
        sky: what a white face turned up receives from the sky.
        bounce: what a white face turned down receives from the ground.
        zenith: colour of the sky overhead.
        horizon: colour of the sky at the horizon.
        clouds: 0 (none) to 1 (closed and structured).
        shadow: depth of cast shadows, 0..1.
        turn: added to the scene's azimuth of the sun, radians.
    """

    elevation: float
    sun: RGB
    sky: RGB
    bounce: RGB
    zenith: RGB
    horizon: RGB
    clouds: float
    shadow: float
    turn: float = 0.0

    def direction(self, azimuth: float) -> Array:
        """(3,) unit vector to the sun in world axes."""
        a, e = azimuth + self.turn, self.elevation
        return np.array([np.sin(a) * np.cos(e), -np.sin(e), np.cos(a) * np.cos(e)])


def shade(frame: Frame, light: Light, texture: float = 0.0) -> Array:
    """The frame in clear air.

    Args:
        frame: what to light.
        light: the daylight.
        texture: strength of surface texture; 0 is the clean look of a simulator.

    Returns:
        (height, width, 3) float32 RGB, 0..1 and a little above.
    """
    camera = frame.camera
    colours = face_colours(frame, light)
    packed = np.zeros((len(colours) + 1, 4), np.uint8)
    packed[0, 3] = 255  # the fourth channel is the share of sky
    packed[1:, :3] = np.clip(colours * 255 + 0.5, 0, 255)
    image = cv2.resize(look_up(packed, frame.faces), camera.size, interpolation=cv2.INTER_AREA)
    image = image.astype(np.float32) / 255
    surface, open_sky = image[..., :3], image[..., 3:]
    points = world_points(frame)
    material = materials(frame)
    shading = _occlusion(points, material)
    ground = IS_GROUND[material]
    shading *= 1 - ground * cast_shadows(frame, light)
    if texture:
        shading *= 1 + texture * _surface_texture(points, material, frame)
    return surface * shading[..., None] + sky(frame, light) * open_sky


def look_up(table: Array, faces: Array) -> Array:
    """(h, w, 4) uint8 of a (faces + 1, 4) uint8 table: one gather of four packed bytes."""
    return np.take(table.view(np.uint32)[:, 0], faces).view(np.uint8).reshape(*faces.shape, 4)


def materials(frame: Frame) -> Array:
    """(height, width) uint8 `Material` of each pixel."""
    step = frame.faces.shape[0] // frame.camera.size[1]
    return np.append(np.uint8(Material.SKY), frame.mesh.material)[frame.faces[::step, ::step]]


def world_points(frame: Frame) -> Array:
    """(height, width, 3) float32 world metres of what each pixel shows."""
    camera = frame.camera
    return camera.world_rays() * frame.depth[..., None] + camera.position.astype(np.float32)


def face_colours(frame: Frame, light: Light) -> Array:
    """(faces, 3) float32 RGB of the faces of a frame under a light."""
    mesh = frame.mesh
    view = frame.camera.position.astype(np.float32) - mesh.corners[:, :4].mean(axis=1)
    view /= np.linalg.norm(view, axis=1, keepdims=True) + 1e-6
    n = normals(mesh.corners[:, :3])
    cosine = (n * view).sum(axis=1, keepdims=True)
    n, cosine = np.where(cosine < 0, -n, n), np.abs(cosine)
    up = -n[:, 1:2]
    ambient = f32(light.bounce) + (up + 1) / 2 * (f32(light.sky) - f32(light.bounce))
    incidence = np.maximum(
        (n * light.direction(frame.scene.sun_azimuth)).sum(axis=1, keepdims=True), 0
    )
    incidence[mesh.material == Material.FOLIAGE] = 0.6  # leaves face everywhere
    colours = mesh.albedo * (ambient + incidence * f32(light.sun))
    gloss = _GLOSS[mesh.material][:, None]
    fresnel = np.where(gloss > 0, gloss + (1 - gloss) * 0.6 * (1 - cosine) ** 4, 0)
    reflected_up = 2 * cosine * up + view[:, 1:2]
    blue = np.clip(reflected_up, 0, 1) ** 0.5
    mirrored = f32(light.horizon) * 0.75 * (1 - blue) + f32(light.zenith) * blue
    mirrored = np.where(reflected_up < -0.05, 0.35 * f32(light.sky), mirrored)
    return (colours * (1 - fresnel) + mirrored * fresnel).astype(np.float32)


def sky(frame: Frame, light: Light) -> Array:
    """(height, width, 3) float32: a gradient, clouds and the glow around the sun."""
    size = frame.camera.size
    camera = frame.camera.scaled(0.5)  # it is smooth
    rays = camera.world_rays()
    rays /= np.sqrt(np.einsum("hwc,hwc->hw", rays, rays))[..., None]
    up = np.clip(-rays[..., 1], 0, 1)
    blend = (up[..., None] / 0.7).clip(0, 1) ** 0.8
    image = f32(light.horizon) * (1 - blend) + f32(light.zenith) * blend
    if light.clouds:
        scale = 90 / (up + 0.12)
        drift = 300 * frame.scene.sun_azimuth
        cover = sample_noise(rays[..., 0] * scale + drift, rays[..., 2] * scale)
        cover = np.clip((cover - 0.62 + 0.32 * light.clouds) * 4, 0, 1) * light.clouds
        white = f32(light.horizon) * 0.55 + 0.45 * max(light.horizon)
        image += (white - image) * (0.75 * cover * np.clip(up * 8, 0, 1))[..., None]
    sun = f32(light.direction(frame.scene.sun_azimuth))
    glow = np.clip(np.einsum("hwc,c->hw", rays, sun), 0, 1)
    image += (0.35 * glow**12)[..., None] * f32(light.sun)
    return cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)


def cast_shadows(frame: Frame, light: Light) -> Array:
    """(height, width) float32 darkening 0..1 of the ground, under and beside what stands on it."""
    camera, width = frame.camera, frame.camera.size[0]
    reach = light.direction(frame.scene.sun_azimuth)
    reach = -reach[[0, 2]] / max(0.15, -reach[1])  # along the ground for each metre of height
    contact = np.zeros(camera.size[::-1], np.uint8)
    cast = np.zeros(camera.size[::-1], np.uint8)
    for sighting in frame.sightings:
        height, breadth, length = sighting.vehicle.dimensions
        corners = _footprint(sighting.world, sighting.yaw, breadth * 1.05, length * 1.03)
        _fill_ground(contact, camera, corners)
        if light.shadow:
            for part in (0.55, 1.0):
                inner = _footprint(sighting.world, sighting.yaw, breadth * 0.9, length * 0.75)
                _fill_ground(cast, camera, np.concatenate([corners, inner + reach * height * part]))
    if light.shadow:
        here = camera.position[2]
        turn = np.linspace(0, 2 * np.pi, 9)
        ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
        for fixture in frame.scene.fixtures:
            if fixture.crown and 0 < fixture.s - here < 90:
                foot = np.array(
                    [fixture.x + float(frame.scene.street.centre(fixture.s)), fixture.s]
                )
                _fill_ground(cast, camera, foot + fixture.crown * ring + reach * 3.4)
    blur = max(0.6, width / 500)
    soft = [cv2.GaussianBlur(m, (0, 0), blur).astype(np.float32) / 255 for m in (contact, cast)]
    return np.maximum(0.72 * soft[0], light.shadow * soft[1])


def _footprint(world: Array, yaw: float, breadth: float, length: float) -> Array:
    """(4, 2) corners (x, z) on the ground."""
    ahead = np.array([np.sin(yaw), np.cos(yaw)]) * length / 2
    right = np.array([np.cos(yaw), -np.sin(yaw)]) * breadth / 2
    middle = world[[0, 2]]
    return np.stack([middle + ahead + right, middle + ahead - right,
                     middle - ahead - right, middle - ahead + right])  # fmt: skip


def _fill_ground(canvas: Array, camera: Camera, corners: Array) -> None:
    """Fill the convex hull of ground points (x, z) as far as it is in front of the camera."""
    points = np.stack([corners[:, 0], np.zeros(len(corners)), corners[:, 1]], axis=1)
    seen = camera.to_camera(points)
    seen[:, 2] = np.maximum(seen[:, 2], NEAR * 3)
    hull = cv2.convexHull(np.round(camera.project(seen) * 16).clip(-(2**24), 2**24)
                          .astype(np.int32))  # fmt: skip
    cv2.fillConvexPoly(canvas, hull, 255, cv2.LINE_8, 4)


def _occlusion(points: Array, material: Array) -> Array:
    """Darker where things meet the ground."""
    height = -points[..., 1]
    factor = np.ones_like(height)
    wall = (material == Material.WALL) | (material == Material.WINDOW)
    np.copyto(factor, 0.74 + 0.26 * np.clip(height / 4, 0, 1), where=wall)
    np.copyto(factor, 0.62 + 0.38 * np.clip(height / 0.9, 0, 1), where=material >= Material.PAINT)
    return factor


def _surface_texture(points: Array, material: Array, frame: Frame) -> Array:
    """(height, width) float32 around 0, fixed to the surfaces."""
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    ground = IS_GROUND[material]
    u, v = np.where(ground, x, x + z), np.where(ground, z, y)
    stains = sample_noise(u * 18, v * 18) - 0.5
    grain = sample_noise(u * 150, v * 150) - 0.5
    amount = _TEXTURE[material]
    # Grain finer than a pixel averages out.
    fine = np.clip(frame.camera.focal * 0.03 / frame.depth, 0, 1)
    return 2 * (amount[..., 0] * stains + amount[..., 1] * fine * grain)


@lru_cache(maxsize=1)
def _noise_tile() -> Array:
    """(512, 512) float32, 0..1, periodic: five octaves of value noise."""
    rng = np.random.default_rng(0)
    tile = np.zeros((512, 512), np.float32)
    for octave in range(5):
        n = 16 << octave
        coarse = np.pad(rng.random((n, n), np.float32), 2, mode="wrap")
        edge = 2 * 512 // n
        fine = cv2.resize(coarse, (512 + 2 * edge,) * 2, interpolation=cv2.INTER_CUBIC)
        tile += fine[edge:-edge, edge:-edge] * 0.62**octave
    low, high = np.percentile(tile, [1, 99])
    return np.clip((tile - low) / (high - low), 0, 1)


def sample_noise(u: Array, v: Array) -> Array:
    """Periodic noise 0..1 at (u, v), in texels of a 512-texel tile."""
    return cv2.remap(_noise_tile(), np.mod(u, 511).astype(np.float32),
                     np.mod(v, 511).astype(np.float32), cv2.INTER_LINEAR,
                     borderMode=cv2.BORDER_WRAP)  # fmt: skip


def mirror_image(frame: Frame, light: Light) -> Array:
    """(height, width, 3) float32: what a perfectly flat, wet ground would mirror."""
    upright = ~IS_GROUND[frame.mesh.material]
    polygons = project(frame.camera, frame.mesh.mirrored(), smallest=3.0)
    faces = paint(Polygons(polygons.points, np.where(upright, polygons.count, 0)),
                  frame.camera.size)  # fmt: skip
    table = np.concatenate([f32(light.horizon)[None], face_colours(frame, light)])
    return table[faces]
