"""Training: pinned, resumable, silent, and harmless to data sets."""

import copy
import hashlib
import json
import os
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest
import torch

from sim2real_lib import images
from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.detection import photometric
from sim2real_lib.detection.compose import compose
from sim2real_lib.detection.train import MODELS, seconds, stride, train
from sim2real_lib.detection.tree import write_tree
from sim2real_lib.errors import InputError
from sim2real_lib.params.yolo_training import Model
from sim2real_lib.progress import Progress

TINY = {"image_size": 64, "batch": 7, "iterations": 3, "device": "cpu", "threads": 1}


@pytest.fixture(scope="module")
def data(streets, tmp_path_factory):
    arm = compose(streets)
    for image in arm.frames["image"][:3]:  # as some of KITTI's kin have them
        Path(image).write_bytes(Path(image).read_bytes() + b"trailing bytes")
    return write_tree(arm, tmp_path_factory.mktemp("run") / "tree", ["car", "van", "truck"])


def parameters(weights: Path) -> torch.Tensor:
    model = torch.load(weights, weights_only=False)["model"]
    return torch.cat([p.float().flatten() for p in model.state_dict().values()])


def kill(*_: object) -> None:
    raise KeyboardInterrupt


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def finished(streets, data, tmp_path_factory):
    """(dataset's bytes before, the run's folder, the weights) of one small training."""
    dataset = Path(os.path.commonpath(streets.frames["image"].tolist()))
    before = digests(dataset)
    folder = tmp_path_factory.mktemp("training")
    weights = train(data, folder, **TINY)
    return dataset, before, folder, weights


def test_training_changes_no_byte_of_the_data_set_and_adds_no_file(finished):
    dataset, before, _, _ = finished
    assert digests(dataset) == before


def test_it_takes_exactly_the_iterations_asked_for(finished):
    _, _, folder, _ = finished
    losses = pd.read_csv(folder / "losses.csv")
    assert losses["epoch"].tolist() == [1, 2]  # 14 frames in batches of 7: 2 + 1 iterations
    assert {"box", "cls", "dfl"} <= set(losses.columns)
    assert losses.notna().all(axis=None)


def test_a_finished_training_returns_at_once(finished, data):
    _, _, folder, weights = finished
    before = weights.stat().st_mtime_ns
    assert train(data, folder, **TINY) == weights
    assert weights.stat().st_mtime_ns == before


def test_same_seed_same_weights_and_another_seed_others(finished, data, tmp_path):
    _, _, _, weights = finished
    assert torch.equal(parameters(weights), parameters(train(data, tmp_path / "same", **TINY)))
    other = train(data, tmp_path / "other", **TINY, seed=1)
    assert not torch.equal(parameters(weights), parameters(other))


def test_other_parameters_start_afresh(finished, data, tmp_path):
    folder = tmp_path / "run"
    first = parameters(train(data, folder, **TINY))
    again = parameters(train(data, folder, **TINY | {"learning_rate": 1e-4}))
    assert not torch.equal(first, again)
    assert torch.equal(again, parameters(train(data, tmp_path / "x", **TINY, learning_rate=1e-4)))


def test_a_killed_training_goes_on_where_it_was(data, tmp_path, monkeypatch):
    from sim2real_lib.detection import trainer
    from sim2real_lib.detection.trainer import ArmTrainer

    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0)
    count, epochs = ArmTrainer._count, []

    def killed(training):
        count(training)
        if training.done == 3:  # in the second epoch: the first is on disk
            raise KeyboardInterrupt

    monkeypatch.setattr(ArmTrainer, "_count", killed)
    with pytest.raises(KeyboardInterrupt):
        train(data, tmp_path, **TINY | {"iterations": 6})

    def counted(training):
        count(training)
        epochs.append(training.epoch)

    monkeypatch.setattr(ArmTrainer, "_count", counted)
    weights = train(data, tmp_path, **TINY | {"iterations": 6})
    assert epochs == [1, 1, 2, 2]
    assert pd.read_csv(tmp_path / "losses.csv")["epoch"].tolist() == [1, 2, 3]
    assert weights.is_file()


