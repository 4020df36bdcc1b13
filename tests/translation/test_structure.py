"""Weather leaves a box's agreement high, damage takes it away; small boxes are not believed."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sim2real_lib.catalog.tables import Catalog, concat
from sim2real_lib.datasets import minidrive, vkitti2
from sim2real_lib.errors import InputError
from sim2real_lib.images import RGB, read_rgb, write_rgb
from sim2real_lib.translation import structure
from sim2real_lib.translation import structure_trials as trials

HONEST, DAMAGED = list(trials.weather), list(trials.damage)


@pytest.fixture(scope="module")
def drives(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """A few frames of MiniDrive's Virtual KITTI in all its weathers."""
    root = tmp_path_factory.mktemp("minidrive")
    world = minidrive.World(
        seed=5, scenes=("0018",), frames_per_scene=5,
        bdd_train_per_weather=1, bdd_val_per_weather=1,
    )  # fmt: skip
    minidrive.write(root, world, workers=1, progress=False)
    return vkitti2.read(root / "vkitti2")


@pytest.fixture(scope="module")
def clones(drives: Catalog) -> Catalog:
    return drives.where(drives.frames["variant"] == "clone")


@pytest.fixture(scope="module")
def tried(clones: Catalog) -> pd.DataFrame:
    return trials.references(clones, progress=False)


def translated(originals: Catalog, variant: str, images: list[str]) -> Catalog:
    frames = originals.frames.assign(
        frame_id=variant + "/" + originals.frames["frame_id"], variant=variant, image=images
    )
    boxes = originals.boxes.assign(frame_id=variant + "/" + originals.boxes["frame_id"])
    return Catalog(frames, boxes)


@lru_cache
def scene(seed: int = 0, width: int = 160, height: int = 90) -> RGB:
    """Blocks of all sizes and shades, as a street seen from far."""
    rng = np.random.default_rng(seed)
    image = np.full((height, width, 3), 120, np.uint8)
    for _ in range(120):
        left, top = rng.integers(0, (width, height))
        right, bottom = np.array([left, top]) + rng.integers(3, 30, 2)
        image[top:bottom, left:right] = rng.integers(20, 235, 3)
    return image


def box(left: float, top: float, side: float) -> np.ndarray:
    return np.array([[left, top, left + side, top + side]])


def of(before: RGB, after: RGB, *boxes: np.ndarray) -> np.ndarray:
    return structure.agreements(before, after, np.concatenate(boxes))


boxes_inside = st.builds(box, st.floats(0, 110), st.floats(0, 50), st.floats(3, 40))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 20), boxes_inside)
def test_an_unchanged_box_agrees_fully(seed: int, own: np.ndarray) -> None:
    (score,) = of(scene(seed), scene(seed), own)
    assert np.isnan(score) or score == pytest.approx(1, abs=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 20), boxes_inside, st.floats(0.3, 0.7), st.integers(0, 70))
def test_neither_dimming_nor_a_veil_of_light_changes_it(
    seed: int, own: np.ndarray, contrast: float, veil: int
) -> None:
    left, top, right, bottom = own.astype(int)[0]
    grey = cv2.cvtColor(scene(seed), cv2.COLOR_RGB2GRAY)
    assume(grey[top:bottom, left:right].std() > 20)
    after = (scene(seed) * contrast + veil).round().astype(np.uint8)
    assert of(scene(seed), after, own) > 0.95


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 20), st.integers(21, 40), boxes_inside)
def test_it_is_a_number_from_minus_one_to_one_or_none(
    seed: int, other: int, own: np.ndarray
) -> None:
    (score,) = of(scene(seed), scene(other), own)
    assert np.isnan(score) or abs(score) <= 1.0001


def test_unrelated_boxes_scatter_around_nothing_the_less_the_larger_they_are() -> None:
    rng = np.random.default_rng(0)
    spreads = []
    for side in (8, 32):
        places = [box(*rng.integers(0, (120, 50)), side) for _ in range(30)]
        scores = np.concatenate([of(scene(n), scene(n + 100), *places) for n in range(6)])
        assert abs(np.nanmean(scores)) < 0.05
        spreads.append(np.nanstd(scores))
    assert spreads[1] < 0.12 < spreads[0] < 0.3


def test_light_and_dark_exchanged_is_the_opposite() -> None:
    assert of(scene(), 255 - scene(), box(20, 20, 40)) == pytest.approx(-1, abs=1e-3)


