"""What a run.yaml asks for: every artifact, where it lies, and the parameters it is made with."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar, cast, get_args

from sim2real_lib.errors import InputError
from sim2real_lib.files import ROOT
from sim2real_lib.params import NOTEBOOKS, TRANSLATORS, Run, Variant, YOLOTraining
from sim2real_lib.params.ranges import Places
from sim2real_lib.params.translation import Translation
from sim2real_lib.params.variants import Style, translation_folder
from sim2real_lib.strict import Params

P = TypeVar("P", bound=Params)
ANALYSIS, DETECTORS, RESULTS = "01_data_analysis", "04_yolo_training", "05_result_visualization"
# Parameters that the run decides, so that no translator or detector of its can.
RUNS_OWN = {"run", "mlflow", "data_run"}
OF_A_TRANSLATION = RUNS_OWN | {"translator", "style", "source", "places", "tag"}
OF_A_DETECTOR = RUNS_OWN | {"arm", "arms", "styles", "classes", "seed"}
FOLDERS = {*NOTEBOOKS, "notebooks", "minidrive", "first_look"}  # of a run


@dataclass(frozen=True)
class Plan:
    """A run, unfolded. Folders are as a person writes them, relative to the project's root.

    Attributes:
        run: run.yaml.
        notebooks: notebook -> the parameters of its file.
        arms: arm -> the parameters of 04 for it, before a detector's changes.
    """

    run: Run
    notebooks: Mapping[str, Params]
    arms: Mapping[str, YOLOTraining]

    @classmethod
    def of(cls, run: Run, where: object = "run.yaml") -> Self:
        """Read the notebooks' files and check all that the run makes of them.

        Args:
            run: what to fan out.
            where: what a complaint calls its origin.

        Raises:
            InputError: for a file, an arm, a translator or a detector that cannot be.
        """
        notebooks = {name: model.from_yaml(run.file(name)) for name, model in NOTEBOOKS.items()}
        detector = cast(YOLOTraining, notebooks[DETECTORS])
        styles = run.styles or detector.styles
        arms = {arm: _changed(detector, {"arm": arm, "styles": styles}, where) for arm in run.arms}
        for tagged, changes in run.translators.items():
            place = f"{where}, translators, {tagged}"
            _refuse(changes, OF_A_TRANSLATION, place)
            translator, _, tag = tagged.partition(".")
            which = {"translator": translator, "tag": tag}
            _changed(notebooks[TRANSLATORS[translator]], which | changes, place)
        for name, changes in run.detectors.items():
            place = f"{where}, detectors, {name}"
            if name in FOLDERS:
                raise InputError(f"{name} is a folder of the run's already", where=place)
            _refuse(changes, OF_A_DETECTOR, place)
            _changed(detector, changes, place)
        for arm, p in arms.items():
            for made in map(Variant.of, p.translated):
                if made.tag and made.tagged not in run.translators:
                    what = f"arm {arm} wants {made}, which needs {made.tagged} in translators"
                    raise InputError(what, where=where)
        return cls(run, notebooks, arms)

    @property
    def data(self) -> str:
        """The folder of 01, 02 and 03: the run's own, or the one it shares."""
        return self.run.data_run or self.run.run

    @cached_property
    def homes(self) -> dict[str, str]:
        """Detector -> the folder of its 04, 05 and report; "" stands for that of 04's file."""
        if not self.run.detectors:
            return {"": self.run.run}
        return {name: f"{self.run.run}/{name}" for name in self.run.detectors}

    def detector(self, home: str) -> dict[str, Any]:
        """The parameters of 04 that run.yaml sets for a detector's folder."""
        names = {folder: name for name, folder in self.homes.items()}
        styles = {"styles": list(self.run.styles)} if self.run.styles else {}
        return styles | self.run.detectors.get(names[home], {})

    def detectors(self, home: str) -> dict[str, YOLOTraining]:
        """Arm -> the parameters of 04 in a detector's folder."""
        given = self.detector(home) | {"run": home, "data_run": self.data}
        return {arm: p.with_values(**given) for arm, p in self.arms.items()}

    def translation(self, variant: str) -> dict[str, Any]:
        """The parameters of 02 or 03 that make a variant such as "nst.strong-fog"."""
        made = Variant.of(variant)
        changes = self.run.translators.get(made.tagged, {})
        return made._asdict() | {"places": self._places(variant)} | changes

    def translations(self, *arms: str) -> list[str]:
        """The folders of the translations that arms are composed of (of all arms), each once."""
        made = (v for arm in arms or self.arms for v in self.arms[arm].translated)
        return [str(translation_folder(Path(self.data), v)) for v in dict.fromkeys(made)]

    def _places(self, variant: str) -> Places:
        """ "all" where the notebook's file says so, or an arm needs more than the mix's frames.

        Any arm that is spelled out counts, trained or not: runs that share translations ask for
        the same.
        """
        made, detector = Variant.of(variant), cast(YOLOTraining, self.notebooks[DETECTORS])
        every = {"styles": list(get_args(Style))}
        spelled = (detector.with_values(arm=arm, **every) for arm in detector.arms)
        users = [*self.arms.values(), *spelled]
        asked = {user.places(variant) for user in users if variant in user.translated}
        asked |= {cast(Translation, self.notebooks[made.notebook]).places}
        return "all" if "all" in asked else "mix"

    def artifacts(self, home: str) -> list[str]:
        """What the run leaves in a folder, without the folder's name: in the run's own 01 to 03,
        unless it shares them, and in each detector's 04 and 05."""
        found = []
        if home == self.run.run and not self.run.data_run:
            shared = [str(Path(folder).relative_to(home)) for folder in self.translations()]
            found += [ANALYSIS, *shared]
        if home in self.homes.values():
            trainings = [f"{arm}-seed{seed}" for arm in self.arms for seed in self.run.seeds]
            found += [*(f"{DETECTORS}/{name}" for name in trainings), RESULTS]
        return found


def source(notebook: str) -> str:
    """A hash of a notebook's cells without their outputs: saving it with outputs is no change."""
    text = (ROOT / "notebooks" / f"{notebook}.ipynb").read_text(encoding="utf-8")
    cells = [cell["source"] for cell in json.loads(text)["cells"]]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def _changed(p: P, changes: Mapping[str, Any], where: object) -> P:
    return p.parse(dict(p) | dict(changes), where=where)


def _refuse(changes: Mapping[str, Any], reserved: set[str], where: object) -> None:
    for name in reserved & set(changes):
        raise InputError(f"{name} is the whole run's", where=where, remedy="Leave it out here")
