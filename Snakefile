# The graph of notebooks: who feeds whom. Run it through `make demo`, or directly:
#   snakemake --configfile params/demo/run.yaml --cores all
import hashlib
import json
import os
import sys
from pathlib import Path

from sim2real_lib import params
from sim2real_lib.detection import augmentation
from sim2real_lib.errors import InputError
from sim2real_lib.files import resolve
from sim2real_lib.translation import rejections

try:
    run = params.Run.parse(config, where="run.yaml")
    settings = {
        name: model.from_yaml(run.file(name))
        for name, model in params.NOTEBOOKS.items()
    }
    detectors = {
        arm: settings["04_yolo_training"].with_values(run=run.run, arm=arm) for arm in run.arms
    }
    for detector in detectors.values():  # before any job starts, and not when its turn comes
        augmentation.choose(detector.augmentation, rectangular=detector.rectangular)
    # Where 01, 02 and 03 write: detectors of several runs can share them.
    D = run.data_run or run.run
    rejected = rejections.read(resolve(D) / rejections.FILE).to_numpy().tolist()
except InputError as error:
    sys.exit(f"\n{error}\n")

R = run.run
ALL = 1000  # threads: Snakemake makes that all there are, a cluster's profile what it says
# Jobs read it from here: in the command it would be a change that trains all of them again.
os.environ["SIM2REAL_MLFLOW"] = str(run.mlflow)


def papermill(job, options="", folder=R):
    """The command of a rule; `job` begins its progress lines, `folder` is the run's."""
    return (
        f"SIM2REAL_BATCH='{job}' OMP_NUM_THREADS={{threads}} {sys.executable} -m papermill"
        f" {{input.notebook}} {{log.notebook}} -f {{input.params}} -p run {folder} {options} -k python3"
        ' -p mlflow "$SIM2REAL_MLFLOW"'
        " --no-progress-bar --autosave-cell-every 1"
        # The notebook's progress lines go on to the terminal: through a pipe, since papermill
        # would truncate a file. Its own words, tracebacks above all, go beside the notebook.
        " --stderr-file /dev/fd/3 3> >(cat >&2) 2> {log.papermill}"
    )


def notebook(name):
    """A notebook's own inputs: saving it with outputs is no change, see `source`."""
    return {"notebook": ancient(f"notebooks/{name}.ipynb"), "params": run.file(name)}


def source(name):
    """A hash of a notebook's cells without their outputs: a rule reruns when its code changes."""
    with open(f"notebooks/{name}.ipynb", encoding="utf-8") as file:
        cells = [cell["source"] for cell in json.load(file)["cells"]]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def done(*folders, home=R):
    """The artifacts a rule waits for: a folder is done when it has its manifest."""
    return [f"{home}/{folder}/manifest.json" for folder in folders]


def translations(*arms):
    """The artifacts that arms are composed of, each once."""
    variants = dict.fromkeys(v for arm in arms for v in detectors[arm].translated)
    return [str(params.translation_folder(Path(D), v) / "manifest.json") for v in variants]


def kept_out(arm):
    """The frames that somebody rejected, of the translations of an arm: a changed choice reruns
    the arms that it concerns, and no other."""
    return sorted(f"{v}/{frame}" for v, frame in rejected if v in detectors[arm].translated)


def made_by(name):
    """The translators of a notebook, as a pattern."""
    return "|".join(t for t, notebook in params.TRANSLATORS.items() if notebook == name)


VARIANT = (
    "-p translator {wildcards.translator} -p style {wildcards.style} -p source {params.made_of}"
    " -p places {params.places}"
)


def made_of(wildcards):
    """The variant that is translated, "fog" of "nst-rain-from-fog"."""
    return wildcards.source.removeprefix("-from-") or "clone"


def places(wildcards):
    """ "all" where the notebook's parameters say so, or an arm needs more than the mix's frames.

    Any arm that is spelled out counts, run or not: runs that share translations ask for the same.
    """
    variant = f"{wildcards.translator}-{wildcards.style}{wildcards.source}"
    detector = settings["04_yolo_training"]
    users = [detector.with_values(arm=arm) for arm in detector.arms]
    asked = {settings[params.TRANSLATORS[wildcards.translator]].places}
    asked |= {user.places(variant) for user in users if variant in user.translated}
    return "all" if "all" in asked else "mix"


rule all:
    input:
        f"{R}/report.html",


