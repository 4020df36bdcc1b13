"""What the baseline's detector says of translated frames: labels that hold, domains that close."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from sim2real_lib import catalog
from sim2real_lib.catalog import Catalog
from sim2real_lib.catalog.mix import slots
from sim2real_lib.detection import features, predict
from sim2real_lib.evaluation import domain_distance, preservation
from sim2real_lib.evaluation.arm_names import BASELINE, arm_of
from sim2real_lib.files import read_manifest, resolve
from sim2real_lib.params import TRANSLATORS, Variant
from sim2real_lib.translation import domains, structure, structure_trials

LEAST = preservation.BARELY * preservation.CONFIDENCE  # confidence that is asked for
REFERENCES = 24  # originals that are changed on purpose, to see what the edges say of it


@dataclass(frozen=True)
class Judge:
    """A trained detector that no translation has changed.

    Attributes:
        weights: its file.
        image_size: what it was trained at, pixels.
        classes: what it detects.
    """

    weights: Path
    image_size: int
    classes: list[str]

    @classmethod
    def of(cls, folders: Mapping[str, Path]) -> "Judge":
        """The baseline's detector, of its first seed, among the folders of `arms.finished`."""
        folder = next(path for name, path in folders.items() if arm_of(name) == BASELINE)
        manifest = read_manifest(folder, "Run notebook 04_yolo_training again")
        p = manifest["params"]
        return cls(folder / Path(manifest["weights"]).name, p["image_size"], p["classes"])


def finished_translations(run: Path) -> dict[str, Path]:
    """Variant -> folder of every finished translation of a run."""
    notebooks = dict.fromkeys(TRANSLATORS.values())
    done = [path.parent for name in notebooks for path in (run / name).glob("*/manifest.json")]
    made = {folder: variant for folder in done if (variant := Variant.parse(folder.name))}
    return {folder.name: folder for folder in sorted(made, key=lambda folder: made[folder].order)}


def shared_places(folder: Path) -> Catalog:
    """The frames of a finished translation in the mix's places of its style: every translator has
    these, whatever else an arm asked of it."""
    made = catalog.load(folder / "catalog")
    return made.where(slots(made.frames) == Variant.of(folder.name).style)


@dataclass(frozen=True)
class Labels:
    """Whether labels still hold: the tables of `preservation`.

    Attributes:
        boxes: a row a box and variant: edges' agreement, found before, found after.
        hallucinations: a row a translated frame.
        originals, translated: the frames with their boxes.
    """

    boxes: pd.DataFrame
    hallucinations: pd.DataFrame
    originals: Catalog
    translated: Catalog

    @property
    def trusted(self) -> pd.DataFrame:
        """The boxes that are large enough for a single one's agreement to mean something."""
        return structure.trusted(self.boxes)

    @cached_property
    def references(self) -> pd.DataFrame:
        """What the edges say of honest weather and of damage, done to some of the originals."""
        frames = self.originals.frames
        spread = np.unique(np.linspace(0, len(frames) - 1, REFERENCES).round().astype(int))
        few = self.originals.where(frames["frame_id"].isin(frames["frame_id"].iloc[spread]))
        return structure.trusted(structure_trials.references(few))

    def summary(self, threshold: float) -> pd.DataFrame:
        """See `preservation.summary`."""
        return preservation.summary(self.boxes, self.hallucinations, threshold=threshold)


