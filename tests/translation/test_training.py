"""A training that can be killed, resumed and trusted."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sim2real_lib.errors import InputError
from sim2real_lib.images import read_rgb, size
from sim2real_lib.progress import Progress
from sim2real_lib.translation import cyclegan
from sim2real_lib.translation.checkpoints import load_generator
from sim2real_lib.translation.cyclegan import LOSSES, Settings
from sim2real_lib.translation.training import Result, train

TINY = Settings(
    n_blocks=1, ngf=2, ndf=2, crop=(32, 32), unit="steps", constant=4, decay=4, pool=3, lr=1e-3
)
Run = Callable[..., Result]


class KilledError(Exception):
    """Stands for whatever ends a training early."""


@pytest.fixture
def run(pictures: Callable[..., list[Path]], tmp_path: Path) -> Run:
    source, target = pictures("source", 3), pictures("target", 4, tint=(90, 90, 160))

    def go(folder: str = "run", settings: Settings = TINY, **options: object) -> Result:
        options = {"checkpoint_every": 2, "progress": False, "accelerator": "cpu", **options}
        return train(source, target, tmp_path / folder, settings=settings, **options)

    return go


def weights(folder: Path) -> dict[str, Tensor]:
    return {
        f"{name}.{key}": value
        for name in ("G_A", "G_B", "D_A", "D_B")
        for key, value in torch.load(folder / f"latest_net_{name}.pth").items()
    }


@pytest.mark.parametrize("killed_at", [1, 5])
def test_a_killed_training_ends_with_the_same_weights_and_losses(run: Run, killed_at: int) -> None:
    def kill(progress: Progress) -> None:
        if progress.step == killed_at:
            raise KilledError

    whole = run("whole")
    with pytest.raises(KilledError):
        run("killed", on_step=kill)
    seen: list[Progress] = []
    resumed = run("killed", on_step=seen.append)

    assert resumed.resumed_from == killed_at // 2 * 2
    assert len(seen[0].before) == resumed.resumed_from == seen[0].step - 1
    expected, found = weights(whole.folder), weights(resumed.folder)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[key], found[key]) for key in expected)
    assert (whole.folder / "losses.csv").read_text() == (resumed.folder / "losses.csv").read_text()
    assert list(whole.samples) == list(resumed.samples)


def test_a_finished_training_is_not_trained_again(run: Run) -> None:
    first = run()
    second = run(on_step=lambda _: pytest.fail("trained again"))
    assert second.resumed_from == second.steps == 8
    assert second.losses.equals(first.losses)


def test_a_folder_with_other_settings_is_refused_and_the_difference_shown(run: Run) -> None:
    run()
    with pytest.raises(InputError, match=r"lambda_a: 10\.0 there, 5\.0 asked"):
        run(settings=Settings(**{**vars(TINY), "lambda_a": 5.0}))


def test_a_folder_with_other_images_is_refused(
    run: Run, pictures: Callable[..., list[Path]], tmp_path: Path
) -> None:
    run()
    with pytest.raises(InputError, match="target_images"):
        train(
            pictures("source", 3), pictures("else", 4), tmp_path / "run",
            settings=TINY, accelerator="cpu", progress=False,
        )  # fmt: skip


def test_a_training_leaves_what_a_reader_looks_for(run: Run) -> None:
    seen: list[Progress] = []
    result = run(on_step=seen.append)
    assert [p.step for p in seen] == list(range(1, 9)) and seen[-1].steps == 8
    assert tuple(seen[0].losses) == LOSSES
    assert list(result.losses.columns) == ["step", *LOSSES]
    assert result.losses["step"].tolist() == list(range(1, 9))
    assert list(result.samples)[:: len(result.samples) - 1] == ["step 0", "step 8"]
    assert seen[-1].folder == result.folder
    assert seen[-1].samples == result.samples and seen[-1].images == TINY.batch
    assert load_generator(result.folder / "latest_net_G_A.pth").model[1].out_channels == 2
    assert not list(result.folder.rglob(".*")), "a temporary file was left"


def test_a_torn_line_of_losses_is_no_row(run: Run, tmp_path: Path) -> None:
    class EnoughError(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.step == 5:
            raise EnoughError

    with pytest.raises(EnoughError):
        run(on_step=stop)
    with (tmp_path / "run" / "losses.csv").open("a") as file:
        file.write("3")  # of step 31, say, that a kill has cut off
    result = run()
    assert result.losses["step"].tolist() == list(range(1, 9))
    assert result.losses.notna().all(axis=None)


def test_epochs_are_counted_over_the_larger_domain(run: Run) -> None:
    result = run(settings=Settings(**{**vars(TINY), "unit": "epochs", "constant": 1, "decay": 1}))
    assert result.steps == 2 * 4


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_checkpoint(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    step = cyclegan.CycleGAN.step

    def explode(self: cyclegan.CycleGAN, *args: object) -> dict[str, float]:
        losses = step(self, *args)
        return {**losses, "cycle_B": float("nan")} if args[2] == 4 else losses

    monkeypatch.setattr(cyclegan.CycleGAN, "step", explode)
    with pytest.raises(InputError, match=r"cycle_B is nan at step 5; the last good checkpoint"):
        run()
    kept = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert kept["step"] == 4


def test_weights_that_are_no_numbers_never_reach_a_checkpoint(run: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="diverged"):
        run(settings=Settings(**{**vars(TINY), "lr": 1e38}))
    assert not (tmp_path / "run" / "latest_net_G_A.pth").exists()
    checkpoint = tmp_path / "run" / "checkpoints" / "last.ckpt"
    if checkpoint.exists():
        kept = torch.load(checkpoint, weights_only=True)
        assert all(value.isfinite().all() for value in kept["G_A"].values())


def cut_short(content: bytes) -> bytes:
    return content[:1000]


def overwritten(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(1000) + content[middle + 1000 :]


@pytest.mark.parametrize("damage", [cut_short, overwritten])
@pytest.mark.parametrize(("damaged", "goes_on_from"), [(["last"], 4), (["last", "previous"], 0)])
def test_a_damaged_checkpoint_is_put_aside_and_the_one_before_gone_on_from(
    run: Run,
    tmp_path: Path,
    damaged: list[str],
    goes_on_from: int,
    damage: Callable[[bytes], bytes],
) -> None:
    def kill(progress: Progress) -> None:
        if progress.step == 7:
            raise KilledError

    whole = run("whole")
    with pytest.raises(KilledError):
        run(on_step=kill)
    checkpoints = [tmp_path / "run" / "checkpoints" / f"{name}.ckpt" for name in damaged]
    for path in checkpoints:
        path.write_bytes(damage(path.read_bytes()))
    with pytest.warns(UserWarning, match=r"is damaged .* now called last\.ckpt\.damaged"):
        resumed = run()
    assert resumed.resumed_from == goes_on_from
    assert resumed.losses.equals(whole.losses) and list(resumed.samples) == list(whole.samples)
    expected, found = weights(whole.folder), weights(resumed.folder)
    assert all(torch.equal(expected[key], found[key]) for key in expected)
    assert all(path.with_name(f"{path.name}.damaged").is_file() for path in checkpoints)


def test_a_kill_between_two_checkpoints_names_leaves_the_one_before(
    run: Run, tmp_path: Path
) -> None:
    whole = run()
    (tmp_path / "run" / "checkpoints" / "last.ckpt").unlink()
    resumed = run()
    assert resumed.resumed_from == 6 and resumed.losses.equals(whole.losses)


def test_a_whole_checkpoint_of_another_model_is_named_and_kept(run: Run, tmp_path: Path) -> None:
    run()
    checkpoint = tmp_path / "run" / "checkpoints" / "last.ckpt"
    state = torch.load(checkpoint, weights_only=True)
    torch.save({key: value for key, value in state.items() if key != "G_A"}, checkpoint)
    content = checkpoint.read_bytes()
    with pytest.raises(InputError, match=r"last\.ckpt: of another model"):
        run()
    assert checkpoint.read_bytes() == content


def test_an_unreadable_image_and_an_empty_domain_are_named(run: Run, tmp_path: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("no image")
    options = {"settings": TINY, "accelerator": "cpu", "progress": False}
    with pytest.raises(InputError, match=r"text\.png"):
        train([text], [text], tmp_path / "x", **options)
    with pytest.raises(InputError, match="no target image"):
        train([text], [], tmp_path / "y", **options)


def test_a_small_cache_changes_nothing_but_the_time(run: Run) -> None:
    cached, uncached = run("cached"), run("uncached", cache_bytes=0)
    assert cached.losses.equals(uncached.losses)


def test_sample_pictures_show_three_images_a_row(run: Run) -> None:
    picture = list(run().samples.values())[-1]
    assert size(picture)[0] == 3 * 320 + 2 * 4
    assert read_rgb(picture).std() > 1