rule analysis:
    input:
        **notebook("01_data_analysis"),
    output:
        done("01_data_analysis", home=D),
    params:
        source=source("01_data_analysis"),
    log:
        notebook=f"{D}/notebooks/01_data_analysis.ipynb",
        papermill=f"{D}/notebooks/01_data_analysis.log",
    threads: ALL
    message:
        "01 data analysis: read, clean and split the data sets"
    shell:
        papermill("01", folder=D)


# Translations come before detectors: most arms wait for them. One of CycleGAN, CUT and FastCUT
# trains the longest, so these begin first.
rule cyclegan:
    input:
        **notebook("02_cyclegan_training"),
        catalog=done("01_data_analysis", home=D),
    output:
        f"{D}/02_cyclegan_training/{{translator}}-{{style}}{{source}}/manifest.json",
    params:
        source=source("02_cyclegan_training"),
        made_of=made_of,
        places=places,
    log:
        notebook=f"{D}/notebooks/02_cyclegan_training-{{translator}}-{{style}}{{source}}.ipynb",
        papermill=f"{D}/notebooks/02_cyclegan_training-{{translator}}-{{style}}{{source}}.log",
    wildcard_constraints:
        translator=made_by("02_cyclegan_training"),
        style="|".join(params.STYLES),
        source="(-from-[a-z]+)?",
    threads: run.threads
    resources:
        gpu=1,
    priority: 2
    message:
        "02 {wildcards.translator}: train {params.made_of} -> {wildcards.style}, translate the frames"
    shell:
        papermill("02 {wildcards.translator} {wildcards.style}{wildcards.source}", VARIANT, D)


rule nst:
    input:
        **notebook("03_nst_generation"),
        catalog=done("01_data_analysis", home=D),
    output:
        f"{D}/03_nst_generation/{{translator}}-{{style}}{{source}}/manifest.json",
    params:
        source=source("03_nst_generation"),
        made_of=made_of,
        places=places,
    log:
        notebook=f"{D}/notebooks/03_nst_generation-{{translator}}-{{style}}{{source}}.ipynb",
        papermill=f"{D}/notebooks/03_nst_generation-{{translator}}-{{style}}{{source}}.log",
    wildcard_constraints:
        translator=made_by("03_nst_generation"),
        style="|".join(params.STYLES),
        source="(-from-[a-z]+)?",
    threads: run.threads
    resources:
        gpu=1,
    priority: 1
    message:
        "03 {wildcards.translator}: {params.made_of} -> {wildcards.style}"
    shell:
        papermill("03 {wildcards.translator} {wildcards.style}{wildcards.source}", VARIANT, D)


rule detector:
    input:
        **notebook("04_yolo_training"),
        catalog=done("01_data_analysis", home=D),
        translations=lambda wildcards: translations(wildcards.arm),
    output:
        f"{R}/04_yolo_training/{{arm}}-seed{{seed}}/manifest.json",
    params:
        source=source("04_yolo_training"),
        kept_out=lambda wildcards: kept_out(wildcards.arm),
    log:
        notebook=f"{R}/notebooks/04_yolo_training-{{arm}}-seed{{seed}}.ipynb",
        papermill=f"{R}/notebooks/04_yolo_training-{{arm}}-seed{{seed}}.log",
    threads: run.threads
    resources:
        gpu=1,
    wildcard_constraints:
        seed=r"\d+",
    message:
        "04 YOLOv5: train and test arm {wildcards.arm}, seed {wildcards.seed}"
    shell:
        papermill(
            "04 {wildcards.arm}", f"-p data_run {D} -p arm {{wildcards.arm}} -p seed {{wildcards.seed}}"
        )


rule results:
    input:
        **notebook("05_result_visualization"),
        detectors=done(*(f"04_yolo_training/{a}-seed{s}" for a in run.arms for s in run.seeds)),
        translations=translations(*run.arms),
    output:
        f"{R}/05_result_visualization/manifest.json",
        f"{R}/report.html",
    params:
        source=source("05_result_visualization"),
        fan_out=json.dumps({"arms": run.arms, "seeds": run.seeds}),
    log:
        notebook=f"{R}/notebooks/05_result_visualization.ipynb",
        papermill=f"{R}/notebooks/05_result_visualization.log",
    threads: ALL
    message:
        "05 results: compare the arms, write the report"
    shell:
        papermill("05", f"-p data_run {D} -y {{params.fan_out:q}}")
