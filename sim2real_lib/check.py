"""`python -m sim2real_lib.check paper`: what a profile has to work on, in seconds, before any work.

Every label file of KITTI and Virtual KITTI is read, every frame of BDD100K is looked up; what is
missing is named with where to get it, and each arm's training frames are counted.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import torch
import yaml

from sim2real_lib import params
from sim2real_lib.catalog import Catalog, concat
from sim2real_lib.catalog import split as splitting
from sim2real_lib.catalog.mix import MIX
from sim2real_lib.datasets import sources
from sim2real_lib.detection import compose
from sim2real_lib.errors import InputError
from sim2real_lib.files import ROOT, resolve
from sim2real_lib.params import DataAnalysis, NSTGeneration, Run, YOLOTraining
from sim2real_lib.plan import Plan
from sim2real_lib.translation import vgg

DOWNLOADS = Path(sources.__file__).with_name("downloads.yaml")
GOOD, BAD, NOTE = "✓", "✗", "·"


def main(profile: str = "demo") -> int:
    """Print what `params/<profile>` would run on. Returns 0 when nothing is missing, else 1."""
    try:
        file = Path("params") / profile / "run.yaml"
        run = Run.from_yaml(file)
        plan = Plan.of(run, where=file)
        data = DataAnalysis.from_yaml(run.file("01_data_analysis"))
        nst = NSTGeneration.from_yaml(run.file("03_nst_generation"))
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    homes = ", ".join(plan.homes.values())
    print(f"Profile {profile}: {', '.join(run.params)}, results in {homes}\n")
    found, missing = [], False
    undrawn = data.data == "minidrive" and not sources.roots(data)["kitti"].is_dir()
    if undrawn:
        print(f"{GOOD} {'minidrive':10} notebook 01 draws it: nothing to download")
    for name, what, lines in () if undrawn else look(data):
        print(f"{BAD if what is None else GOOD} {name:10} {lines[0]}")
        for line in lines[1:]:
            print(f"{'':13}{line}")
        missing |= what is None
        found += [] if what is None else [what]
    print(f"{NOTE} {'device':10} {device()}")
    print(f"{NOTE} {nst.network.upper():10} {vgg_weights(nst)}")
    if found:
        print()
        missing |= not print_arms(concat(found), data, plan)
    print(f"\n{'Something is missing.' if missing else f'Ready: make demo PROFILE={profile}'}")
    return int(missing)


def look(p: DataAnalysis) -> Iterator[tuple[str, Catalog | None, list[str]]]:
    """Each data set: its name, its frames (None: not usable), and what to say of it."""
    roots, downloads = sources.roots(p), yaml.safe_load(DOWNLOADS.read_text(encoding="utf-8"))
    for name, reader in sources.quick_readers(p).items():
        yield name, *_tried(reader, roots.get(name), downloads.get(name))


def print_arms(catalog: Catalog, p: DataAnalysis, plan: Plan) -> bool:
    """Frames by arm, and what the translators learn from; False when an arm cannot be filled."""
    try:
        divide = splitting.by_sequence if p.split == "sequence" else splitting.by_frame
        catalog = divide(
            catalog, val_fraction=p.val_fraction, seed=p.seed, targets=sources.targets(p)
        )
        baseline = compose.compose(catalog)
    except InputError as error:
        print(f"{BAD} arms: {error}")
        return False
    frames, complete = catalog.frames, True
    mix = baseline.frames["variant"].value_counts().reindex(MIX, fill_value=0)
    for arm, chosen in plan.arms.items():
        try:
            made = _made_of(catalog, mix, chosen, len(baseline))
        except InputError as error:
            made, complete = str(error), False
        count = len(baseline) * (1 + len(chosen.added))
        print(f"{'arm':5}{arm:12} {count:,} training frames: {made}")
    target = frames[~frames["source"].isin(splitting.DIVIDED) & (frames["split"] == "train")]
    day = target[target["timeofday"] == "daytime"]["weather"].value_counts()
    learnt = [f"{style} {day.get(params.STYLES[style], 0):,}" for style in params.STYLES]
    print(f"\nDaytime training frames of the target, for 02 and 03: {', '.join(learnt)}")
    test = frames[frames["split"] == "test"]["weather"].value_counts()
    print(f"Test frames: {test.sum():,} ({_counts(test)})")
    return complete


def device() -> str:
    """What would train."""
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
        return ", ".join(names)
    return "no GPU: MiniDrive is fine, real data would take weeks"


def vgg_weights(p: NSTGeneration) -> str:
    """Where notebook 03 would take VGG's weights from."""
    path = resolve(p.weights) if p.weights else vgg.cached(p.network)
    if path.is_file():
        return f"ImageNet weights in {path}"
    return f"no file {path}: 03 would use random features; from {vgg.URLS[p.network]}"


def _tried(
    reader: Callable[[], Catalog], root: Path | None, download: dict | None
) -> tuple[Catalog | None, list[str]]:
    try:
        catalog = reader()
    except InputError as error:
        lines = [_relative(f"{error.where}: {error.what}" if error.where else error.what)]
        if download and root:
            places = {"root": _relative(root), "parent": _relative(root.parent)}
            what = {
                "get": download["archives"],
                "from": [f"{download['page']} ({download['terms']})"],
                "unpack": [line.format(**places) for line in download["unpack"]],
            }
            for word, items in what.items():
                lines += [f"{word if item is items[0] else '':8}{item}" for item in items]
        else:
            lines.append(error.remedy)
        return None, lines
    frames = catalog.frames
    said = f"{len(frames):,} frames, {frames['sequence'].nunique():,} sequences"
    said += f" in {_relative(root)}" if root else ""
    dropped = len(catalog.dropped)
    return catalog, [said] + [f"{dropped:,} records dropped"] * bool(dropped)


def _relative(text: object) -> str:
    """Paths below the project as a person writes them in params."""
    return str(text).replace(f"{ROOT}/", "")


def _made_of(catalog: Catalog, mix: pd.Series, p: YOLOTraining, count: int) -> str:
    if p.made_of == "target":
        oracle = compose.oracle(catalog, count=count, weathers=p.target_weathers, seed=p.seed)
        different = oracle.frames["image"].nunique()
        repeats = f", {different:,} different ones" if different < count else ""
        return f"{_counts(oracle.frames['weather'].value_counts())}{repeats}"
    made_of = mix.rename(lambda variant: " or ".join(p.replaced.get(variant, [variant])))
    return ", ".join([_counts(made_of), *(f"and all of {variant}" for variant in p.added)])


def _counts(counts: pd.Series) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
