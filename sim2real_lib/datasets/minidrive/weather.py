"""How air, water and lenses change a picture: the simulator's look and the real camera's.

The two differ on purpose, as Virtual KITTI's fog and rain differ from BDD100K's: the simulator
adds one even haze or thin lines to clean surfaces; the real world has texture, dense scattering
fog, dark wet roads that mirror lamps, drops on the windscreen, and a sensor.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from sim2real_lib.datasets.minidrive.geometry import Array, Material, f32
from sim2real_lib.datasets.minidrive.render import BACKDROP, Frame
from sim2real_lib.datasets.minidrive.shade import (
    IS_GROUND,
    Light,
    look_up,
    materials,
    mirror_image,
    sample_noise,
    shade,
)

SUNNY = Light(0.9, (0.98, 0.92, 0.80), (0.62, 0.68, 0.78), (0.40, 0.39, 0.37),
              (0.30, 0.52, 0.86), (0.74, 0.85, 0.95), 0.35, 0.50)  # fmt: skip
GREY = Light(1.2, (0.12, 0.12, 0.12), (0.94, 0.96, 1.00), (0.50, 0.50, 0.50),
             (0.66, 0.69, 0.74), (0.84, 0.86, 0.89), 0.6, 0.0)  # fmt: skip
SIM_LIGHTS = {
    "clone": SUNNY,
    "morning": replace(SUNNY, elevation=0.35, sun=(1.00, 0.84, 0.60), sky=(0.58, 0.61, 0.70),
                       horizon=(0.93, 0.88, 0.80), turn=0.8),
    "sunset": replace(SUNNY, elevation=0.22, sun=(1.05, 0.58, 0.28), sky=(0.56, 0.51, 0.56),
                      bounce=(0.38, 0.33, 0.31), zenith=(0.38, 0.42, 0.62),
                      horizon=(0.96, 0.70, 0.48), turn=-0.9),
    "overcast": GREY,
    "fog": GREY,
    "rain": replace(GREY, sky=(0.70, 0.74, 0.81), bounce=(0.36, 0.37, 0.39),
                    zenith=(0.50, 0.54, 0.61), horizon=(0.64, 0.68, 0.73)),
}  # fmt: skip
REAL_LIGHTS = {
    "clear": replace(SUNNY, sun=(1.30, 1.24, 1.10), sky=(0.70, 0.75, 0.82), clouds=0.5,
                     zenith=(0.46, 0.68, 0.98), horizon=(0.98, 1.02, 1.05), shadow=0.55),
    "overcast": replace(GREY, sky=(1.00, 1.01, 1.02), bounce=(0.52, 0.52, 0.51), clouds=0.9,
                        zenith=(0.86, 0.88, 0.91), horizon=(1.00, 1.01, 1.02)),
    "foggy": replace(GREY, sky=(0.86, 0.87, 0.88), clouds=0.0),
    "rainy": replace(GREY, sky=(0.66, 0.68, 0.71), bounce=(0.32, 0.33, 0.34),
                     zenith=(0.50, 0.52, 0.55), horizon=(0.70, 0.72, 0.74), clouds=0.8),
}  # fmt: skip
SIM_FOG = (0.018, (0.74, 0.80, 0.86))  # attenuation a metre, colour of the air


@dataclass(frozen=True)
class Conditions:
    """The air and the camera of one real picture.

    Args:
        weather: BDD100K's word.
        beta: attenuation a metre of Koschmieder's law; one sees 3.912 / beta metres far.
        air: RGB of the airlight.
        exposure: factor.
        balance: RGB factors of the white balance.
        noise: standard deviation of the sensor's noise, 0..1.
    """

    weather: str
    beta: float
    air: tuple[float, float, float]
    exposure: float
    balance: tuple[float, float, float]
    noise: float


def draw_conditions(weather: str, rng: np.random.Generator) -> Conditions:
    """The conditions of one picture, at random within what the weather's name covers."""
    beta = {
        "clear": (0.0005, 0.002),
        "overcast": (0.001, 0.004),
        "foggy": (0.026, 0.048),  # 150 to 80 m of visibility: dense fog
        "rainy": (0.008, 0.016),
    }[weather]
    grey = rng.uniform(0.70, 0.84) if weather == "foggy" else rng.uniform(0.62, 0.72)
    warmth = rng.uniform(-0.03, 0.03)
    return Conditions(
        weather=weather,
        beta=rng.uniform(*beta),
        air=(grey + warmth, grey, grey - warmth),
        exposure=rng.uniform(0.92, 1.12),
        balance=(1 + rng.uniform(-0.03, 0.03), 1.0, 1 + rng.uniform(-0.03, 0.03)),
        noise=rng.uniform(0.006, 0.011) * (1.3 if weather in ("foggy", "rainy") else 1.0),
    )