def labels(judge: Judge, data: Catalog, folders: Mapping[str, Path], scratch: Path) -> Labels:
    """Look for every label in the frames before and after their translation.

    A detector also misses objects whose label holds, in weather that it does not know. So the
    simulator's own weathers are looked at as well, as variants "baseline-fog" and their like, in
    places that the baseline saw in another weather: there every label holds.

    Args:
        judge: who looks.
        data: holds the originals.
        folders: from `finished_translations`.
        scratch: where the detections go.
    """
    parts = [shared_places(path) for path in folders.values()]
    made = catalog.concat(parts)
    originals = data.where(data.frames["frame_id"].isin(structure.originals_of(made.frames)))
    rendered = simulated(data, originals, folders)
    translated = catalog.concat([rendered, made])
    before, after = (
        pd.read_parquet(
            predict.predict(
                judge.weights,
                frames,
                scratch / name,
                image_size=judge.image_size,
                classes=judge.classes,
                confidence=LEAST,
            )
        )
        for name, frames in (("originals", originals), ("translated", translated))
    )
    tables = [structure.agreement(originals, rendered)]
    for path, part in zip(folders.values(), parts, strict=True):
        kept = structure.load(path)
        tables.append(kept[kept["frame_id"].isin(structure.originals_of(part.frames))])
    boxes = pd.concat(tables, ignore_index=True)
    boxes = boxes[boxes["class"].isin(judge.classes)]
    return Labels(
        preservation.recall(before, after, boxes),
        preservation.hallucinated(before, after, boxes, translated.frames),
        originals,
        translated,
    )


def detections(scratch: Path) -> pd.DataFrame:
    """All that the detector saw in `labels`, in originals and translations."""
    tables = (scratch / side / "detections.parquet" for side in ("originals", "translated"))
    return pd.concat([pd.read_parquet(path) for path in tables], ignore_index=True)


def distances(
    judge: Judge,
    data: Catalog,
    folders: Mapping[str, Path],
    scratch: Path,
    *,
    inception: str | None = None,
    most: int = 500,
    seed: int = 0,
) -> tuple[pd.DataFrame, str]:
    """How far each translation lies from its target weather, and how far its originals did.

    Args:
        judge, data, folders, scratch: as in `labels`.
        inception: see `features.features`.
        most, seed: at most so many target frames, drawn at random.

    Returns:
        `domain_distance.compare` for each variant, with columns style and translator; and a line
        that says in whose features.
    """
    made = {variant: shared_places(path) for variant, path in folders.items()}
    pairs = {variant: domains.pairs(data, own) for variant, own in made.items()}
    targets = {
        style: domains.target(data, style, most=most, seed=seed)
        for style in dict.fromkeys(Variant.of(name).style for name in folders)
    }
    columns = [list(own[name]) for own in pairs.values() for name in ("original", "translated")]
    every = list(dict.fromkeys(path for part in (*columns, *targets.values()) for path in part))
    found, notice = features.features(
        every,
        detector=judge.weights,
        inception=resolve(inception) if inception else None,
        image_size=judge.image_size,
        folder=scratch,
    )
    row = {path: place for place, path in enumerate(every)}

    def seen(paths: Iterable[str]) -> np.ndarray:
        return found[[row[path] for path in paths]]

    tables = []
    for variant, own in pairs.items():
        made_as = Variant.of(variant)
        table = domain_distance.compare(
            seen(own["original"]),
            seen(own["translated"]),
            seen(targets[made_as.style]),
            groups=made[variant].frames["sequence"].to_numpy(),
            seed=seed,
        )
        tables.append(table.reset_index().assign(style=made_as.style, translator=made_as.maker))
    return pd.concat(tables, ignore_index=True), notice


def simulated(data: Catalog, originals: Catalog, folders: Mapping[str, Path]) -> Catalog:
    """The originals as the simulator renders them in the translations' weathers, as if they were
    translations: variant "baseline-fog", ids `baseline-fog/<original's>`, the originals' boxes.

    Those that the baseline was trained on, of the mix's own fog slots, are left out.
    """
    place = ["source", "sequence", "index"]
    clones = originals.frames.loc[originals.frames["variant"] == "clone", [*place, "frame_id"]]
    parts = []
    for style in dict.fromkeys(Variant.of(name).style for name in folders):
        own = data.frames[data.frames["variant"] == style].drop(columns="frame_id")
        own = own[slots(own) != style]
        own = own.merge(clones, on=place).assign(variant=f"{BASELINE}-{style}")
        boxes = originals.boxes[originals.boxes["frame_id"].isin(own["frame_id"])]
        renamed = [t.assign(frame_id=f"{BASELINE}-{style}/" + t["frame_id"]) for t in (own, boxes)]
        parts.append(Catalog(*renamed))
    return catalog.concat(parts)
