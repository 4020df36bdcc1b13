"""What is promised of progress: live for a person, whole lines for a batch."""

import time

import pytest

from sim2real_lib import progress


def test_a_person_sees_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in progress.progress_bar(range(3), desc="training", unit="step"):
        pass
    assert "training: 100%" in capsys.readouterr().out


def test_a_batch_gets_lines_that_name_their_job(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIM2REAL_BATCH", "02 fog")
    monkeypatch.setattr(progress, "EVERY", 0.01)
    for _ in progress.progress_bar(range(5), desc="training", unit="step"):
        time.sleep(0.02)
    lines = capsys.readouterr().err.splitlines()
    assert lines and all(line.startswith("  02 fog · training: ") for line in lines)
    assert all(line.count("left") == 1 for line in lines)


def test_a_short_loop_of_a_batch_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIM2REAL_BATCH", "02 fog")
    for _ in progress.progress_bar(range(5), desc="training"):
        pass
    assert capsys.readouterr().err == ""
