"""Two arms differ in nothing but their images: trained, and not only looked at."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from toy import CLASSES

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.detection import train, trainer, tree
from sim2real_lib.detection.compose import compose
from sim2real_lib.images import read_rgb, write_rgb

RECIPE = {"image_size": 64, "iterations": 8, "batch": 4, "device": "cpu", "threads": 1}


def renamed(streets: Catalog, folder: Path, *, darker: int) -> Catalog:
    """The catalog with "nst-fog" frames: its fog frames' pictures, divided by `darker`."""
    fog = streets.frames[streets.frames["variant"] == "fog"]
    ids = "nst-fog/" + fog["frame_id"]
    paths = [folder / f"{n}.png" for n in range(len(fog))]
    for old, new in zip(fog["image"], paths, strict=True):
        write_rgb(new, read_rgb(old) // darker)
    made = fog.assign(frame_id=ids, variant="nst-fog", weather="rainy", image=list(map(str, paths)))
    boxes = streets.boxes[streets.boxes["frame_id"].isin(fog["frame_id"])]
    boxes = boxes.assign(frame_id="nst-fog/" + boxes["frame_id"])
    return Catalog(pd.concat([streets.frames, made]), pd.concat([streets.boxes, boxes]))


def trained(arm: Catalog, folder: Path) -> dict[str, torch.Tensor]:
    weights = train.train(tree.write_tree(arm, folder / "tree", CLASSES), folder, **RECIPE)
    return torch.load(weights, weights_only=False)["model"].state_dict()


def test_arms_of_equal_pictures_end_with_equal_weights_to_the_last_bit(
    streets: Catalog, tmp_path: Path
) -> None:
    data = renamed(streets, tmp_path / "made", darker=1)
    # A PNG of the fog frames' decoded pixels for the baseline, too: equal pictures, other files.
    fog = data.frames["variant"] == "fog"
    copies = [tmp_path / "same" / f"{number}.png" for number in range(fog.sum())]
    for old, new in zip(data.frames.loc[fog, "image"], copies, strict=True):
        write_rgb(new, read_rgb(old))
    frames = data.frames.copy()
    frames.loc[fog, "image"] = list(map(str, copies))
    data = Catalog(frames, data.boxes)
    baseline = trained(compose(data), tmp_path / "baseline-seed0")
    arm = trained(compose(data, replace={"fog": "nst-fog"}), tmp_path / "nst-seed0")
    assert baseline.keys() == arm.keys()
    assert all(torch.equal(baseline[name], arm[name]) for name in baseline)


def test_arms_of_other_pictures_meet_the_same_boxes_in_every_step(
    streets: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = renamed(streets, tmp_path / "made", darker=3)
    seen: list[dict] = []
    original = trainer.ArmTrainer.preprocess_batch

    def recording(self: trainer.ArmTrainer, batch: dict) -> dict:
        names = ("img", "cls", "bboxes", "batch_idx")
        seen.append({name: batch[name].clone() for name in names})
        return original(self, batch)

    monkeypatch.setattr(trainer.ArmTrainer, "preprocess_batch", recording)
    weights, met = [], []
    for name, replace in (("baseline", {}), ("nst", {"fog": "nst-fog"})):
        seen.clear()
        weights.append(trained(compose(data, replace=replace), tmp_path / f"{name}-seed0"))
        met.append(list(seen))
    assert len(met[0]) == len(met[1]) == RECIPE["iterations"]
    for ours, theirs in zip(*met, strict=True):
        # Order, mosaic, scale, shift and flip do not look at the pictures.
        assert all(torch.equal(ours[name], theirs[name]) for name in ("cls", "bboxes", "batch_idx"))
    assert any(not torch.equal(a["img"], b["img"]) for a, b in zip(*met, strict=True))
    files = [tmp_path / f"{name}-seed0" / "recipe.json" for name in ("baseline", "nst")]
    recipes = [json.loads(file.read_text()) for file in files]
    differing = {key for key in recipes[0] if recipes[0][key] != recipes[1][key]}
    assert differing == {"tree"}  # the pictures' hash
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