def test_a_callback_hears_of_every_step_in_place_of_a_bar(data, finished, tmp_path, capsys):
    seen: list[Progress] = []
    weights = train(data, tmp_path, **TINY, on_step=seen.append)
    assert capsys.readouterr().out == ""
    assert [(p.step, p.steps, p.images) for p in seen] == [(1, 3, 7), (2, 3, 7), (3, 3, 7)]
    assert [p.finished for p in seen] == [False, False, True]
    assert all(set(p.losses) == {"box", "cls", "dfl"} for p in seen) and seen[0].before.empty
    first = pd.read_csv(tmp_path / "losses.csv").iloc[0]  # an epoch's are the mean of its steps'
    assert (seen[0].losses["box"] + seen[1].losses["box"]) / 2 == pytest.approx(first["box"], 1e-3)
    assert all(path.is_file() for path in seen[0].samples.values())
    # It decides nothing: the same weights, and without it the training is known to be finished.
    assert torch.equal(parameters(weights), parameters(finished[3]))
    assert train(data, tmp_path, **TINY, on_step=kill) == weights
    assert train(data, tmp_path, **TINY) == weights


def test_a_callback_hears_what_was_learnt_before_a_kill(data, tmp_path, monkeypatch):
    monkeypatch.setattr("sim2real_lib.detection.trainer.CHECKPOINT_SECONDS", 0)
    seen: list[Progress] = []

    def killed(progress: Progress) -> None:
        if progress.step == 3:  # in the second epoch: the first is on disk
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data, tmp_path, **TINY | {"iterations": 6}, on_step=killed)
    train(data, tmp_path, **TINY | {"iterations": 6}, on_step=seen.append)
    assert [p.step for p in seen] == [3, 4, 5, 6]
    assert seen[0].before["step"].tolist() == [2]
    assert set(seen[0].before) == {"step", *seen[0].losses}


def test_a_training_killed_before_its_end_was_written_only_writes_it(data, tmp_path, monkeypatch):
    monkeypatch.setattr("ultralytics.utils.torch_utils.strip_optimizer", kill)
    with pytest.raises(KeyboardInterrupt):
        train(data, tmp_path, **TINY)
    monkeypatch.undo()
    monkeypatch.setattr("sim2real_lib.detection.train._run", kill)
    assert train(data, tmp_path, **TINY).is_file()