def simulate(frame: Frame, variant: str, rng: np.random.Generator) -> Array:
    """A Virtual KITTI variant: (height, width, 3) uint8 RGB."""
    image = shade(frame, SIM_LIGHTS[variant])
    if variant == "fog":
        beta, air = SIM_FOG
        image = _through_air(image, np.exp(-beta * frame.depth), air)
    if variant == "rain":
        image = _through_air(image, np.exp(-0.004 * frame.depth), SIM_LIGHTS["rain"].horizon)
        image = image * 0.9 + 0.22 * _streaks(frame, rng, drops=500, length=0.10)[..., None]
    image = _saturate(image, 1.25)
    return _to_bytes(image)


def photograph(frame: Frame, conditions: Conditions, rng: np.random.Generator) -> Array:
    """A real camera's picture: (height, width, 3) uint8 RGB."""
    weather = conditions.weather
    light = REAL_LIGHTS[weather]
    image = shade(frame, light, texture=1.0)
    lamps = _lamps(frame) if weather in ("foggy", "rainy") else np.zeros_like(image)
    image += lamps
    if weather == "rainy":
        image = _wet_road(frame, light, image, lamps)
    transmission = np.exp(-conditions.beta * frame.depth * _patchy(frame, weather, rng))
    image = _through_air(image, transmission, conditions.air)
    if weather in ("foggy", "rainy"):
        image = _scatter(frame, image, lamps, transmission)
    if weather == "rainy":
        image = _rain_on_lens(frame, image, rng)
    return _expose(image, conditions, rng)


def _through_air(image: Array, transmission: Array, air: tuple[float, float, float]) -> Array:
    """Koschmieder's law: J t + A (1 - t), with t = exp(-beta z)."""
    t = transmission[..., None]
    return image * t + f32(air) * (1 - t)


