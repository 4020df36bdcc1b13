import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sim2real_lib import images
from sim2real_lib.errors import InputError

PNG = b"\x89PNG\r\n\x1a\n"


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def saved(path: Path, size: tuple[int, int] = (40, 20), **options: object) -> Path:
    Image.fromarray(noise(*size)).save(path, **options)
    return path


def sideways(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[images.ORIENTATION] = orientation
    return exif


def png_header(width: int, height: int) -> bytes:
    data = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return PNG + struct.pack(">I", 13) + data + struct.pack(">I", zlib.crc32(data))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.sampled_from(["png", "jpg", "bmp", "webp"]))
def test_a_size_is_that_of_the_decoded_image(
    tmp_path_factory: pytest.TempPathFactory, width: int, height: int, suffix: str
) -> None:
    path = saved(tmp_path_factory.mktemp("sizes") / f"image.{suffix}", (width, height))
    assert images.size(path) == (width, height)
    assert images.read_rgb(path).shape == (height, width, 3)


@pytest.mark.parametrize("options", [{"progressive": True}, {"quality": 5}, {"subsampling": 0}])
def test_every_kind_of_jpeg_has_a_size(tmp_path: Path, options: dict) -> None:
    assert images.size(saved(tmp_path / "image.jpg", **options)) == (40, 20)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "I;16", "1"])
def test_every_kind_of_png_has_a_size(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (40, 20)).save(tmp_path / "image.png")
    assert images.size(tmp_path / "image.png") == (40, 20)


def test_a_size_behind_long_remarks_is_found(tmp_path: Path) -> None:
    path = saved(tmp_path / "image.jpg", comment=b"x" * 20_000)
    assert images.size(path) == (40, 20)


def test_bytes_that_fill_up_a_jpeg_do_no_harm(tmp_path: Path) -> None:
    data = saved(tmp_path / "image.jpg").read_bytes()
    (tmp_path / "filled.jpg").write_bytes(data[:2] + b"\xff\xff" + data[2:])
    assert images.size(tmp_path / "filled.jpg") == (40, 20)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_taken_sideways_has_the_size_in_which_it_is_read(
    tmp_path: Path, suffix: str, orientation: int
) -> None:
    path = saved(tmp_path / f"image.{suffix}", exif=sideways(orientation))
    width, height = images.size(path)
    assert images.read_rgb(path).shape == (height, width, 3)
    assert (width, height) == ((20, 40) if orientation >= 5 else (40, 20))


def test_sizes_are_rows_of_whole_numbers(tmp_path: Path) -> None:
    paths = [saved(tmp_path / f"{width}.png", (width, 7)) for width in (3, 5)]
    assert images.sizes(paths).tolist() == [[3, 7], [5, 7]]
    assert images.sizes([]).shape == (0, 2)


@pytest.mark.parametrize(
    "data",
    [b"", b"text", PNG, b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\0\0", b"\0" * 5000],
)
def test_a_file_that_is_no_image_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(data)
    for reading in (images.size, images.read_rgb):
        with pytest.raises(InputError, match="not a readable image") as error:
            reading(path)
        assert error.value.where == str(path)
        assert error.value.remedy


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (2**31, 4)])
def test_a_header_that_cannot_be_true_is_not_believed(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(png_header(*size))
    with pytest.raises(InputError, match="not a readable image"):
        images.size(path)


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    for reading in (images.size, images.read_rgb, lambda path: images.verify([path])):
        with pytest.raises(InputError, match="no such image") as error:
            reading(tmp_path / "gone.png")
        assert error.value.where == str(tmp_path / "gone.png")


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_an_image_cut_off_in_the_middle_is_found_by_decoding_it(
    tmp_path: Path, suffix: str
) -> None:
    whole = saved(tmp_path / f"whole.{suffix}", (64, 64))
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    images.verify([whole], progress=False)
    assert images.size(cut) == (64, 64)
    with pytest.raises(InputError, match="not a readable image") as error:
        images.verify([whole, cut], progress=False)
    assert error.value.where == str(cut)


def test_colours_survive_writing_and_reading(tmp_path: Path) -> None:
    image = noise(9, 6)
    images.write_rgb(tmp_path / "image.png", image)
    assert (images.read_rgb(tmp_path / "image.png") == image).all()
    assert (cv2.imread(str(tmp_path / "image.png"))[..., ::-1] == image).all()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"exif": sideways(3)}])
def test_a_jpeg_that_was_cut_short_is_refused_and_not_filled_up_with_grey(
    tmp_path: Path, options: dict
) -> None:
    path = saved(tmp_path / "image.jpg", (60, 80), **options)
    data = path.read_bytes()
    assert images.read_rgb(path).shape == (80, 60, 3)
    for share in (0.5, 0.9, 0.999):
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(InputError, match=r"image\.jpg: not a readable image"):
            images.read_rgb(path)
    path.write_bytes(data + b"remarks")  # as some cameras leave them
    assert images.read_rgb(path).shape == (80, 60, 3)
