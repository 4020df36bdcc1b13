"""What was translated from what: one line a finished image, in a file beside the images."""

import errno
import os
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from sim2real_lib.errors import InputError
from sim2real_lib.files import ROOT, whole_file
from sim2real_lib.images import REMEDY

FILE = "records.jsonl"


class Source(msgspec.Struct, frozen=True):
    """An image as it was when it was translated; below the project's root relative to it."""

    image: str
    bytes: int
    mtime_ns: int  # when it was changed last, ns since 1970


class Record(msgspec.Struct, frozen=True):
    """That a frame's translation is finished, and has so many `bytes` on disk."""

    frame_id: str  # the source frame's
    source: Source
    translator: str  # its identity
    bytes: int
    made: str  # when, UTC


def source_of(image: str | Path) -> Source:
    """An image file as it is now.

    Raises:
        InputError: when there is none.
    """
    try:
        status = Path(image).stat()
    except OSError as error:
        raise InputError("there is no such image", where=image, remedy=REMEDY) from error
    return Source(str(image).removeprefix(f"{ROOT}/"), status.st_size, status.st_mtime_ns)


class Records:
    """The records of a folder's images, in `FILE`.

    A line is appended for each finished image, so a kill at any moment loses at most the images in
    work. A line that a kill has torn is ignored.

    Args:
        folder: where the file is, or will be.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._known = {record.frame_id: record for record in read(folder)}

    def hold(self, frame_id: str, source: Source, translator: str, target: Path) -> bool:
        """Whether `target` is this translation of this source, and is as large as it was made."""
        record = self._known.get(frame_id)
        if record is None or (record.source, record.translator) != (source, translator):
            return False
        return target.is_file() and target.stat().st_size == record.bytes

    def forget(self, frame_ids: Collection[str]) -> None:
        """Write the file anew without the records of some frames, and without torn lines."""
        forgotten = set(frame_ids)
        self._known = {i: record for i, record in self._known.items() if i not in forgotten}
        with whole_file(self.path) as temporary:
            temporary.write_bytes(b"".join(map(_line, self._known.values())))

    def add(self, frame_id: str, source: Source, translator: str, target: Path) -> None:
        """Append that `target` is finished; from any thread."""
        made = datetime.now(UTC).isoformat(timespec="seconds")
        line = _line(Record(frame_id, source, translator, target.stat().st_size, made))
        # One write to the file's end: the lines of several threads cannot mingle.
        with self.path.open("ab", buffering=0) as file:
            if file.write(line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))


def _line(record: Record) -> bytes:
    return msgspec.json.encode(record) + b"\n"


def read(folder: Path) -> Iterator[Record]:
    """The whole lines of a folder's records; none where there is no such file."""
    path = folder / FILE
    if not path.is_file():
        return
    decoder = msgspec.json.Decoder(Record)
    for line in path.read_bytes().splitlines():
        try:
            yield decoder.decode(line)
        except msgspec.MsgspecError:  # torn
            continue