def test_it_starts_from_given_weights(finished, data, tmp_path):
    _, _, _, weights = finished
    settings = TINY | {"iterations": 1, "learning_rate": 1e-9}
    warm = parameters(train(data, tmp_path / "warm", **settings, weights=weights))
    cold = parameters(train(data, tmp_path / "cold", **settings, seed=5))
    start = parameters(weights)
    assert (warm - start).abs().mean() < 0.1 * (cold - start).abs().mean()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "yolov5nn"}, "did you mean 'yolov5n'"),
        ({"optimizer": "AdamX"}, "did you mean 'AdamW'"),
        ({"augmentation": {"mosaik": 1}}, "did you mean 'mosaic'"),
        ({"iterations": None}, "as iterations or as epochs"),
        ({"epochs": 2}, "as iterations or as epochs"),
        ({"image_size": 100}, "yolov5n needs a multiple of 32 pixels, not 100. Take 96"),
        ({"image_size": 96, "model": "yolov5l6"}, "yolov5l6 needs a multiple of 64 pixels, not 96"),
        ({"image_size": 0}, "a multiple of 32 pixels, not 0. Take 32"),
        ({"augmentation": {"mosaic": 2}}, "mosaic: 2 is not a number from 0 to 1"),
        ({"augmentation": {"mixup": 1}, "rectangular": True}, "mixup needs square batches"),
        ({"adversarial": {"epsilon": -1}}, "adversarial epsilon: -1 is not a number"),
        ({"learning_rate": 2}, "learning_rate: 2 is not a number from 0 to 1"),
        ({"warmup": -0.1}, "warmup: -0.1 is not"),
        ({"plain_share": 1.1}, "plain_share: 1.1 is not"),
        ({"batch": 0}, "batch: 0 is not a number from 1"),
        ({"iterations": -3}, "iterations: -3 is not a number from 1"),
        ({"iterations": 10.5}, "iterations: 10.5 is not a whole number"),
        ({"iterations": float("inf")}, "iterations: inf is not a whole number"),
        ({"batch": 7.5}, "batch: 7.5 is not a whole number"),
        ({"iterations": None, "epochs": 1.5}, "epochs: 1.5 is not a whole number"),
        ({"weights": Path("nowhere/yolov5n.pt")}, "nowhere/yolov5n.pt: there are no weights here"),
    ],
)
def test_what_does_not_exist_is_refused_before_the_work(data, tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        train(data, tmp_path / "run", **TINY | changes)
    assert not (tmp_path / "run").exists()


def test_a_memory_that_holds_not_even_one_image_needs_smaller_ones(data, tmp_path, monkeypatch):
    from sim2real_lib.detection.trainer import ArmTrainer

    def full(*_):
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(ArmTrainer, "preprocess_batch", full)
    with pytest.raises(
        InputError, match=r"1 images of 96 .*\. Set image_size lower, for every arm"
    ):
        train(data, tmp_path, **TINY | {"batch": 1, "image_size": 96})


@pytest.mark.parametrize("error", [RuntimeError("no kernel image"), KeyError("img")])
def test_another_error_stays_itself(data, tmp_path, monkeypatch, error):
    from sim2real_lib.detection.trainer import ArmTrainer

    def fail(*_):
        raise error

    monkeypatch.setattr(ArmTrainer, "preprocess_batch", fail)
    with pytest.raises(type(error), match=error.args[0]):
        train(data, tmp_path, **TINY)


def test_a_loss_that_is_no_number_stops_the_training_there_and_is_not_gone_on_from(
    data, tmp_path, monkeypatch
):
    from sim2real_lib.detection import trainer

    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0)
    preprocess, met = trainer.ArmTrainer.preprocess_batch, []

    def poisoned(training, batch):
        met.append(training.done)
        batch = preprocess(training, batch)
        return batch | {"img": batch["img"] * (float("nan") if training.done == 3 else 1)}

    monkeypatch.setattr(trainer.ArmTrainer, "preprocess_batch", poisoned)
    for _ in range(2):  # the second call does not make another history of it
        with pytest.raises(InputError, match=r"diverged in step 4 of 7\. Set learning_rate lower"):
            train(data, tmp_path, **TINY | {"iterations": 7})
        assert not (tmp_path / "ultralytics/weights/last.pt").exists()
    assert met == [0, 1, 2, 3] * 2
    assert not (tmp_path / "weights.pt").exists()


@pytest.mark.parametrize("name", ["AdamW", "SGD"])
def test_one_kernel_steps_as_four_do(name):
    from sim2real_lib.detection.trainer import ArmTrainer, DetectionTrainer

    trainer = ArmTrainer.__new__(ArmTrainer)
    trainer.device = torch.device("cpu")
    convolution = torch.nn.Conv2d(3, 4, 3, bias=False)  # a bias would be undone by the norm
    networks = [torch.nn.Sequential(convolution, torch.nn.BatchNorm2d(4))]
    networks.append(copy.deepcopy(networks[0]))
    ours, theirs = (
        kind.build_optimizer(trainer, network, name=name, lr=0.01, momentum=0.9, decay=0.01)
        for kind, network in zip((ArmTrainer, DetectionTrainer), networks, strict=True)
    )
    assert all(group["fused"] for group in ours.param_groups)
    assert not any(group["fused"] for group in theirs.param_groups)
    random = torch.Generator().manual_seed(0)
    pixels, wanted = (torch.rand(4, n, s, s, generator=random) for n, s in ((3, 8), (4, 6)))
    before = networks[0][0].weight.detach().clone()
    for _ in range(5):
        for network, optimizer in zip(networks, (ours, theirs), strict=True):
            optimizer.zero_grad()
            (network(pixels) - wanted).square().mean().backward()
            optimizer.step()
    assert (networks[0][0].weight - before).abs().max() > 0.001
    for own, other in zip(*(network.parameters() for network in networks), strict=True):
        assert torch.allclose(own, other, atol=1e-5)


