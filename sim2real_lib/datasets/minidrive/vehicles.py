"""Cars, vans and trucks: lofted bodies with tapered cabins, glass, lamps, plates and wheels.

Local axes: x right, y up while building, z forward; the origin is on the ground under the middle.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from sim2real_lib.datasets.minidrive.geometry import Builder, Material, Mesh, f32, join
from sim2real_lib.datasets.minidrive.solids import (
    BLACK,
    GREY,
    WHITE,
    block,
    cabin,
    discs,
    flank,
    lamps,
    loft,
    panel,
    treads,
)

RED = (0.62, 0.05, 0.05)
LAMP = (0.92, 0.92, 0.88)
PLATE = (0.86, 0.86, 0.80)

PAINTS = {
    "Black": (0.055, 0.055, 0.065),
    "Silver": (0.62, 0.64, 0.66),
    "Grey": (0.31, 0.32, 0.34),
    "White": (0.86, 0.86, 0.85),
    "Blue": (0.08, 0.17, 0.45),
    "Red": (0.55, 0.06, 0.06),
    "Brown": (0.30, 0.19, 0.11),
    "Green": (0.07, 0.25, 0.16),
    "Yellow": (0.85, 0.62, 0.07),
}


@dataclass(frozen=True)
class Model:
    """A vehicle model: its class, its size in metres and how often each paint is seen."""

    label: str  # Car, Van or Truck
    height: float
    width: float
    length: float
    paints: tuple[str, ...]


CAR_PAINTS = ("Black", "Black", "Silver", "Silver", "Grey", "Grey", "White", "White", "Blue",
              "Blue", "Red", "Red", "Brown", "Green")  # fmt: skip
VAN_PAINTS = ("White", "White", "White", "Silver", "Grey", "Blue", "Red", "Yellow")
MODELS = {
    "Sedan4Door": Model("Car", 1.45, 1.80, 4.60, CAR_PAINTS),
    "Hatchback": Model("Car", 1.50, 1.74, 4.00, CAR_PAINTS),
    "SUV": Model("Car", 1.70, 1.88, 4.55, CAR_PAINTS),
    "PanelVan": Model("Van", 2.15, 1.98, 5.10, VAN_PAINTS),
    "Minibus": Model("Van", 2.05, 1.95, 4.95, VAN_PAINTS),
    "BoxTruck": Model("Truck", 3.35, 2.45, 7.80, ("White", "Blue", "Red", "Green", "Yellow")),
    "TipperTruck": Model("Truck", 3.05, 2.50, 7.40, ("Yellow", "Red", "Blue", "White", "Green")),
}
MODELS_OF = {
    "Car": ("Sedan4Door", "Hatchback", "SUV"),
    "Van": ("PanelVan", "Minibus"),
    "Truck": ("BoxTruck", "TipperTruck"),
}


def vehicle_mesh(model: str, paint: str, seen_from_front: bool) -> Mesh:
    """The mesh of a model in a paint, its faces in painter's order for that end of it."""
    mesh = _template(model, seen_from_front)
    colour = np.where((mesh.material == Material.PAINT)[:, None], f32(PAINTS[paint]), np.float32(1))
    return Mesh(mesh.corners, mesh.count, mesh.albedo * colour, mesh.material, mesh.two_sided)


@cache
def _template(model: str, seen_from_front: bool) -> Mesh:
    size = MODELS[model]
    if size.label == "Car":
        parts = _car(size, estate=model != "Sedan4Door")
    elif size.label == "Van":
        parts = _van(size, windows_behind=model == "Minibus")
    else:
        parts = _truck(size, box=model == "BoxTruck")
    # Layers are separated by horizontal planes below any camera; parts of one layer by a plane
    # across the vehicle, so the farther one is drawn first.
    parts = sorted(parts, key=lambda part: (part[0], part[1] * (1 if seen_from_front else -1)))
    return join([mesh for _, _, mesh in parts])


Part = tuple[int, float, Mesh]  # (layer, middle z, faces)


def _car(size: Model, estate: bool) -> list[Part]:
    half, end, top = size.width / 2, size.length / 2, size.height
    belt = 0.60 * top  # where the windows begin
    body = Builder()
    stations = [  # z, half width, bottom, top of the body
        (-end, half * 0.80, 0.36, belt * 0.86),
        (-end + 0.16, half * 0.93, 0.25, belt * 0.97),
        (-end + 1.0, half, 0.22, belt * 1.03),
        (end - 1.75, half, 0.22, belt * 1.02),
        (end - 1.05, half * 0.98, 0.22, belt * 0.95),
        (end - 0.22, half * 0.90, 0.25, belt * 0.80),
        (end, half * 0.74, 0.33, belt * 0.66),
    ]
    loft(body, stations)
    _ends(body, end, half, belt)
    upper = Builder()
    rear = (-end + 0.10, -end + 0.50) if estate else (-end + 0.55, -end + 1.35)
    front = (end - 1.12, end - 1.95)
    cabin(upper, rear, front, half * 0.92, half * 0.70, belt, top, (0.42, 0.52, 0.56, 0.92))
    wheels = ((-end * 0.60, 0.32), (end * 0.64, 0.32))
    return [
        (0, 0.0, treads(wheels, half)),
        (1, 0.0, body.mesh()),
        (2, 0.0, upper.mesh()),
        (3, 0.0, discs(wheels, half)),
    ]


