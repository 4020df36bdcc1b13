"""Reading and writing images: RGB, uint8, whole or not at all."""

import os
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from sim2real_lib.errors import InputError
from sim2real_lib.files import whole_file
from sim2real_lib.progress import progress_bar

RGB = np.ndarray  # (height, width, 3), uint8, 0-255

# ITU-T T.81, table B.1: SOF0 to SOF15 without DHT (C4), JPG (C8) and DAC (CC)
JPEG_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_EXIF = 0xE1  # APP1
JPEG_START, JPEG_SCAN, JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
ORIENTATION, SIDEWAYS = 0x0112, range(5, 9)  # Exif's tag, and its values for a quarter turn
LARGEST_PLAIN = 2**16  # pixels; a header that says more is damaged, as one that says 0
MOST_PIXELS = 2**26  # of an image, 8192x8192: a few bytes can claim to be gigabytes of pixels
MOST_ASPECT = 100  # the longer side over the shorter
# Pillow knows more, among them one that hands the file to another program.
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")

REMEDY = "Download or generate it again, or remove the frame from the data set"


def read_rgb(path: str | Path) -> RGB:
    """Decode an image file to (height, width, 3) RGB, uint8, 0-255.

    Raises:
        InputError: when the file is missing, is in none of `FORMATS`, is damaged, cut short, or has
            more than `MOST_PIXELS`.
    """
    size(path)  # before a decoder makes room for what the header says
    data = Path(path).read_bytes()
    # OpenCV would fill up with grey what a JPEG lacks. Within a scan's data neither marker occurs.
    cut = data.startswith(JPEG_START) and data.rfind(JPEG_SCAN) > data.rfind(JPEG_END)
    image = None
    if not cut:
        with suppress(cv2.error):
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError("not a readable image", where=path, remedy=REMEDY)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def write_rgb(path: Path, image: RGB, *, jpeg_quality: int = 95) -> None:
    """Write (height, width, 3) RGB uint8; the suffix chooses the format."""
    options = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality] if path.suffix in (".jpg", ".jpeg") else []
    # OpenCV's own PNG settings are its fastest: level 1 asked for by name takes twice as long.
    encoded = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1]
    with whole_file(path) as temporary:
        temporary.write_bytes(encoded.tobytes())  # by Python, whose errors say why


def sizes(paths: Sequence[str | Path]) -> np.ndarray:
    """(n, 2) widths and heights in pixels, whole numbers, from the files' headers alone.

    Raises:
        InputError: naming the first file that is missing or no image.
    """
    return np.array([size(path) for path in paths], dtype=np.int64).reshape(-1, 2)


def size(path: str | Path) -> tuple[int, int]:
    """(width, height) in pixels from the file's header alone, as `read_rgb` turns it upright.

    Raises:
        InputError: when the file is missing, or its header is not an image's, or says more
            than `MOST_PIXELS` or a shape beyond `MOST_ASPECT`.
    """
    width, height = _size(path)
    if width * height > MOST_PIXELS:
        what = f"{width}x{height} pixels are more than the {MOST_PIXELS:,} that are read"
        raise InputError(what, where=path, remedy=REMEDY)
    if max(width, height) > MOST_ASPECT * min(width, height):  # at a common height it would be huge
        raise InputError(f"no camera makes {width}x{height} pixels", where=path, remedy=REMEDY)
    return width, height


def _size(path: str | Path) -> tuple[int, int]:
    if not Path(path).is_file():  # a pipe would be waited for
        raise InputError("there is no such image", where=path, remedy=REMEDY)
    with suppress(OSError, struct.error, IndexError):  # Pillow says better what is wrong
        found = _size_in(_first_bytes(path))
        if found and min(found) > 0 and max(found) < LARGEST_PLAIN:
            return found
    try:
        with Image.open(path, formats=FORMATS) as image:
            width, height = image.size
            turned = image.getexif().get(ORIENTATION) in SIDEWAYS
            return (height, width) if turned else (width, height)
    except Exception as error:  # a damaged header makes Pillow raise nearly anything
        raise InputError(f"not a readable image ({error})", where=path, remedy=REMEDY) from error


def verify(paths: Iterable[str | Path], *, progress: bool = True) -> None:
    """Decode every image once, so that a truncated one stops a run before its long work.

    Raises:
        InputError: naming the first image that does not decode whole.
    """
    for path in progress_bar(
        list(paths), desc="checking images", disable=not progress, unit="image"
    ):
        try:
            size(path)
            with Image.open(path, formats=FORMATS) as image:
                image.load()
        except InputError:
            raise
        except Exception as error:  # a damaged image makes Pillow raise nearly anything
            raise InputError(
                f"not a readable image ({error})", where=path, remedy=REMEDY
            ) from error


def _first_bytes(path: str | Path) -> bytes:
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, 4096)
    finally:
        os.close(file)


def _size_in(head: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG or JPEG, where they stand among its first bytes and no Exif does.

    Several times faster than opening the file with Pillow, which also sets up a decoder.
    """
    plain_png = head.startswith(b"\x89PNG\r\n\x1a\n") and b"eXIf" not in head
    if plain_png and head[12:16] == b"IHDR":
        width, height = struct.unpack_from(">II", head, 16)
        return width, height
    place = 2 if head.startswith(b"\xff\xd8\xff") else len(head)
    while place + 9 <= len(head) and head[place] == 0xFF:
        marker, length = struct.unpack_from(">BH", head, place + 1)
        if marker in JPEG_FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", head, place + 5)
            return width, height
        if marker == JPEG_EXIF:
            return None  # it may turn the image by its side
        place += 2 + length
    return None
