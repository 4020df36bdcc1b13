"""Training from the command line: options are the notebook's parameters, wrong ones say so."""

from pathlib import Path

import pytest

from sim2real_lib import train_translator
from sim2real_lib.errors import InputError
from sim2real_lib.params import CycleGANTraining, translation_folder


def test_options_become_parameters() -> None:
    options = ("--style", "rain", "--lr-policy", "step", "--batch", "2", "--crop", "[32, 64]")
    assert train_translator.parsed(options) == {
        "style": "rain", "lr_policy": "step", "batch": 2, "crop": [32, 64],
    }  # fmt: skip


@pytest.mark.parametrize("options", [("--style",), ("style", "fog"), ("--batch", "2", "fog")])
def test_options_that_are_no_pairs_are_refused(options: tuple) -> None:
    with pytest.raises(InputError, match="come in pairs"):
        train_translator.parsed(options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--stlye", "fog"), "did you mean 'style'"),
        (("--batch", "few"), "batch is 'few'"),
        (("--run", "outputs/no such run"), "Run notebook 01_data_analysis first"),
    ],
)
def test_a_wrong_option_ends_with_one_clear_error(
    options: tuple, said: str, capsys: pytest.CaptureFixture
) -> None:
    assert train_translator.main("smoke", *options) == 2
    assert said in capsys.readouterr().err


def test_an_unknown_profile_is_named(capsys: pytest.CaptureFixture) -> None:
    assert train_translator.main("nowhere") == 2
    assert "params/nowhere/run.yaml" in capsys.readouterr().err


def test_it_learns_from_the_source_in_the_notebooks_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_translator.catalog, "load", lambda *_, **__: None)
    monkeypatch.setattr(train_translator.domains, "source", lambda _, variant: [variant])
    monkeypatch.setattr(train_translator.domains, "target", lambda *_, **__: ["target"])
    seen: list[tuple[list[str], Path]] = []
    monkeypatch.setattr(
        train_translator.training,
        "train",
        lambda source, _, folder, **__: seen.append((source, folder)),
    )
    p = CycleGANTraining(run=str(tmp_path), style="fog", source="rain")
    train_translator.train(p)
    [(source, folder)] = seen
    assert source == ["rain"]
    assert folder.parent == translation_folder(tmp_path, "cyclegan-fog-from-rain")