def test_weights_that_are_no_numbers_are_not_saved_as_zeros(data, tmp_path, monkeypatch):
    """The last step of an epoch spoils them; its loss was still a number."""
    from sim2real_lib.detection.trainer import ArmTrainer

    step = ArmTrainer.optimizer_step

    def spoil(training):
        step(training)
        if training.done == 2:
            for parameter in training.ema.ema.parameters():
                parameter.fill_(float("inf"))

    monkeypatch.setattr(ArmTrainer, "optimizer_step", spoil)
    with pytest.raises(InputError, match="diverged in step 3 of 3"):
        train(data, tmp_path, **TINY)
    assert not (tmp_path / "weights.pt").exists()


def test_arms_of_any_size_train_equally_many_steps_on_plain_frames(
    streets, data, tmp_path, monkeypatch
):
    from ultralytics.data.augment import Mosaic

    from sim2real_lib.detection.trainer import ArmTrainer

    arm = compose(streets)
    half = arm.frames["frame_id"].iloc[:5]
    small = Catalog(arm.frames.iloc[:5], arm.boxes[arm.boxes["frame_id"].isin(half)])
    trees = {14: data, 5: write_tree(small, tmp_path / "tree", ["car", "van", "truck"])}
    start, mix = ArmTrainer._start, Mosaic.get_params
    composed, running = [], []

    def started(training):
        running.append(training)
        start(training)

    def mixed(mosaic, labels):
        composed[-1].add(running[-1].done)
        return mix(mosaic, labels)

    monkeypatch.setattr(ArmTrainer, "_start", started)
    monkeypatch.setattr(Mosaic, "get_params", mixed)
    for frames, tree in trees.items():  # 7 and 3 batches an epoch
        composed.append(set())
        settings = TINY | {"iterations": 9, "batch": 2, "plain_share": 0.2}
        train(tree, tmp_path / str(frames), **settings)
        assert len(running[-1].train_loader) == -(-frames // 2)
    assert composed == [set(range(7)), set(range(7))]


def test_the_recipe_of_flat_batches_knows_of_no_mosaic_to_close(data, tmp_path, monkeypatch):
    """It is what it was before mosaic was closed by iteration, so that finished trainings stay."""
    monkeypatch.setattr("sim2real_lib.detection.train._run", kill)
    recipes = []
    for rectangular in (True, False):
        with pytest.raises(KeyboardInterrupt):
            train(data, tmp_path, **TINY | {"iterations": 20}, rectangular=rectangular)
        recipes.append(json.loads((tmp_path / "recipe.json").read_text()))
    flat, square = recipes
    assert flat["close_mosaic"] == 1 and "plain_from" not in flat
    assert square["close_mosaic"] == 0 and square["plain_from"] == 18


def test_an_image_that_ultralytics_would_drop_stops_the_training(streets, tmp_path):
    data = write_tree(compose(streets), tmp_path / "tree", ["car", "van", "truck"])
    image = next((tmp_path / "tree" / "images").iterdir())
    image.unlink()
    image.write_bytes(b"no image")
    with pytest.raises(InputError, match="accepts only 13 of 14 frames"):
        train(data, tmp_path / "run", **TINY)


def test_a_bad_label_is_refused_before_the_work(streets, tmp_path):
    data = write_tree(compose(streets), tmp_path / "tree", ["car", "van", "truck"])
    next((tmp_path / "tree" / "labels").iterdir()).write_text("3 0.5 0.5 0.1 0.1\n")
    with pytest.raises(InputError, match="line 1: there is no class 3, only 0 to 2"):
        train(data, tmp_path / "run", **TINY)
    assert not (tmp_path / "run").exists()


def test_the_parameters_know_the_same_models():
    assert set(get_args(Model)) == set(MODELS)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_builds_from_its_description_alone_with_the_stride_that_we_know(
    model, monkeypatch
):
    """On torch's meta device: layers and shapes without memory for x6's 140 million weights."""
    from ultralytics.nn.modules import Detect
    from ultralytics.nn.tasks import DetectionModel

    monkeypatch.setattr(Detect, "bias_init", lambda _: None)  # it wants numbers
    with torch.device("meta"):
        built = DetectionModel(MODELS[model], nc=3, verbose=False)
    assert built.model[-1].nl == (4 if model.endswith("6") else 3)
    assert stride(model) == 2 ** (built.model[-1].nl + 2)


def test_the_models_differ_in_size_and_the_stride_is_ultralytics_own():
    from ultralytics.nn.tasks import DetectionModel

    for model in ("yolov5n", "yolov5n6"):
        built = DetectionModel(MODELS[model], nc=3, verbose=False)
        assert int(built.stride.max()) == stride(model)


def test_the_first_batch_is_kept_as_a_picture_and_the_time_as_a_number(finished, data):
    _, _, folder, _ = finished
    picture = images.read_rgb(folder / "batch.png")
    assert picture.shape == (2 * 64, 4 * 64, 3)  # seven images and a white one
    assert (picture[64:, 3 * 64 :] == 255).all() and picture[:64].std() > 10
    assert seconds(folder) == pytest.approx(
        pd.read_csv(folder / "losses.csv")["seconds"].iloc[-1], abs=0.01
    )
    outcome = json.loads((folder / "training.json").read_text())
    assert outcome["steps"] == 3
    before = (folder / "training.json").stat().st_mtime_ns
    train(data, folder, **TINY)  # at once, and what it took is not forgotten
    assert (folder / "training.json").stat().st_mtime_ns == before


def test_an_attack_that_is_off_is_the_training_without_one(finished, data):
    _, _, folder, weights = finished
    before = weights.stat().st_mtime_ns
    train(data, folder, **TINY, adversarial={"share": 0, "epsilon": 8})
    assert weights.stat().st_mtime_ns == before


def test_as_many_batches_are_attacked_as_were_drawn(finished, data, tmp_path, monkeypatch):
    from sim2real_lib.detection import adversarial

    attack, attacked = adversarial.attack, []

    def counted(model, batch, epsilon):
        attacked.append(epsilon)
        return attack(model, batch, epsilon)

    monkeypatch.setattr(adversarial, "attack", counted)
    weights = train(data, tmp_path, **TINY, adversarial={"share": 0.6, "epsilon": 8})
    drawn = [adversarial.drawn(0.6, 0, iteration) for iteration in range(3)]
    assert attacked == [8] * sum(drawn) and attacked
    assert not torch.equal(parameters(weights), parameters(finished[3]))


def test_the_bag_of_freebies_trains(data, tmp_path):
    every = {"mixup": 0.5, "cutmix": 0.5, "degrees": 5, "shear": 2, "perspective": 5e-4}
    every |= {"flipud": 0.5, "multi_scale": 0.5} | dict.fromkeys(photometric.STEPS, 0.5)
    settings = TINY | {"image_size": 128, "optimizer": "SGD"}
    assert train(data, tmp_path, **settings, augmentation=every).is_file()
    recipe = json.loads((tmp_path / "recipe.json").read_text())
    assert recipe["mixup"] == 0.5 and recipe["photometric"]["haze"] == 0.5