def test_what_had_no_structure_is_not_judged_and_what_lost_all_has_none() -> None:
    flat = np.full_like(scene(), 90)
    assert np.isnan(of(flat, scene(), box(20, 20, 40))).all()
    assert of(scene(), flat, box(20, 20, 40)) == [0]


def test_a_box_does_not_see_what_happens_elsewhere() -> None:
    before, after = scene(), scene().copy()
    after[:, 90:] = 255 - after[:, 90:]
    assert of(before, after, box(10, 10, 40)) == pytest.approx(1, abs=1e-4)


def test_a_margin_looks_at_the_surroundings_too() -> None:
    before, after = scene(), scene().copy()
    after[:, 52:] = 0
    own = box(10, 10, 40)
    assert structure.agreements(before, after, own, 0.0) > 0.99
    assert structure.agreements(before, after, own, 0.5) < 0.9


def test_a_large_object_may_move_by_a_share_of_what_a_small_one_may() -> None:
    small = scene(3, 160, 90)
    large = cv2.resize(small, (1280, 720), interpolation=cv2.INTER_CUBIC)
    moved = [np.roll(image, 2, axis=1) for image in (small, large)]
    assert of(small, moved[0], box(40, 20, 32)) < 0.7
    assert of(large, moved[1], box(320, 160, 256)) > 0.9


def test_one_lamp_does_not_decide_for_the_whole_box() -> None:
    before, after = scene(), scene() // 3
    after[40:43, 40:43] = 255
    assert of(before, after, box(20, 20, 40)) > 0.8


def test_renderings_of_the_same_place_in_other_weather_keep_their_boxes(drives: Catalog) -> None:
    clones = drives.where(drives.frames["variant"] == "clone")
    others = []
    for variant in ("fog", "rain", "overcast", "morning", "sunset"):
        own = drives.frames[drives.frames["variant"] == variant]
        others.append(translated(clones, variant, list(own["image"])))
    table = structure.agreement(clones, concat(others), progress=False)
    large = table[structure.side_of(table) >= structure.TRUSTED]
    assert set(large["variant"]) == {"fog", "rain", "overcast", "morning", "sunset"}
    assert (large["agreement"] < structure.THRESHOLD).mean() < 0.03


@pytest.mark.parametrize("change", HONEST)
def test_honest_weather_is_told_from_damage(tried: pd.DataFrame, change: str) -> None:
    row = trials.validate(tried).loc[change]
    assert row["auc"] > 0.96
    assert row["below"] < 0.15
    assert not row["damaged"]


@pytest.mark.parametrize(
    ("change", "caught"),
    [
        ("painted over", 0.99), ("shifted 8 px", 0.95), ("replaced", 0.85),
        ("blurred away", 0.85), ("mirrored", 0.6),
    ],
)  # fmt: skip
def test_damage_is_told_from_honest_weather(
    tried: pd.DataFrame, change: str, caught: float
) -> None:
    row = trials.validate(tried).loc[change]
    assert row["auc"] > 0.96
    assert row["below"] >= caught
    assert row["damaged"]


def test_small_boxes_are_told_apart_less_surely(tried: pd.DataFrame) -> None:
    table = trials.validate(tried)
    assert 0.7 < table.loc["fog", "auc_small"] < table.loc["fog", "auc"]


def test_every_change_is_tried_on_every_box_and_the_same_for_a_seed(
    clones: Catalog, tried: pd.DataFrame
) -> None:
    wanted = (~clones.boxes["ignore"]).sum()
    assert (tried.groupby("variant").size() == wanted).all()
    assert sorted(tried["variant"].unique()) == sorted(HONEST + DAMAGED)
    one = clones.where(clones.frames.index == 0)
    again = trials.references(one, progress=False)
    pd.testing.assert_frame_equal(again, trials.references(one, progress=False))


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Catalog, Catalog]:
    """Two frames; the first has a car, an ignored area and a van, the second nothing."""
    paths = [tmp_path / f"{n}.png" for n in range(2)]
    for n, path in enumerate(paths):
        write_rgb(path, scene(n))
    frames = pd.DataFrame(
        {
            "frame_id": ["drive/clone/0", "drive/clone/1"], "source": "vkitti2", "split": "train",
            "sequence": "0001", "index": [0, 1], "variant": "clone",
            "image": [str(path) for path in paths], "width": 160, "height": 90,
            "weather": "clear", "timeofday": "daytime", "scene": "undefined",
        }
    )  # fmt: skip
    boxes = pd.DataFrame(
        {
            "frame_id": "drive/clone/0", "class": ["car", "ignored", "van"],
            "left": [10.0, 0.0, 70.5], "top": 10.0, "right": [50.0, 9.0, 110.25], "bottom": 50.0,
            "occluded": None, "occlusion": None, "truncated": None, "visible_pixels": None,
            "ignore": [False, True, False], "raw_class": ["Car", "DontCare", "Van"],
        }
    )  # fmt: skip
    originals = Catalog(frames, boxes)
    write_rgb(tmp_path / "broken.png", np.hstack([scene(0)[:, :60], scene(9)[:, 60:]]))
    images = [str(tmp_path / "broken.png"), str(paths[1])]
    other = translated(originals, "nst-fog", [str(path) for path in paths])
    return originals, concat([translated(originals, "cyclegan-fog", images), other])


