"""`python -m sim2real_lib.archive`: a finished artifact in one file, and back: whole or not at all.

An archive is a plain tar: the artifact's folder, its executed notebook, with 05 what the run's
folder gets of it, and last the hash of every file.
"""

import io
import json
import os
import shutil
import sys
import tarfile
from pathlib import Path

from sim2real_lib.errors import InputError
from sim2real_lib.files import MANIFEST, resolve, sha256, whole_file
from sim2real_lib.locks import LOCK
from sim2real_lib.plan import RESULTS

HASHES = "sha256.json"
OF_RESULTS = ("report.html", "results.csv", "results.parquet", MANIFEST)  # beside 05's folder


def pack(home: Path, artifact: str, archive: Path) -> None:
    """Write an archive; links, such as a training's to its images, are left out.

    Args:
        home: the run's folder.
        artifact: a finished artifact's folder below it.
        archive: the file to write.

    Raises:
        InputError: the artifact is not finished.
    """
    if not (home / artifact / MANIFEST).is_file():
        raise InputError("there is no finished result here", where=home / artifact)
    paths = [*(home / artifact).rglob("*"), *(home / name for name in _beside(artifact))]
    names = sorted(
        path.relative_to(home).as_posix()
        for path in paths
        if path.is_file() and not path.is_symlink() and path.name != LOCK
    )
    hashes = json.dumps({name: sha256(home / name) for name in names}).encode()
    with whole_file(archive) as temporary, tarfile.open(temporary, "w") as tar:
        for name in names:
            tar.add(home / name, name, filter=_nobodys)
        last = tarfile.TarInfo(HASHES)
        last.size = len(hashes)
        tar.addfile(last, io.BytesIO(hashes))


def unpack(archive: Path, home: Path, artifact: str, where: str = "") -> None:
    """Put an archive's files where they belong, once all of them are there and as they were.

    The artifact's folder comes last, so that one that is there is whole.

    Args:
        archive: what `pack` wrote, or so one hopes.
        home: the run's folder.
        artifact: the folder below it that the archive must be of.
        where: what a complaint calls its origin; the archive itself if it is not given.

    Raises:
        InputError: the archive is damaged, or holds anything else.
    """
    target = home / artifact
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        temporary.mkdir(parents=True)
        with tarfile.open(archive) as tar:
            tar.extractall(temporary, filter="data")
        hashes = json.loads((temporary / HASHES).read_text(encoding="utf-8"))
        (temporary / HASHES).unlink()
        paths = [path for path in temporary.rglob("*") if path.is_symlink() or not path.is_dir()]
        if any(path.is_symlink() for path in paths):
            raise ValueError("it holds links")
        found = {path.relative_to(temporary).as_posix(): sha256(path) for path in paths}
        if found != hashes:
            raise ValueError("its files are not those that were packed")
        beside = {name for name in found if not name.startswith(f"{artifact}/")}
        if f"{artifact}/{MANIFEST}" not in found or not beside <= _beside(artifact):
            raise ValueError(f"it is not one of {artifact}")
        for name in sorted(beside):
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (temporary / name).replace(home / name)
        shutil.rmtree(target, ignore_errors=True)
        (temporary / artifact).rename(target)
    except (tarfile.TarError, OSError, ValueError, EOFError) as error:
        raise InputError(
            f"not a whole archive of {artifact} ({error})",
            where=where or archive,
            remedy="Nothing of it was taken. Delete it there, and it is made and kept anew",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _beside(artifact: str) -> set[str]:
    """Files of an artifact that do not lie in its folder."""
    executed = f"notebooks/{artifact.replace('/', '-')}.ipynb"
    return {executed, *(OF_RESULTS if artifact == RESULTS else ())}


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without whose file it was."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    pack(resolve(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
