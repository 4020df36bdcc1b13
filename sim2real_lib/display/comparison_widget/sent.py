"""The bytes of pictures for a browser, the last few of them remembered."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from sim2real_lib.display.pictures import fit, to_jpeg
from sim2real_lib.errors import InputError
from sim2real_lib.images import REMEDY, read_rgb, size

QUALITY = 90  # of a picture that is sent smaller than its file
READABLE = {b"\xff\xd8\xff", b"\x89PN"}  # what a file begins with that any browser shows


class Picture(NamedTuple):
    """A picture as a browser can read it.

    Attributes:
        data: of a JPEG or PNG file.
        size: width and height in pixels of the file that it was made of.
    """

    data: bytes
    size: tuple[int, int]


class Sent:
    """Reads pictures for a browser.

    Args:
        width: pixels that a picture has at most; a smaller file is sent as it is.
        remembered: how many pictures are kept at most.
    """

    def __init__(self, width: int, remembered: int) -> None:
        self._width = width
        self.remembered = lru_cache(maxsize=remembered)(self._read)
        self._readers = ThreadPoolExecutor(max_workers=3)  # a frame has three pictures

    def of(self, paths: Sequence[str | Path]) -> list[Picture]:
        """The pictures of some files, in their order.

        Raises:
            InputError: when a file is missing or no picture.
        """
        return list(self._readers.map(self.remembered, map(str, paths)))

    def _read(self, path: str) -> Picture:
        full = size(path)
        if full[0] > self._width:
            return Picture(to_jpeg(fit(read_rgb(path), self._width), QUALITY), full)
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise InputError(str(error.strerror), where=path, remedy=REMEDY) from error
        if data[:3] not in READABLE:
            data = to_jpeg(read_rgb(path), QUALITY)
        return Picture(data, full)
