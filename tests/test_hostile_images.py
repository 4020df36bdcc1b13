"""What a stranger's image can do: be decoded within bounds, or be refused."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sim2real_lib import images
from sim2real_lib.catalog import appearance
from sim2real_lib.errors import InputError

READERS: dict[str, Callable[[Path], object]] = {
    "size": images.size,
    "read_rgb": images.read_rgb,
    "verify": lambda path: images.verify([path], progress=False),
}
every_reader = pytest.mark.parametrize("read", READERS.values(), ids=READERS)


def png(path: Path, width: int, height: int) -> Path:
    """A whole PNG of one colour and a bit a pixel, row by row: kilobytes for gigabytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    rows = [packer.compress(row) for _ in range(min(height, 1000))]
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = b"".join(rows) + packer.flush()
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )
    return path


def jpeg(path: Path, width: int, height: int) -> Path:
    """A small JPEG whose header claims another size."""
    Image.new("RGB", (16, 16)).save(path)
    data = bytearray(path.read_bytes())
    place = data.index(b"\xff\xc0")
    data[place + 5 : place + 9] = struct.pack(">HH", height, width)
    path.write_bytes(data)
    return path


@every_reader
@pytest.mark.parametrize("side", [8193, 30_000, 60_000, 65_535, 1_000_000])
def test_a_png_that_claims_gigabytes_of_pixels_is_refused(
    read: Callable[[Path], object], side: int, tmp_path: Path
) -> None:
    bomb = png(tmp_path / "bomb.png", side, side)
    assert bomb.stat().st_size < 1 << 20
    with pytest.raises(InputError, match=r"are more than|not a readable image"):
        read(bomb)


@every_reader
def test_a_jpeg_that_claims_gigabytes_of_pixels_is_refused(
    read: Callable[[Path], object], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="are more than the 67,108,864"):
        read(jpeg(tmp_path / "bomb.jpg", 65_500, 65_500))


def test_the_largest_camera_there_is_may_be_read(tmp_path: Path) -> None:
    assert images.size(png(tmp_path / "large.png", 8192, 8192)) == (8192, 8192)


@every_reader
@pytest.mark.parametrize("kind", ["EPS", "GIF", "PPM", "PCX", "TGA", "ICO", "PDF"])
def test_formats_that_no_data_set_has_are_not_decoded_whatever_their_suffix(
    read: Callable[[Path], object], kind: str, tmp_path: Path
) -> None:
    # Pillow hands an EPS to Ghostscript, which runs it.
    path = tmp_path / "frame.png"
    Image.new("RGB", (64, 64)).save(path, format=kind)
    with pytest.raises(InputError, match="not a readable image"):
        read(path)


@every_reader
@pytest.mark.parametrize("kind", images.FORMATS)
def test_formats_that_data_sets_have_are_read(
    read: Callable[[Path], object], kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "frame"
    Image.new("RGB", (64, 32), (200, 30, 30)).save(path, format=kind)
    read(path)
    assert images.size(path) == (64, 32)


@every_reader
def test_a_pipe_is_refused_and_not_waited_for(
    read: Callable[[Path], object], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(InputError, match="no such image"):
        read(tmp_path / "pipe.png")


@every_reader
def test_damage_at_any_place_is_refused_or_harmless(
    read: Callable[[Path], object], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (24, 40, 3)).astype(np.uint8)
    for kind in images.FORMATS:
        path = tmp_path / f"frame.{kind.lower()}"
        Image.fromarray(noise).save(path, format=kind)
        whole = path.read_bytes()
        for _ in range(60):
            data = bytearray(whole)
            for place in rng.integers(0, min(len(data), 400), 3):
                data[place] = rng.integers(0, 256)
            path.write_bytes(data[: rng.integers(1, len(data) + 1)])
            try:
                read(path)
            except InputError as error:
                assert str(path) == error.where


def test_the_look_of_images_is_measured_within_the_same_bounds(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        appearance.look(str(png(tmp_path / "bomb.png", 60_000, 60_000)))
