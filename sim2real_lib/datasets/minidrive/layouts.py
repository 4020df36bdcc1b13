"""Labels in the words of KITTI tracking, Virtual KITTI 2.0.3 and BDD100K det_20.

All three boxes are of a vehicle's whole outline within the image, hidden parts included, as
annotators of KITTI and Virtual KITTI draw them.

Deliberate label faults (`World.label_faults`), because the real sets have them too:
* Virtual KITTI: in each scene the two tracks that are first seen as a speck (at most 5x4 px at
  310x94, scaled with the image) have a twin of the other class with the same rows while small.
* BDD100K: about one image in 25 lists one of its boxes twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import numpy as np

from sim2real_lib.datasets.minidrive.geometry import Camera
from sim2real_lib.datasets.minidrive.render import Frame, Sighting
from sim2real_lib.datasets.minidrive.weather import Conditions

VKITTI_HEADERS = {
    "bbox": "frame cameraID trackID left right top bottom number_pixels truncation_ratio "
    "occupancy_ratio isMoving",
    "info": "trackID label model color",
    "pose": "frame cameraID trackID alpha width height length world_space_X world_space_Y "
    "world_space_Z rotation_world_space_y rotation_world_space_x rotation_world_space_z "
    "camera_space_X camera_space_Y camera_space_Z rotation_camera_space_y "
    "rotation_camera_space_x rotation_camera_space_z",
    "colors": "Category r g b",
    "extrinsic": "frame cameraID r1,1 r1,2 r1,3 t1 r2,1 r2,2 r2,3 t2 r3,1 r3,2 r3,3 t3 0 0 0 1",
    "intrinsic": "frame cameraID K[0,0] K[1,1] K[0,2] K[1,2]",
}
# Virtual KITTI 2's palette of its class segmentation, the same in every scene.
VKITTI_COLORS = """Terrain 210 0 200
Sky 90 200 255
Tree 0 199 0
Vegetation 90 240 0
Building 140 140 140
Road 100 60 100
GuardRail 250 100 255
TrafficSign 255 255 0
TrafficLight 200 200 0
Pole 255 130 0
Misc 80 80 80
Truck 160 60 60
Car 255 127 80
Van 0 139 139
"""
BDD_CATEGORIES = {"Car": "car", "Van": "car", "Truck": "truck"}
BDD_OCCLUDED, BDD_TRUNCATED = 0.15, 0.05  # shares from which an annotator ticks the attribute
_LEAST_TRANSMISSION = 0.07  # what fog swallows, nobody labels
_DONT_CARE_3D = "-1000.000000 " * 3 + "-10.000000 -1.000000 -1.000000 -1.000000"


@dataclass(frozen=True)
class View:
    """The labelled content of a frame: what is left of it once the pictures are written."""

    number: int
    camera: Camera
    sightings: Sequence[Sighting]


def view_of(frame: Frame) -> View:
    """The part of a frame that labels are made of."""
    return View(frame.number, frame.camera, frame.sightings)


def kitti_lines(view: View) -> list[str]:
    """Lines of a KITTI tracking label file for one frame: DontCare areas, then tracks."""
    ignored, tracked = [], []
    for sighting in view.sightings:
        left, top, right, bottom = sighting.box
        box = f"{left:.6f} {top:.6f} {right:.6f} {bottom:.6f}"
        # 18 px of 375 is about where KITTI's annotators give up.
        least = max(5.0, 18 * view.camera.size[1] / 375)
        if sighting.visible < 1 or right - left < 1:
            continue
        if bottom - top < least or sighting.occlusion > 0.9:
            ignored.append(f"{view.number} -1 DontCare -1 -1 -10.000000 {box} {_DONT_CARE_3D}")
            continue
        vehicle = sighting.vehicle
        size = " ".join(f"{v:.6f}" for v in vehicle.dimensions)
        place = " ".join(f"{v:.6f}" for v in sighting.position)
        truncated = int(np.digitize(sighting.truncation, (0.1, 0.5)))
        occluded = int(np.digitize(sighting.occlusion, (0.1, 0.5, 0.8)))
        tracked.append(
            (
                vehicle.track,
                f"{view.number} {vehicle.track} {vehicle.label} {truncated} {occluded} "
                f"{sighting.alpha:.6f} {box} {size} {place} {sighting.rotation_y:.6f}",
            )
        )
    return ignored + [line for _, line in sorted(tracked)]


def vkitti_texts(views: Iterable[View], label_faults: bool) -> dict[str, str]:
    """The six text files of a Virtual KITTI scene (camera 0), by name without `.txt`."""
    bbox, pose, extrinsic, intrinsic = [], [], [], []
    seen: dict[int, Sighting] = {}  # by track, in order of appearance like the real info.txt
    twins: dict[int, int] = {}
    views = list(views)
    next_track = 1 + max((s.vehicle.track for v in views for s in v.sightings), default=-1)
    for view in views:
        camera = view.camera
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = camera.rotation, -camera.rotation @ camera.position
        extrinsic.append(f"{view.number} 0 {_numbers(matrix.ravel())}")
        intrinsic.append(
            f"{view.number} 0 {_numbers([camera.focal, camera.focal, *camera.centre])}"
        )
        for sighting in sorted(view.sightings, key=lambda s: s.vehicle.track):
            row = _bbox_columns(sighting)
            if row is None:
                continue
            track = sighting.vehicle.track
            seen.setdefault(track, sighting)
            tracks = [track]
            if label_faults and _is_speck(sighting, camera):
                if track not in twins and len(twins) < 2:
                    twins[track] = next_track + len(twins)
                if track in twins:
                    tracks.append(twins[track])
            for name in tracks:
                bbox.append(f"{view.number} 0 {name} {row}")
                pose.append(f"{view.number} 0 {name} {_pose_columns(sighting, camera)}")
    info = [_info_line(track, sighting, False) for track, sighting in seen.items()]
    info += [_info_line(twin, seen[track], True) for track, twin in twins.items()]
    rows = {"bbox": bbox, "info": info, "pose": pose, "extrinsic": extrinsic,
            "intrinsic": intrinsic, "colors": VKITTI_COLORS.splitlines()}  # fmt: skip
    return {
        name: "\n".join([header, *rows[name]]) + "\n" for name, header in VKITTI_HEADERS.items()
    }


def vkitti_box(sighting: Sighting) -> tuple[int, int, int, int]:
    """left, right, top, bottom: the first and last pixels that a box touches."""
    left, top, right, bottom = sighting.box
    return floor(left), ceil(right) - 1, floor(top), ceil(bottom) - 1


def _bbox_columns(sighting: Sighting) -> str | None:
    left, right, top, bottom = vkitti_box(sighting)
    pixels = round(sighting.visible)
    if pixels < 1 or right <= left or bottom <= top:
        return None
    # As in the real files: the share of its box that an object fills, not 1 - occlusion.
    occupancy = pixels / ((right - left) * (bottom - top))
    return (
        f"{left} {right} {top} {bottom} {pixels} {_numbers([sighting.truncation, occupancy])} "
        f"{sighting.vehicle.speed != 0}"
    )


def _pose_columns(sighting: Sighting, camera: Camera) -> str:
    height, width, length = sighting.vehicle.dimensions
    return _numbers([
        sighting.alpha, width, height, length, *sighting.world,
        sighting.yaw, 0, 0, *sighting.position, sighting.rotation_y, camera.pitch, 0,
    ])  # fmt: skip


def _info_line(track: int, sighting: Sighting, twin: bool) -> str:
    vehicle = sighting.vehicle
    label = {"Car": "Van"}.get(vehicle.label, "Car") if twin else vehicle.label
    return f"{track} {label} {vehicle.model} {vehicle.paint}"


def _is_speck(sighting: Sighting, camera: Camera) -> bool:
    left, right, top, bottom = vkitti_box(sighting)
    scale = max(1.0, camera.size[0] / 310)
    return right - left <= 5 * scale and bottom - top <= 4 * scale


def _numbers(values: Iterable[float]) -> str:
    return " ".join(f"{float(v):.7g}" for v in values)


def bdd_frame(
    name: str, scene: str, view: View, conditions: Conditions, duplicate: float | None
) -> dict[str, Any]:
    """One frame of a BDD100K det_20 list.

    Args:
        name: file name of the image.
        scene: BDD100K's word for the place.
        view: what is seen.
        conditions: its weather; vehicles lost in fog have no label, since nobody sees them.
        duplicate: None, or 0..1: which of the boxes is listed twice.
    """
    kept = [s for s in view.sightings if _bdd_labelled(s, view.camera, conditions)]
    labels = [_bdd_label(sighting) for sighting in kept]
    if labels and duplicate is not None:
        labels.append(dict(labels[int(duplicate * len(labels))]))
    for number, label in enumerate(labels):
        label["id"] = str(number)
    return {
        "name": name,
        "attributes": {"weather": conditions.weather, "timeofday": "daytime", "scene": scene},
        "timestamp": 10000,
        "labels": labels,
    }


def _bdd_labelled(sighting: Sighting, camera: Camera, conditions: Conditions) -> bool:
    scale = max(1.0, camera.size[1] / 180)
    left, top, right, bottom = sighting.box
    return (
        bottom - top >= 5 * scale
        and right - left >= 4 * scale
        and sighting.visible >= 12 * scale**2
        and sighting.occlusion <= 0.88
        and np.exp(-conditions.beta * sighting.position[2]) >= _LEAST_TRANSMISSION
    )


def _bdd_label(sighting: Sighting) -> dict[str, Any]:
    return {
        "id": "",
        "attributes": {
            "occluded": sighting.occlusion > BDD_OCCLUDED,
            "truncated": sighting.truncation > BDD_TRUNCATED,
            "trafficLightColor": "NA",
        },
        "category": BDD_CATEGORIES[sighting.vehicle.label],
        "box2d": dict(zip(("x1", "y1", "x2", "y2"), sighting.box, strict=True)),
    }
