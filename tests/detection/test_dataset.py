"""What ultralytics is given to train on: one order, one shape, the same on every machine."""

import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from toy import box, catalog, frame

from sim2real_lib import images
from sim2real_lib.detection.samples import picture
from sim2real_lib.detection.tree import write_tree

CLASSES = ["car", "van", "truck"]


def data_of(root: Path, sizes: list[tuple[int, int]]) -> Path:
    """A tree of frames of these widths and heights, each with one car."""
    frames = []
    for number, (width, height) in enumerate(sizes):
        path = root / f"dataset/{number}.png"
        row, _ = frame(f"a/{number:02d}", path, number)
        images.write_rgb(path, np.full((height, width, 3), 10 * number, np.uint8))
        row |= {"width": width, "height": height}
        frames.append((row, [box(row["frame_id"], "car", 4, 4, 40, 20)]))
    return write_tree(catalog(frames), root / "tree", CLASSES)


def trainer_of(data: Path, folder: Path, **overrides):
    """Our trainer, set up and about to begin."""
    from sim2real_lib.detection.augmentation import choose
    from sim2real_lib.detection.train import PINNED
    from sim2real_lib.detection.trainer import ArmTrainer

    chosen = choose(
        overrides.pop("augmentation", {}), rectangular=overrides.setdefault("rect", True)
    )
    workers, plain_from = overrides.pop("workers", 0), overrides.pop("plain_from", None)
    own = {name: chosen.pop(name) for name in ("gray", "haze", "blur", "noise", "jpeg")}
    settings = chosen | PINNED | {
        "model": "yolov5n.yaml", "data": str(data), "save_dir": str(folder / "ultralytics"),
        "imgsz": 64, "batch": 2, "epochs": 2, "device": "cpu", "plots": False,
        "pretrained": False, "optimizer": "SGD", "seed": 0,
    }  # fmt: skip
    trainer = ArmTrainer(
        settings | overrides, iterations=2, warmup=0, photometric=own, plain_from=plain_from
    )
    trainer.args.workers = workers  # of which ultralytics takes none on a CPU
    trainer._setup_train()
    return trainer


MIXED = [(96, 64), (96, 32), (96, 40), (96, 30), (96, 48), (96, 29), (96, 60), (96, 31)]


def test_frames_of_several_shapes_are_shuffled_in_rectangular_batches(tmp_path):
    """ultralytics alone would train on the flattest frames first, in every epoch alike."""
    trainer = trainer_of(data_of(tmp_path, MIXED), tmp_path)
    epochs = [
        [Path(p).stem[:6] for batch in trainer.train_loader for p in batch["im_file"]]
        for _ in range(3)
    ]
    every = [f"{number:06d}" for number in range(len(MIXED))]
    assert all(sorted(epoch) == every for epoch in epochs)
    assert len({tuple(epoch) for epoch in [*epochs, every]}) == 4


def test_a_batch_holds_its_least_flat_frame_and_no_more(tmp_path):
    trainer = trainer_of(data_of(tmp_path, MIXED), tmp_path)
    shapes = {tuple(batch["img"].shape[2:]) for batch in trainer.train_loader}
    assert shapes == {(64, 64)}  # 64 of 96 pixels is 42.7 of 64, in steps of 32
    flat = trainer_of(data_of(tmp_path / "flat", MIXED[1:4]), tmp_path / "flat")
    assert {tuple(batch["img"].shape[2:]) for batch in flat.train_loader} == {(32, 64)}


def test_upright_and_flat_frames_share_a_square(tmp_path):
    trainer = trainer_of(data_of(tmp_path, [(96, 32), (48, 96)]), tmp_path)
    assert {tuple(batch["img"].shape[2:]) for batch in trainer.train_loader} == {(64, 64)}


@pytest.mark.parametrize("size", [(96, 64), (1242, 375), (64, 96), (80, 80)])
def test_frames_of_one_shape_are_batched_as_ultralytics_does(tmp_path, size, monkeypatch):
    from ultralytics.data.dataset import YOLODataset

    from sim2real_lib.detection.dataset import ArmDataset

    ours = trainer_of(data_of(tmp_path, [size] * 4), tmp_path).train_loader.dataset
    monkeypatch.delattr(ArmDataset, "set_rectangle")
    theirs = trainer_of(tmp_path / "tree/data.yaml", tmp_path / "x").train_loader.dataset
    assert isinstance(theirs, YOLODataset) and ours.im_files == theirs.im_files
    assert np.array_equal(ours.batch_shapes, theirs.batch_shapes)
    assert np.array_equal(ours.batch, theirs.batch)


def test_an_installed_albumentations_changes_nothing(tmp_path, monkeypatch):
    class Anything:
        def __init__(self, *_, **__):
            self.p, self.transforms = 1, []

        def __call__(self, **_):
            raise AssertionError("albumentations was applied")

    module = types.ModuleType("albumentations")
    module.__version__ = "2.0.0"
    module.__getattr__ = lambda name: type(name, (Anything,), {})
    monkeypatch.setitem(sys.modules, "albumentations", module)
    from ultralytics.data.augment import Albumentations

    assert Albumentations().transform is not None  # so ultralytics alone would use it
    dataset = trainer_of(data_of(tmp_path, MIXED), tmp_path).train_loader.dataset
    assert not any(isinstance(step, Albumentations) for step in dataset.transforms.transforms)
    assert dataset[0]["img"].dtype == torch.uint8