def _patchy(frame: Frame, weather: str, rng: np.random.Generator) -> Array | float:
    """Fog drifts in banks: its density varies smoothly over the picture."""
    if weather != "foggy":
        return 1.0
    width, height = frame.camera.size
    coarse = rng.uniform(0.75, 1.25, (4, 6)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def _lamps(frame: Frame) -> Array:
    """(height, width, 3) float32 light of the lamps of vehicles in traffic."""
    mesh, vehicles = frame.mesh, frame.scene.vehicles
    driving = np.array([v.speed != 0 for v in vehicles] + [False])  # BACKDROP is the last
    on = driving[np.where(frame.owner == BACKDROP, len(vehicles), frame.owner)]
    table = np.zeros((len(mesh) + 1, 4), np.uint8)
    table[1:][on & (mesh.material == Material.HEADLAMP)] = (255, 245, 215, 0)
    table[1:][on & (mesh.material == Material.TAILLAMP)] = (225, 25, 18, 0)
    light = cv2.resize(look_up(table, frame.faces), frame.camera.size,
                       interpolation=cv2.INTER_AREA)  # fmt: skip
    return light[..., :3].astype(np.float32) / 255


def _wet_road(frame: Frame, light: Light, image: Array, lamps: Array) -> Array:
    """Wet asphalt is darker, and mirrors what stands behind it, drawn out towards the viewer."""
    width = frame.camera.size[0]
    mirrored = mirror_image(frame, light)
    mirrored = cv2.GaussianBlur(mirrored, (0, 0), sigmaX=width / 400, sigmaY=width / 130)
    material = materials(frame)
    ground = IS_GROUND[material] & (material != Material.GRASS)
    rays = frame.camera.world_rays()
    grazing = 1 - np.clip(rays[..., 1] / np.sqrt(np.einsum("hwc,hwc->hw", rays, rays)), 0, 1)
    # Puddles: the film of water is not the same everywhere.
    depth = frame.depth
    x = rays[..., 0] * depth + np.float32(frame.camera.position[0])
    z = rays[..., 2] * depth + np.float32(frame.camera.position[2])
    film = np.clip(1.6 * sample_noise(x * 22, z * 22) - 0.25, 0.15, 1)
    strength = (0.08 + 0.72 * grazing**4) * film
    streak = cv2.GaussianBlur(lamps, (0, 0), sigmaX=width / 250, sigmaY=width / 28)
    shift = f32([[1.0, 0.0, 0.0], [0.0, 1.0, width / 22]])
    streak = cv2.warpAffine(streak, shift, frame.camera.size, borderMode=cv2.BORDER_REPLICATE)
    wet = image * 0.58 * (1 - strength[..., None]) + mirrored * strength[..., None] + 2.5 * streak
    return np.where(ground[..., None], wet, image)


def _scatter(frame: Frame, image: Array, lamps: Array, transmission: Array) -> Array:
    """Light scattered forward: far things blur, lamps get halos."""
    width = frame.camera.size[0]
    soft = cv2.GaussianBlur(image, (0, 0), width / 260)
    share = (0.9 * (1 - transmission))[..., None]
    image = image * (1 - share) + soft * share
    shine = lamps * np.sqrt(transmission)[..., None]
    return image + 2.0 * cv2.GaussianBlur(shine, (0, 0), width / 130) + 0.6 * shine


def _streaks(frame: Frame, rng: np.random.Generator, drops: int, length: float) -> Array:
    """(height, width) float32 0..1: falling drops, drawn out by the exposure."""
    width, height = frame.camera.size
    canvas = np.zeros((height, width), np.uint8)
    slant = rng.uniform(-0.25, 0.25)
    head = rng.uniform(0, 1, (drops, 2)) * (width, height)
    fall = height * length * rng.uniform(0.4, 1.6, (drops, 1))
    tail = head + fall * np.array([slant, 1.0])
    ends = np.round(np.stack([head, tail], axis=1) * 16).astype(np.int32)
    for (a, b), level in zip(ends.tolist(), rng.integers(60, 220, drops).tolist(), strict=True):
        cv2.line(canvas, a, b, level, max(1, width // 640), cv2.LINE_AA, 4)
    return canvas.astype(np.float32) / 255


def _rain_on_lens(frame: Frame, image: Array, rng: np.random.Generator) -> Array:
    """Streaks in the air; drops on the windscreen that bend and blur what is behind them."""
    width, height = frame.camera.size
    streaks = cv2.GaussianBlur(_streaks(frame, rng, 260, 0.22), (0, 0), max(0.5, width / 640))
    image = image + (0.30 * streaks)[..., None] * (0.95 - image)
    number = int(rng.integers(25, 70))
    drops: Array = np.zeros((height, width), np.float32)
    for u, v, r in rng.uniform(0, 1, (number, 3)).tolist():
        radius = width * (0.004 + 0.016 * r**3)
        axes = (max(1, round(radius)), max(1, round(radius * 1.25)))
        cv2.ellipse(drops, (int(u * width), int(v * height)), axes, 0, 0, 360, 1.0, -1)
    drops = cv2.GaussianBlur(drops, (0, 0), width / 420)
    # A drop is a small lens: it shows the scene upside down; the slope of its rim bends rays.
    gx, gy = cv2.Sobel(drops, cv2.CV_32F, 1, 0), cv2.Sobel(drops, cv2.CV_32F, 0, 1)
    u, v = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    behind = cv2.GaussianBlur(image, (0, 0), width / 200)
    u, v = u + gx * width / 30, v + gy * width / 30
    bent = cv2.remap(behind, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    bent = bent * (1 - 0.12 * np.sign(gy) * np.minimum(np.abs(gy), 1))[..., None] + 0.02
    alpha = (0.85 * drops)[..., None]
    return image * (1 - alpha) + bent * alpha


def _expose(image: Array, conditions: Conditions, rng: np.random.Generator) -> Array:
    """Lens and sensor: muted colour, vignette, softness, tone curve, noise."""
    height, width = image.shape[:2]
    image = _saturate(image, 0.72)
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    vignette = 1 - 0.20 * (x**2 + y**2) / 2
    image = image * (vignette[..., None] * f32(conditions.balance) * conditions.exposure)
    image = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 0.45 * max(1.0, width / 640))
    image = image + 0.15 * (image - 0.40) * (1 - np.abs(2 * image - 1).clip(0, 1))  # contrast
    noise = rng.standard_normal((height, width, 3), np.float32)
    noise = 0.6 * noise + 0.6 * noise.sum(axis=2, keepdims=True) * np.float32(0.57)
    return _to_bytes(image + noise * conditions.noise * (0.5 + np.sqrt(np.clip(image, 0, 1))))


def _saturate(image: Array, amount: float) -> Array:
    grey = np.einsum("hwc,c->hw", image, f32([0.299, 0.587, 0.114]))
    return grey[..., None] + (image - grey[..., None]) * amount


def _to_bytes(image: Array) -> Array:
    return np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)
