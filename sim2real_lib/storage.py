"""Finished artifacts in S3-compatible storage: kept there, and fetched instead of made again.

An artifact is kept as one archive, named by what was asked for: a notebook's cells, its parameters,
and the same of all that it is made of. So what lies there under a name is what a run would make
here. `rule keep` uploads; `fetch` brings here what would have to be made otherwise.
"""

import asyncio
import csv
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from sim2real_lib import __version__
from sim2real_lib.archive import unpack
from sim2real_lib.datasets import sources
from sim2real_lib.errors import InputError
from sim2real_lib.files import MANIFEST, ROOT, key, resolve
from sim2real_lib.params import DataAnalysis, translation_folder
from sim2real_lib.plan import ANALYSIS, DETECTORS, RESULTS, Plan, source
from sim2real_lib.profiles import how
from sim2real_lib.s3 import server
from sim2real_lib.translation import rejections


@dataclass(frozen=True)
class Kept:
    """An artifact that can lie in the storage.

    Attributes:
        home: the run's folder, as a person writes it.
        artifact: its folder below that, such as "04_yolo_training/nst-seed0".
        asked: eight hexadecimal digits of all that decides what it is.
        needs: the manifests that it is made from.
    """

    home: str
    artifact: str
    asked: str
    needs: tuple[str, ...] = ()

    @property
    def manifest(self) -> str:
        """What says that it is finished."""
        return f"{self.home}/{self.artifact}/{MANIFEST}"

    @property
    def archive(self) -> str:
        """Its name in the storage."""
        return f"{self.artifact}/{self.asked}.tar"


def artifacts(plan: Plan) -> list[Kept]:
    """All of a run's artifacts, each after those that it is made from."""
    rejected = rejections.read(resolve(plan.data) / rejections.FILE).to_numpy().tolist()

    def made(home: str, artifact: str, asked: object, of: list[Kept]) -> Kept:
        notebook = artifact.split("/")[0]
        values = how(notebook, plan.notebooks[notebook].model_dump(mode="json"))
        whole = key(__version__, source(notebook), values, asked, sorted(one.asked for one in of))
        return Kept(home, artifact, whole, tuple(one.manifest for one in of))

    # Where the catalog's images lie is a part of it: they are named from the project's root.
    analysis = made(plan.data, ANALYSIS, plan.data, [])
    variants = dict.fromkeys(v for p in plan.arms.values() for v in p.translated)
    translated = {}
    for variant in variants:
        folder = translation_folder(Path(), variant).as_posix()
        translated[variant] = made(plan.data, folder, plan.translation(variant), [analysis])
    found = [analysis, *translated.values()]
    for home in plan.homes.values():
        trained = []
        for arm, p in plan.detectors(home).items():
            of = [analysis, *(translated[variant] for variant in p.translated)]
            out = sorted(row for row in rejected if row[0] in p.translated)
            asked = how("", p.model_dump(mode="json", exclude={"arm", "seed"}))
            for seed in plan.run.seeds:
                name = f"{DETECTORS}/{arm}-seed{seed}"
                trained.append(made(home, name, [asked, arm, seed, out], of))
        compared = {"arms": plan.run.arms, "seeds": plan.run.seeds}
        results = made(home, RESULTS, compared, [*trained, *translated.values()])
        found += [*trained, results]
    return found


def fetch(plan: Plan, file: Path) -> None:
    """Bring here every artifact that would have to be made otherwise and is in the storage.

    Snakemake says what would have to be made, and is told in the end that it need not be.

    Args:
        plan: the run's; without `storage` nothing happens.
        file: its run.yaml.

    Raises:
        InputError: the plugin is missing, the server does not answer, or an archive is damaged.
    """
    if not plan.run.storage:
        return
    wanted = artifacts(plan)
    places = {one.manifest: f"{plan.run.storage}/{one.archive}" for one in wanted}
    with server(plan.run.storage) as provider:
        objects = {name: provider.object(place) for name, place in places.items()}
        stored = {name for name, one in objects.items() if asyncio.run(one.managed_exists())}
    pending = _pending(file) & places.keys() if stored else set()
    fetched: list[str] = []
    for one in wanted:
        missing = pending.difference(fetched)
        if one.manifest not in stored & pending or missing.intersection(one.needs):
            continue
        print(f"From {plan.run.storage}: {one.home}/{one.artifact}", flush=True)
        with TemporaryDirectory() as scratch, server(places[one.manifest]):
            objects[one.manifest].set_local_path(Path(scratch, "archive.tar"))
            asyncio.run(objects[one.manifest].managed_retrieve())
            where = places[one.manifest]
            unpack(Path(scratch, "archive.tar"), resolve(one.home), one.artifact, where)
        fetched.append(one.manifest)
    if fetched and pending.difference(fetched):  # further jobs need the images, too
        data = cast(DataAnalysis, plan.notebooks[ANALYSIS])
        sources.prepare(data.with_values(run=plan.data))
    if fetched:
        options = ("--touch", "--nolock", "--scheduler", "greedy", "--quiet", "all")
        _snakemake(file, *options, "--", *fetched)


def _pending(file: Path) -> set[str]:
    """The files that Snakemake would make."""
    table = csv.DictReader(_snakemake(file, "--summary").splitlines(), delimiter="\t")
    return {row["output_file"] for row in table if row["plan"] != "no update"}


def _snakemake(file: Path, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--configfile", str(file), "--cores", "1", *options],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise InputError(done.stderr.strip(), where="Snakemake")
    return done.stdout