def test_a_row_a_box_to_be_detected_with_its_number_in_its_frame(
    pair: tuple[Catalog, Catalog],
) -> None:
    table = structure.agreement(*pair, progress=False)
    assert list(table.columns) == structure.COLUMNS
    assert table["frame_id"].tolist() == ["drive/clone/0"] * 4
    assert table["variant"].tolist() == ["cyclegan-fog"] * 2 + ["nst-fog"] * 2
    assert table["box"].tolist() == [0, 2] * 2
    assert table["class"].tolist() == ["car", "van"] * 2
    assert table[structure.SIDES].to_numpy()[1].tolist() == [70.5, 10, 110.25, 50]


def test_the_object_that_was_replaced_is_the_one_that_disagrees(
    pair: tuple[Catalog, Catalog],
) -> None:
    car, van, *others = structure.agreement(*pair, progress=False)["agreement"]
    assert car == pytest.approx(1, abs=1e-4)
    assert van < 0.3
    assert others == pytest.approx([1, 1], abs=1e-4)


def test_several_processes_find_what_one_finds(pair: tuple[Catalog, Catalog]) -> None:
    originals, new = pair
    images = list(new.frames["image"][:2])
    many = concat([translated(originals, f"t-{n}", images) for n in range(5)])
    tables = [
        structure.agreement(originals, many, workers=workers, progress=False) for workers in (1, 2)
    ]
    pd.testing.assert_frame_equal(*tables)


def test_a_frame_is_scored_by_its_large_boxes_and_an_empty_one_is_fine(
    pair: tuple[Catalog, Catalog],
) -> None:
    originals, new = pair
    scores = structure.frame_scores(structure.agreement(originals, new, progress=False), new.frames)
    assert list(scores.index) == list(new.frames["frame_id"])
    assert scores["boxes"].tolist() == [2, 0, 2, 0]
    assert scores["score"].iloc[1:].tolist() == pytest.approx([1, 1, 1], abs=1e-4)
    assert 0.4 < scores["score"].iloc[0] < 0.7
    assert scores["worst"].iloc[0] < 0.3
    assert scores["worst"].isna().tolist() == [False, True, False, True]


def test_a_dozen_far_boxes_do_not_outvote_a_near_one() -> None:
    sides = [40.0] + [5.0] * 12
    table = pd.DataFrame(
        {
            "frame_id": "f", "variant": "v", "agreement": [0.9] + [0.0] * 12,
            "left": 0.0, "top": 0.0, "right": sides, "bottom": sides,
        }
    )  # fmt: skip
    scores = structure.frame_scores(table, pd.DataFrame({"frame_id": ["v/f"], "variant": "v"}))
    assert scores.loc["v/f", "score"] > 0.65
    assert scores.loc["v/f", "worst"] == 0.9, "a tiny box was believed"


def test_a_frame_without_its_original_is_refused(pair: tuple[Catalog, Catalog]) -> None:
    originals, new = pair
    with pytest.raises(InputError, match=r"'drive/clone/0'.*translated from"):
        structure.agreement(originals.where(originals.frames["index"] == 1), new)


def test_a_translation_of_another_size_is_refused(pair: tuple[Catalog, Catalog]) -> None:
    originals, new = pair
    path = Path(new.frames["image"].iloc[0])
    write_rgb(path, read_rgb(path)[:80])
    with pytest.raises(InputError, match=r"160x80 pixels.*160x90"):
        structure.agreement(originals, new, progress=False)


def test_nothing_to_compare_is_an_empty_table(pair: tuple[Catalog, Catalog]) -> None:
    originals, new = pair
    none = new.where(new.frames["index"] > 5)
    table = structure.agreement(originals, none, progress=False)
    assert table.empty
    assert list(table.columns) == structure.COLUMNS
    assert structure.frame_scores(table, none.frames).empty
    assert trials.references(none, progress=False).empty