def _van(size: Model, windows_behind: bool) -> list[Part]:
    half, end, top = size.width / 2, size.length / 2, size.height
    belt = 1.08
    body = Builder()
    loft(
        body,
        [
            (-end, half * 0.96, 0.34, belt),
            (-end + 0.12, half, 0.26, belt),
            (end - 1.1, half, 0.26, belt),
            (end - 0.25, half * 0.93, 0.27, belt * 0.86),
            (end, half * 0.80, 0.34, belt * 0.66),
        ],
    )
    _ends(body, end, half, belt * 0.90)
    upper = Builder()
    split = (0.10, 0.34, 0.38, 0.64, 0.68, 0.95) if windows_behind else (0.70, 0.95)
    rear, front = (-end + 0.01, -end + 0.07), (end - 0.55, end - 1.15)
    cabin(upper, rear, front, half * 0.99, half * 0.90, belt, top, split)
    wheels = ((-end * 0.60, 0.34), (end * 0.64, 0.34))
    return [
        (0, 0.0, treads(wheels, half)),
        (1, 0.0, body.mesh()),
        (2, 0.0, upper.mesh()),
        (3, 0.0, discs(wheels, half)),
    ]


def _truck(size: Model, box: bool) -> list[Part]:
    half, end, top = size.width / 2, size.length / 2, size.height
    chassis, cab, load = Builder(), Builder(), Builder()
    cab_back = end - 1.85
    block(chassis, (-end, end - 0.1), half * 0.86, (0.45, 0.88), BLACK, Material.TRIM)
    lamps(chassis, -end, half * 0.80, 0.70, RED, Material.TAILLAMP)
    panel(chassis, -end - 0.01, 0.26, (0.50, 0.62), PLATE, Material.TRIM)
    cab_top = min(2.75, top)
    block(cab, (cab_back, end), half * 0.98, (0.50, 1.45), WHITE, Material.PAINT)
    panel(cab, end + 0.01, half * 0.72, (0.85, 1.22), BLACK, Material.TRIM)
    panel(cab, end + 0.01, half * 0.98, (0.42, 0.66), BLACK, Material.TRIM)
    lamps(cab, end, half * 0.80, 0.78, LAMP, Material.HEADLAMP)
    panel(cab, end + 0.02, 0.26, (0.48, 0.60), PLATE, Material.TRIM)
    cabin(
        cab, (cab_back, cab_back + 0.05), (end, end - 0.28), half * 0.98, half * 0.92, 1.45,
        cab_top, (0.42, 0.92), rear_glass=False,
    )  # fmt: skip
    back = (-end, cab_back - 0.18)
    if box:
        block(load, back, half, (0.88, top), (0.80, 0.80, 0.78), Material.TRIM)
        panel(load, -end - 0.01, half * 0.92, (0.98, top - 0.12), (0.66, 0.66, 0.65), Material.TRIM)
        panel(load, -end - 0.02, 0.03, (0.98, top - 0.12), GREY, Material.TRIM)
        stripe = ((1.25, 1.62), (back[0] + 0.5, back[1] - 0.5))
        flank(load, half + 0.01, stripe, WHITE, Material.PAINT)
    else:
        block(load, back, half, (0.92, top * 0.78), WHITE, Material.PAINT)
        block(load, (back[0] + 0.2, back[1] - 0.2), half * 0.82, (top * 0.78, top * 0.84),
               (0.36, 0.29, 0.22), Material.TRIM)  # fmt: skip
        for z in np.linspace(back[0] + 0.6, back[1] - 0.6, 5):
            flank(load, half + 0.02, ((0.95, top * 0.76), (z - 0.07, z + 0.07)), GREY,
                   Material.TRIM)  # fmt: skip
        panel(load, -end - 0.01, half * 0.90, (1.0, top * 0.72), (0.5, 0.5, 0.5), Material.PAINT)
    wheels = ((-end * 0.68, 0.48), (-end * 0.36, 0.48), (end * 0.70, 0.48))
    return [
        (0, 0.0, treads(wheels, half)),
        (1, 0.0, chassis.mesh()),
        (2, (back[0] + back[1]) / 2, load.mesh()),
        (2, (cab_back + end) / 2, cab.mesh()),
        (3, 0.0, discs(wheels, half)),
    ]


def _ends(builder: Builder, end: float, half: float, belt: float) -> None:
    """Bumpers, lamps, grille and plates on both ends of a body."""
    for z, sign in ((-end, -1), (end, 1)):
        panel(builder, z + 0.01 * sign, half * 0.76, (0.30, 0.44), BLACK, Material.TRIM)
        panel(builder, z + 0.02 * sign, 0.26, (0.46, 0.58), PLATE, Material.TRIM)
    panel(builder, end + 0.012, half * 0.42, (belt * 0.55, belt * 0.64), BLACK, Material.TRIM)
    lamps(builder, -end, half * 0.64, belt * 0.76, RED, Material.TAILLAMP)
    lamps(builder, end, half * 0.60, belt * 0.60, LAMP, Material.HEADLAMP)
    side = ((0.30, 0.40), (-end * 0.42, end * 0.42))
    flank(builder, half + 0.005, side, BLACK, Material.TRIM)
