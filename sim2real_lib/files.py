"""Where things lie, and how they are written: whole or not at all.

Every artifact folder carries a `manifest.json`, written last. A folder without one is unfinished.
"""

import errno
import hashlib
import json
import os
import platform
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sim2real_lib import __version__, locks
from sim2real_lib.errors import InputError

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = "manifest.json"
MANIFEST_TYPES: dict[str, type | tuple[type, ...]] = {  # what every stage records, see `seal`
    "finished": str, "seconds": (int, float), "timings": dict, "params": dict, "inputs": dict,
    "code": str, "packages": dict, "platform": str,
}  # fmt: skip
A_STAGES_OWN: dict[str, dict] = {"timings": {}, "inputs": {}}  # a whole run's manifest has none
LARGEST_MANIFEST = 1 << 26  # bytes; one with a thousand inputs has 2**17
FULL, LITTLE = (errno.ENOSPC, errno.EDQUOT), 1 << 16  # of a disk: its errors, bytes left
READ_AGAIN = (".parquet", ".pt")  # what later notebooks read: its size is recorded
PACKAGES = (
    "torch",
    "torchvision",
    "ultralytics",
    "lightning-fabric",
    "numpy",
    "pandas",
    "opencv-python",
)


def resolve(path: str | Path) -> Path:
    """A path as a person writes it in params: relative ones count from the project's root.

    JupyterLab works in the notebook's folder and papermill in the caller's; a run must not depend
    on either.
    """
    return ROOT / Path(path).expanduser()


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; rename it to `path` only when the block succeeds.

    Raises:
        InputError: when the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The real suffix stays last: image and parquet writers choose their format by it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    except (OSError, RuntimeError) as error:  # torch's writer says no more than that it failed
        if getattr(error, "errno", 0) not in FULL and shutil.disk_usage(path.parent).free > LITTLE:
            raise
        raise InputError(
            f"cannot be written ({os.strerror(errno.ENOSPC)})",
            where=path,
            remedy="Make room and run again: what is finished is kept",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON to `path`, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, default=str) + "\n")


def read_bytes(path: Path, most: int) -> bytes:
    """The bytes of a file that may be anybody's.

    Raises:
        OSError: when it cannot be read.
        InputError: when it is a pipe or device, which might never end, or holds more bytes than
            `most`.
    """
    status = path.stat()
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise InputError("this is a pipe or a device, not a file", where=path, remedy="Remove it")
    if status.st_size > most:
        remedy = "Is it the file that its name says?"
        what = f"{status.st_size:,} bytes are more than the {most:,} that such a file may have"
        raise InputError(what, where=path, remedy=remedy)
    with path.open("rb", buffering=0) as file:
        return file.read()


def sha256(path: Path) -> str:
    """The hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def key(*values: Any) -> str:
    """Eight hexadecimal digits that name what was asked: equal for equal values only.

    Work that a changed parameter makes worthless lies in a folder of this name, so that a killed
    stage goes on where it was and a changed one starts anew.
    """
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


class Artifact:
    """One stage's output folder: begun, filled, and sealed by its manifest.

    From the beginning to the seal no other process can begin it.

    Args:
        folder: where the stage writes.
        params: the stage's parameters, as plain values.
        inputs: name -> file that the stage reads; their hashes are recorded as they are now.

    Raises:
        InputError: when another process is at work in the folder.
    """

    def __init__(
        self, folder: Path, params: Mapping[str, Any], inputs: Mapping[str, Path] | None = None
    ) -> None:
        self.folder, self.params = folder, dict(params)
        self.inputs = {name: sha256(path) for name, path in sorted((inputs or {}).items())}
        self.timings: dict[str, float] = {}
        self._started = time.perf_counter()
        locks.hold(folder)
        (folder / MANIFEST).unlink(missing_ok=True)  # from here on the folder is unfinished

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Record how many seconds a step of the stage took."""
        started = time.perf_counter()
        yield
        self.timings[step] = round(time.perf_counter() - started, 2)

    def seal(self, **facts: Any) -> dict[str, Any]:
        """Write the manifest, last of all, and return it."""
        manifest = {
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - self._started, 2),
            "timings": self.timings,
            "params": self.params,
            "inputs": self.inputs,
            "files": {
                path.relative_to(self.folder).as_posix(): path.stat().st_size
                for path in sorted([*self.folder.glob("*"), *self.folder.glob("catalog/*")])
                if path.suffix in READ_AGAIN and not path.name.startswith(".")
            },
            "code": code_version(),
            "packages": package_versions(),
            "platform": f"{platform.platform()}, Python {platform.python_version()}",
            **facts,
        }
        write_json(self.folder / MANIFEST, manifest)
        locks.release(self.folder)
        return manifest


def read_manifest(folder: Path, remedy: str) -> dict[str, Any]:
    """The manifest of a finished artifact.

    Raises:
        InputError: when the folder is missing, unfinished, or its manifest is damaged.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError("there is no finished result here", where=folder, remedy=remedy)
    try:
        found = json.loads(read_bytes(path, LARGEST_MANIFEST))
        wrong = "" if isinstance(found, dict) else "not an object"
        for name, kind in MANIFEST_TYPES.items() if not wrong else ():
            value = found.get(name, A_STAGES_OWN.get(name))
            if not isinstance(value, kind) or value != value:
                wrong = f"{name} is {value!r}"
    except (ValueError, RecursionError, OSError) as error:
        raise InputError(f"damaged manifest ({error})", where=path, remedy=remedy) from error
    if wrong:
        raise InputError(f"damaged manifest ({wrong})", where=path, remedy=remedy)
    return found


def code_version() -> str:
    """The library's version, with git's commit and whether the tree was changed, where known."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return __version__
    described = subprocess.run(
        [git, "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    return f"{__version__}+{described}" if described else __version__


def package_versions() -> dict[str, str]:
    """The installed versions of the packages that decide a result."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
