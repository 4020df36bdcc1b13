"""A picture is sent as its file is, if a browser can show that, and no larger than asked."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from sim2real_lib.display.comparison_widget.sent import Sent
from sim2real_lib.errors import InputError
from sim2real_lib.images import write_rgb

IMAGE = np.random.default_rng(0).integers(0, 255, (60, 200, 3), np.uint8)


def written(path: Path) -> Path:
    write_rgb(path, IMAGE)
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_file_that_a_browser_shows_is_sent_untouched(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path / f"picture{suffix}")
    (picture,) = Sent(200, 4).of([path])
    assert picture.data == path.read_bytes()
    assert picture.size == (200, 60)


def test_a_wide_one_is_made_smaller_and_another_format_a_jpeg(tmp_path: Path) -> None:
    paths = [written(tmp_path / "wide.png"), written(tmp_path / "picture.bmp")]
    for width, path in zip((100, 200), paths, strict=True):
        (picture,) = Sent(width, 4).of([path])
        assert picture.data.startswith(b"\xff\xd8\xff")
        assert picture.size == (200, 60), "of the file, whose pixels the boxes are in"
        made = cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR)
        assert made.shape[1] == width


def test_only_so_many_are_remembered(tmp_path: Path) -> None:
    paths = [written(tmp_path / f"{number}.png") for number in range(7)]
    sent = Sent(200, 3)
    for path in paths:
        sent.of([path, path])
        assert sent.remembered.cache_info().currsize <= 3
    assert sent.remembered.cache_info().misses >= 7


def test_what_is_no_picture_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "words.jpg").write_text("words")
    with pytest.raises(InputError, match=r"words\.jpg: not a readable image"):
        Sent(200, 3).of([tmp_path / "words.jpg"])
    with pytest.raises(InputError, match="there is no such image"):
        Sent(200, 3).of([tmp_path / "none.jpg"])
