"""Who drives where: sequences for KITTI and Virtual KITTI, single frames for BDD100K."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from sim2real_lib.datasets.minidrive.geometry import Array, Camera, Mesh
from sim2real_lib.datasets.minidrive.street import (
    LANE,
    PARKING,
    Fixture,
    Street,
    build_backdrop,
    build_fixtures,
)
from sim2real_lib.datasets.minidrive.vehicles import MODELS, MODELS_OF
from sim2real_lib.datasets.minidrive.world import BDD_SPLITS, BDD_WEATHERS, World

SIGHT = 130.0  # metres; nothing that moves is drawn beyond


@dataclass(frozen=True)
class Vehicle:
    """A vehicle and its trajectory along the street.

    Args:
        track: identity within its scene.
        model: key of `vehicles.MODELS`; decides the class.
        paint: key of `vehicles.PAINTS`.
        scale: (3,) width, height and length relative to the model.
        x: lateral offset from the street's centre line, metres.
        s: distance along the street in frame 0, metres.
        speed: metres a frame along the street; 0 for parked ones.
        forward: does it face the way the camera drives?
        sway: amplitude of the slow ebb and flow in its lane, metres.
    """

    track: int
    model: str
    paint: str
    scale: Array
    x: float
    s: float
    speed: float
    forward: bool
    sway: float = 0.0

    @property
    def label(self) -> str:
        """Car, Van or Truck."""
        return MODELS[self.model].label

    @property
    def dimensions(self) -> tuple[float, float, float]:
        """Height, width and length in metres (KITTI's order)."""
        model = MODELS[self.model]
        w, h, length = self.scale
        return model.height * float(h), model.width * float(w), model.length * float(length)

    def distance(self, frame: int) -> float:
        """Position along the street in a frame."""
        return self.s + self.speed * frame + self.sway * float(np.sin(frame / 14 + self.x))


@dataclass(frozen=True)
class Scene:
    """A street with everything on it, and a camera for each frame."""

    street: Street
    backdrop: Mesh
    fixtures: list[Fixture]
    vehicles: list[Vehicle]
    cameras: list[Camera]
    sun_azimuth: float  # radians from straight ahead, positive to the right


def random_for(*key: int) -> np.random.Generator:
    """The generator of one thing in the world; keys, unlike `hash`, are the same everywhere."""
    return np.random.default_rng(np.random.SeedSequence(key))


def sequence(world: World, name: str) -> Scene:
    """The scene of a KITTI sequence, the same for Virtual KITTI's clone of it."""
    rng = random_for(world.seed, 1, int(name))
    kind = ("city street", "residential", "city street")[int(rng.integers(3))]
    street = Street(
        kind=kind,
        lanes=2 if kind == "city street" and rng.random() < 0.5 else 1,
        parking=True,
        bend=rng.uniform(0, 5),
        wavelength=rng.uniform(180, 320),
        phase=rng.uniform(0, 2 * np.pi),
        storeys=(2, 5) if kind == "city street" else (1, 2),
        greenery=rng.uniform(0.25, 0.5),
    )
    step = rng.uniform(0.9, 1.5)  # metres a frame
    travelled = step * world.frames_per_scene
    width, height = world.kitti_size
    lane = LANE / 2 + rng.uniform(-0.2, 0.2)
    cameras = []
    for frame in range(world.frames_per_scene):
        s = step * frame
        x = lane + 0.15 * np.sin(frame / 17)
        cameras.append(
            Camera(
                size=(width, height),
                # Virtual KITTI 2: f = 725.0087, centre (620.5, 187) at 1242x375.
                focal=725.0087 * width / 1242,
                centre=(620.5 * width / 1242, 187.0 * height / 375),
                position=np.array([x + float(street.centre(s)), -1.65, s]),
                yaw=street.heading(s) + 0.02 * float(np.sin(frame / 23)),
                pitch=0.006 * float(np.sin(frame / 5)),
            )
        )
    plan = _Traffic(rng, count())
    vehicles = [
        *plan.parked(street, travelled + SIGHT, rng.uniform(0.45, 0.8)),
        *plan.lane(LANE / 2, 14, travelled * 0.3 + SIGHT, step, True, rng.uniform(18, 35), 3.0),
        *plan.lane(-LANE / 2, 10, travelled * 2.3 + SIGHT, -step * rng.uniform(0.9, 1.3), False,
                   rng.uniform(18, 40), 0.0),
    ]  # fmt: skip
    if street.lanes > 1:
        vehicles += plan.lane(1.5 * LANE, 8, travelled + SIGHT, step * 0.8, True, 26, 0.0)
        vehicles += plan.lane(-1.5 * LANE, 8, travelled * 2 + SIGHT, -step * 0.8, False, 30, 0.0)
    end = travelled + 260
    return Scene(
        street, build_backdrop(street, -12, end, rng), build_fixtures(street, -5, end, rng),
        vehicles, cameras, rng.uniform(-2.6, 2.6),
    )  # fmt: skip


def single(world: World, split: str, weather: str, index: int) -> Scene:
    """The scene of one BDD100K image: its own street, camera and traffic."""
    key = (BDD_SPLITS.index(split), BDD_WEATHERS.index(weather), index)
    rng = random_for(world.seed, 2, *key)
    # Light, moderate and heavy traffic, in every weather alike: the benchmark slices by it.
    density = int(rng.choice(3, p=[0.35, 0.25, 0.40]))
    heavy = density == 2
    kinds, shares = ("city street", "residential", "highway"), (0.55, 0.25, 0.20)
    kind = str(rng.choice(kinds, p=(0.85, 0.0, 0.15) if heavy else shares))
    lanes = {"city street": int(rng.integers(2 if heavy else 1, 4)), "residential": 1}.get(kind, 3)
    street = Street(
        kind=kind,
        lanes=lanes,
        parking=kind != "highway",
        bend=rng.uniform(0, 7),
        wavelength=rng.uniform(200, 420),
        phase=rng.uniform(0, 2 * np.pi),
        storeys={"city street": (3, 8), "residential": (1, 3), "highway": (0, 0)}[kind],
        greenery={"city street": 0.2, "residential": 0.5, "highway": 0.5}[kind],
    )
    width, height = world.bdd_size
    x = LANE * (int(rng.integers(lanes)) + 0.5) + rng.uniform(-0.3, 0.3)
    camera = Camera(
        size=(width, height),
        focal=width * rng.uniform(0.78, 1.0),
        centre=(width / 2, height * rng.uniform(0.46, 0.52)),
        position=np.array([x + float(street.centre(0.0)), -rng.uniform(1.2, 1.6), 0.0]),
        yaw=street.heading(0.0) + rng.uniform(-0.05, 0.05),
        pitch=rng.uniform(-0.03, 0.03),
    )
    plan = _Traffic(rng, count())
    filled, gap = (
        (rng.uniform(0.0, 0.25), rng.uniform(32, 60)),
        (rng.uniform(0.35, 0.6), rng.uniform(16, 26)),
        (rng.uniform(0.85, 0.97), rng.uniform(7.5, 10)),
    )[density]
    vehicles = plan.parked(street, 110, filled)
    for i in range(lanes):
        for side in (1, -1):
            centre = side * (i + 0.5) * LANE
            begin = 11.0 if abs(centre - x) < 2 else 5.0
            vehicles += plan.lane(centre, begin, 110, 0.05 if heavy else float(side), side > 0,
                                  gap, 0.0)  # fmt: skip
    return Scene(
        street, build_backdrop(street, -12, 260, rng), build_fixtures(street, 3, 150, rng),
        vehicles, [camera], rng.uniform(-np.pi, np.pi),
    )  # fmt: skip


class _Traffic:
    """Deals out vehicles with fresh track ids."""

    def __init__(self, rng: np.random.Generator, tracks: Iterator[int]) -> None:
        self._rng, self._tracks = rng, tracks
        self._moving, self._standing = self._deck(11, 3, 2), self._deck(18, 5, 1)

    def _deck(self, cars: int, vans: int, trucks: int) -> Iterator[str]:
        """Classes in this ratio, dealt from a shuffled deck: so no scene is without one of them."""
        cards = ["Car"] * cars + ["Van"] * vans + ["Truck"] * trucks
        while True:
            yield from (cards[i] for i in self._rng.permutation(len(cards)))

    def _vehicle(
        self, label: str, x: float, s: float, speed: float, forward: bool, sway: float
    ) -> Vehicle:
        rng = self._rng
        model = MODELS_OF[label][int(rng.integers(len(MODELS_OF[label])))]
        paints = MODELS[model].paints
        paint = paints[int(rng.integers(len(paints)))]
        scale = rng.uniform(0.95, 1.06, 3)
        x += rng.normal(0, 0.12)
        return Vehicle(next(self._tracks), model, paint, scale, x, s, speed, forward, sway)

    def parked(self, street: Street, end: float, filled: float) -> list[Vehicle]:
        """Rows along both kerbs; `filled` is the share of bays that are taken."""
        if not street.parking:
            return []
        found = []
        for side in (1, -1):
            share = float(np.clip(filled * self._rng.uniform(0.6, 1.3), 0, 0.97))
            x = side * (street.half_width - PARKING / 2)
            s = self._rng.uniform(2, 6)
            while s < end:
                if self._rng.random() < share:
                    faces_on = side > 0 or self._rng.random() < 0.15
                    vehicle = self._vehicle(next(self._standing), x, s, 0.0, faces_on, 0.0)
                    extra = max(0.0, vehicle.dimensions[2] - 4.5)
                    found.append(replace(vehicle, s=vehicle.s + extra / 2))
                    s += extra
                s += self._rng.uniform(5.6, 6.6)
        return found

    def lane(
        self, x: float, begin: float, end: float, speed: float, forward: bool, gap: float,
        sway: float,
    ) -> list[Vehicle]:  # fmt: skip
        """Moving traffic of one lane; `gap` is the mean distance from nose to nose, metres.

        All have the lane's speed, so nobody ever runs into anybody.
        """
        found = []
        s = begin + self._rng.exponential(gap * 0.5)
        while s < end:
            vehicle = self._vehicle(next(self._moving), x, s, speed, forward, sway)
            length = vehicle.dimensions[2]
            found.append(replace(vehicle, s=vehicle.s + length / 2))
            s += length + 1.5 + self._rng.gamma(2.0, max(0.5, (gap - 6.0) / 2))
        return found
