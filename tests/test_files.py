"""What is promised of files: whole or not at all, and no manifest before the end."""

import errno
import json
import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from sim2real_lib import files, images
from sim2real_lib.errors import InputError


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    files.write_text(path, "old")
    with pytest.raises(RuntimeError), files.whole_file(path) as temporary:
        temporary.write_text("half of the n")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space"), RuntimeError("writer")])
def test_a_full_disk_is_named_with_the_file_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    if isinstance(error, RuntimeError):
        with pytest.raises(RuntimeError), files.whole_file(tmp_path / "a.pt"):
            raise error  # which has another cause, as long as there is room
        left = shutil.disk_usage(tmp_path)._replace(free=0)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: left)
    with (
        pytest.raises(InputError, match=r"a\.pt: cannot be written \(No space .*Make room"),
        files.whole_file(tmp_path / "a.pt"),
    ):
        raise error


def _killed_while_writing(path: Path) -> None:
    with files.whole_file(path) as temporary:
        temporary.write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_kill_while_writing_leaves_no_file_of_that_name(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    process = multiprocessing.get_context("spawn").Process(
        target=_killed_while_writing, args=(path,)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not path.exists()


def test_an_artifact_has_a_manifest_only_when_it_is_done(tmp_path: Path) -> None:
    source = tmp_path / "input.txt"
    source.write_text("x")
    artifact = files.Artifact(tmp_path / "out", {"style": "fog"}, {"input": source})
    with pytest.raises(InputError, match="no finished result"):
        files.read_manifest(artifact.folder, "")
    with artifact.timed("thinking"):
        pass
    artifact.seal(device="cpu")
    manifest = files.read_manifest(artifact.folder, "")
    assert manifest["params"] == {"style": "fog"}
    assert manifest["inputs"]["input"] == files.sha256(source)
    assert manifest["device"] == "cpu"
    assert {"torch", "ultralytics", "numpy"} <= set(manifest["packages"])
    assert manifest["timings"]["thinking"] >= 0


def test_an_inputs_hash_is_of_what_was_there_when_the_stage_began(tmp_path: Path) -> None:
    source = tmp_path / "input.txt"
    source.write_text("what the stage reads")
    read = files.sha256(source)
    artifact = files.Artifact(tmp_path / "out", {}, {"input": source})
    source.write_text("what another run has put there since")
    assert artifact.seal()["inputs"] == {"input": read}


def test_beginning_an_artifact_again_makes_it_unfinished(tmp_path: Path) -> None:
    files.Artifact(tmp_path, {}).seal()
    files.Artifact(tmp_path, {})
    with pytest.raises(InputError):
        files.read_manifest(tmp_path, "")


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    (tmp_path / files.MANIFEST).write_text('{"par')
    with pytest.raises(InputError, match=r"manifest\.json: damaged.*Run 01"):
        files.read_manifest(tmp_path, "Run 01")


def test_relative_paths_count_from_the_project_wherever_we_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert files.resolve("outputs/demo") == files.ROOT / "outputs" / "demo"
    assert files.resolve("/data/kitti") == Path("/data/kitti")


def test_json_is_written_sorted_so_that_equal_runs_are_equal_files(tmp_path: Path) -> None:
    files.write_json(tmp_path / "a.json", {"b": 1, "a": tmp_path})
    assert list(json.loads((tmp_path / "a.json").read_text())) == ["a", "b"]


def test_an_image_survives_writing_and_reading(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    images.write_rgb(tmp_path / "a.png", image)
    assert np.array_equal(images.read_rgb(tmp_path / "a.png"), image)
    assert images.size(tmp_path / "a.png") == (5, 7)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_truncated_image_is_named_before_long_work(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    images.write_rgb(path, image)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(InputError, match=rf"a\.{suffix}: not a readable image"):
        images.verify([path], progress=False)


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_text("<html>404</html>")
    for read in (images.read_rgb, images.size):
        with pytest.raises(InputError, match=r"a\.png: not a readable image"):
            read(path)
    with pytest.raises(InputError, match="no such image"):
        images.read_rgb(tmp_path / "b.png")


def test_an_input_error_survives_a_worker_process() -> None:
    import pickle

    error = InputError("broken", where="a.txt:3", remedy="Mend it")
    assert str(pickle.loads(pickle.dumps(error))) == "a.txt:3: broken. Mend it"
