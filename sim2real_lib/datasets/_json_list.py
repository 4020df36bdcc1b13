"""The records of a JSON list of any size, decoded half a megabyte at a time.

The text is cut at a comma where, by the braces, a record has ended; each piece, put in brackets, is
decoded as a list of its own. Braces within strings may mislead the cut but never the result: text
that begins with a record and is a list once it is put in brackets ends with a whole record. Where
a piece is none, the rest of the file is decoded at once, which succeeds or says what is wrong.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from sim2real_lib.errors import InputError
from sim2real_lib.progress import progress_bar

CHUNK = 1 << 19  # bytes read at a time: what is made of them stays in the processor's cache
TAIL = 1 << 16  # bytes at the end in which the cut is sought first: three of BDD100K's records
MOST = 1 << 34  # bytes of a file; BDD100K's largest has 2**31
LARGE = 100_000_000  # bytes that take long enough to read for a progress bar
BATCH = 1000  # records at a time where the rest of a file is decoded at once

# Damage or another type; text that is not UTF-8; brackets within brackets without end
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
OPENING = re.compile(rb'\s*(\{\s*"frames"\s*:\s*)?\[')
WRAPPING = b'{"frames":'
COMMA = re.compile(rb"\s*,")

T = TypeVar("T")


class _Wrapped(msgspec.Struct):
    frames: list[msgspec.Raw]


def batches(path: Path, kind: type[T], what: str, remedy: str) -> Iterator[list[T]]:
    """The records of a file that holds a list of them, or an object with such a list as `frames`.

    Args:
        path: JSON text in UTF-8.
        kind: the records' type, as msgspec has it.
        what: a record's name in messages.
        remedy: what to do when the file cannot be opened.

    Raises:
        InputError: when the file is no such list, or a record is not of that type; names the
            record, counted from 1, and the byte, counted from 0.
    """
    decoder = msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]
    try:
        size = path.stat().st_size
        if size > MOST:
            what = f"{size:,} bytes are more than the {MOST:,} that such a file may have"
            raise InputError(what, where=path, remedy=remedy)
        bar = progress_bar(
            total=size, desc=path.name, unit="B", unit_scale=True, disable=size < LARGE
        )
        with path.open("rb", buffering=0) as file, bar:
            text = _Text(file)
            while got := text.read():
                bar.update(got)
                records = text.take(decoder)
                if records is None:
                    break
                if records:
                    yield records
            text.read_all()
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise InputError(reason, where=path, remedy=remedy) from error
    rest = _rest(text, kind, path, what)
    while records := list(islice(rest, BATCH)):
        yield records


class _Text:
    """What has been read of a file and is not decoded yet: `buffer[:end]`.

    Attributes:
        start: the byte of the file with which that begins.
        count: how many records came before it.
    """

    def __init__(self, file: FileIO) -> None:
        head = file.read(64) or b""
        opening = OPENING.match(head)
        self.file = file
        self.is_list = opening is not None
        self.wrapping = WRAPPING if opening and opening[1] else b""
        self.start = opening.end() - 1 if opening else 0
        self.buffer = bytearray(head[self.start :])
        self.end = len(self.buffer)
        self.count = 0

    def read(self) -> int:
        """Read on; the number of bytes, 0 at the file's end."""
        until = self.end + max(CHUNK, self.end)  # doubled for as long as no record is whole
        self.buffer.extend(bytes(max(0, until - len(self.buffer))))
        got = self.file.readinto(memoryview(self.buffer)[self.end : until]) or 0
        self.end += got
        return got

    def read_all(self) -> None:
        """Read to the file's end."""
        self.buffer[self.end :] = self.file.readall()
        self.buffer[:0] = self.wrapping
        self.start -= len(self.wrapping)

    def take(self, decoder: msgspec.json.Decoder[list[T]]) -> list[T] | None:
        """Decode the whole records there are, and go on behind them; None where that fails."""
        for tail in (TAIL, self.end) if self.is_list else ():
            comma = _cut(self.buffer, self.end, tail)
            if comma < 0:
                return []
            self.buffer[comma] = ord("]")
            try:
                records = decoder.decode(memoryview(self.buffer)[: comma + 1])
            except UNREADABLE:
                self.buffer[comma] = ord(",")
                continue
            self.buffer[comma] = ord("[")  # the rest is a list of its own
            self.buffer[: self.end - comma] = self.buffer[comma : self.end]
            self.start, self.end = self.start + comma, self.end - comma
            self.count += len(records)
            return records
        return None


def _cut(text: bytearray, end: int, tail: int) -> int:
    """Where in `text[:end]` the comma behind the last whole record stands; -1: there is none."""
    for brace in _ends(text, end, tail)[::-1]:
        if comma := COMMA.match(text, brace + 1, end):
            return comma.end() - 1
    return -1


def _ends(text: bytearray, end: int, tail: int) -> list[int]:
    """Where in the `tail` of `text[:end]` records end, by the braces.

    Between records no brace is open; how many are where the tail begins is not known, but nowhere
    in it are fewer open than between two records.
    """
    begin = max(0, end - tail)
    codes = np.frombuffer(text, np.uint8)[begin:end]
    braces = np.flatnonzero((codes == ord("{")) | (codes == ord("}")))
    closing = codes[braces] == ord("}")
    depth = np.where(closing, -1, 1).cumsum()
    between = depth.min(initial=end) if begin else 0
    return (begin + braces[closing & (depth == between)]).tolist()


def _rest(text: _Text, kind: type[T], path: Path, what: str) -> Iterator[T]:
    """The records of text that reaches to the file's end, each decoded by itself."""
    raws = _raws(text, path, what)
    decoder = msgspec.json.Decoder(kind)
    for position, raw in enumerate(raws):
        try:
            yield decoder.decode(raw)
        except UNREADABLE as error:
            byte = text.start + _place(raws[: position + 1], text.buffer)
            raise InputError(
                f"not a {what} ({error}); it begins at byte {byte}",
                where=f"{path}: record {text.count + position + 1}",
            ) from error


def _raws(text: _Text, path: Path, what: str) -> list[msgspec.Raw]:
    not_a_list = f"not a list of {what}s"
    try:
        whole = msgspec.json.decode(text.buffer, type=list[msgspec.Raw] | _Wrapped)
    except (msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{not_a_list} ({error})", where=path) from error
    except msgspec.DecodeError as error:
        reason, _, place = str(error).partition(" (byte ")  # none where the text breaks off
        byte = int(place.rstrip(")")) if place else len(text.buffer)
        before = text.count + _whole_records(text.buffer[len(text.wrapping) : byte])
        behind = f", behind record {before}" if before else ""
        raise InputError(
            f"{not_a_list} ({reason}) at byte {text.start + byte}{behind}", where=path
        ) from error
    raws = whole.frames if isinstance(whole, _Wrapped) else whole
    if text.count and not raws:
        raise InputError(f"{not_a_list} (a comma ends it), behind record {text.count}", where=path)
    return raws


def _whole_records(text: bytearray) -> int:
    """How many records there are before the place where a list is damaged."""
    for brace in _ends(text, len(text), len(text))[:-4:-1]:  # some may be of what follows the list
        with suppress(*UNREADABLE):
            return len(msgspec.json.decode(text[: brace + 1] + b"]", type=list[msgspec.Raw]))
    return 0


def _place(raws: Sequence[msgspec.Raw], text: bytearray) -> int:
    """Where in `text` the last of these consecutive records begins."""
    begin = end = 0
    for raw in map(bytes, raws):
        begin = text.index(raw, end)
        end = begin + len(raw)
    return begin