def test_our_own_augmentations_reach_the_batches_and_stay_when_mosaic_closes(tmp_path):
    data = data_of(tmp_path, [(96, 64)] * 4)
    still = dict.fromkeys(["translate", "scale", "fliplr", "hsv_h", "hsv_s", "hsv_v"], 0.0)
    plain = trainer_of(data, tmp_path / "0", augmentation=still)
    noisy = trainer_of(data, tmp_path / "1", augmentation=still | {"noise": 1.0})
    for _ in range(2):
        one, other = plain.train_loader.dataset[1]["img"], noisy.train_loader.dataset[1]["img"]
        assert one.float().std(dim=(1, 2)).max() < other.float().std(dim=(1, 2)).min()
        noisy._close_dataloader_mosaic()


def turns_of(trainer, epochs=2):
    """Of each batch: whether its frames were composed, and their turns."""
    dataset, found = trainer.train_loader.dataset, []
    dataset.transforms = lambda _: (True, dataset.photometric.turn)
    dataset.plain_transforms = lambda _: (False, dataset.photometric.turn)
    trainer.train_loader.collate_fn = list
    for _ in range(epochs):
        found += trainer.train_loader
    trainer.train_loader.close()
    return found


@pytest.mark.parametrize("workers", [0, 2])
def test_mosaic_closes_at_its_iteration_however_far_workers_load_ahead(tmp_path, workers):
    data = data_of(tmp_path, [(96, 64)] * 8)  # four batches of 2 an epoch
    trainer = trainer_of(data, tmp_path, rect=False, plain_from=6, seed=3, workers=workers)
    assert trainer.train_loader.num_workers == workers
    found = turns_of(trainer)
    assert [{composed for composed, _ in batch} for batch in found] == [{True}] * 6 + [{False}] * 2
    turns = [[turn.split() for _, turn in batch] for batch in found]
    assert [{(seed, number) for seed, number, _ in batch} for batch in turns] == [
        {("3", str(iteration))} for iteration in range(8)
    ]
    for epoch in (turns[:4], turns[4:]):
        assert sorted(int(index) for batch in epoch for *_, index in batch) == list(range(8))


@pytest.mark.parametrize("workers", [0, 2])
def test_iterations_keep_their_numbers_where_the_loader_begins_anew(tmp_path, workers):
    trainer = trainer_of(data_of(tmp_path, [(96, 64)] * 8), tmp_path, workers=workers)
    trainer.train_loader.collate_fn = list
    trainer.train_loader.dataset.transforms = lambda _: 0
    trainer.done = len(list(trainer.train_loader))
    trainer._close_dataloader_mosaic()
    trainer.train_loader.reset()
    numbers = [turn.split()[1] for batch in turns_of(trainer, 1) for _, turn in batch]
    assert numbers == [number for number in "4567" for _ in range(2)]


def test_plain_frames_are_composed_of_none(tmp_path):
    data = data_of(tmp_path, [(96, 64)] * 4)
    still = dict.fromkeys(["translate", "scale", "fliplr", "hsv_h", "hsv_s", "hsv_v"], 0.0)
    every = still | {"mosaic": 1.0, "mixup": 1.0, "cutmix": 1.0}
    trainer = trainer_of(data, tmp_path, rect=False, plain_from=1, augmentation=every)
    dataset = trainer.train_loader.dataset
    alone = trainer_of(data, tmp_path / "0", rect=False, augmentation=still | {"mosaic": 0})
    for index in range(4):
        plain = dataset[(1, index)]["img"]
        assert torch.equal(plain, alone.train_loader.dataset[index]["img"])
        assert not torch.equal(plain, dataset[(0, index)]["img"])
    assert trainer.args.mosaic == trainer.args.mixup == trainer.args.cutmix == 1.0


def test_a_photometric_step_changes_the_light_of_a_training_and_nothing_else(tmp_path):
    import random

    met = []
    for name, changes in (("off", {}), ("on", {"noise": 1.0, "haze": 0.5})):
        data = tmp_path / "tree/data.yaml" if met else data_of(tmp_path, [(96, 64)] * 8)
        trainer = trainer_of(data, tmp_path / name, rect=False, augmentation=changes)
        random.seed(0)
        met.append([batch for _ in range(2) for batch in trainer.train_loader])
    for off, on in zip(*met, strict=True):  # mosaics, scales, shifts and flips: the same
        assert all(torch.equal(off[key], on[key]) for key in ("cls", "bboxes", "batch_idx"))
        assert not torch.equal(off["img"], on["img"])


def test_the_sample_picture_shows_each_image_with_its_boxes():
    batch = {
        "img": torch.zeros(5, 3, 32, 64),
        "batch_idx": torch.tensor([0.0, 4]),
        "cls": torch.tensor([[0.0], [1]]),
        "bboxes": torch.tensor([[0.5, 0.5, 0.5, 0.5], [0.25, 0.5, 0.25, 0.5]]),
    }
    drawn = picture(batch)
    assert drawn.shape == (64, 256, 3)
    assert drawn[8, 16:49].all(axis=0).tolist() == [True, True, False]  # orange: no blue
    assert not drawn[:32, 64:].any()  # no box in the other images
    assert (drawn[40, 8:25] == (86, 180, 233)).all()  # the fifth image is in the second row
    assert (drawn[32:, 64:] == 255).all()


def test_large_images_are_shown_small():
    empty = {"batch_idx": torch.zeros(0), "cls": torch.zeros(0, 1), "bboxes": torch.zeros(0, 4)}
    assert picture(empty | {"img": torch.rand(2, 3, 320, 640)}).shape == (160, 640, 3)
