# The graph of notebooks: who feeds whom. Run it through `make demo`, or directly:
#   snakemake --configfile params/demo/run.yaml --cores all
import json
import os
import re
import shlex
import sys

from sim2real_lib import params
from sim2real_lib.detection import augmentation
from sim2real_lib.errors import InputError
from sim2real_lib.files import resolve
from sim2real_lib.plan import Plan, source
from sim2real_lib.storage import artifacts
from sim2real_lib.translation import rejections

try:
    run = params.Run.parse(config, where="run.yaml")
    plan = Plan.of(run)
    for home in plan.homes.values():  # before any job starts, and not when its turn comes
        for detector in plan.detectors(home).values():
            augmentation.choose(detector.augmentation, rectangular=detector.rectangular)
    # Where 01, 02 and 03 write: detectors of several runs can share them.
    D = plan.data
    rejected = rejections.read(resolve(D) / rejections.FILE).to_numpy().tolist()
    kept = {one.archive: one for one in artifacts(plan)} if run.storage else {}
except InputError as error:
    sys.exit(f"\n{error}\n")

ALL = 1000  # threads: Snakemake makes that all there are, a cluster's profile what it says
# Jobs read it from here: in the command it would be a change that trains all of them again.
os.environ["SIM2REAL_MLFLOW"] = str(run.mlflow)


def papermill(job, folder, options=""):
    """The command of a rule; `job` begins its progress lines, `folder` is the run's, quoted."""
    return (
        f"SIM2REAL_BATCH='{job}' OMP_NUM_THREADS={{threads}} {sys.executable} -m papermill"
        f" {{input.notebook:q}} {{log.notebook:q}} -f {{input.params:q}} -r run {folder} {options} -k python3"
        ' -p mlflow "$SIM2REAL_MLFLOW"'
        " --no-progress-bar --autosave-cell-every 1"
        # The notebook's progress lines go on to the terminal: through a pipe, since papermill
        # would truncate a file. Its own words, tracebacks above all, go beside the notebook.
        " --stderr-file /dev/fd/3 3> >(cat >&2) 2> {log.papermill:q}"
    )


def notebook(name):
    """A notebook's own inputs: saving it with outputs is no change, see `source` in plan.py."""
    return {"notebook": ancient(f"notebooks/{name}.ipynb"), "params": run.file(name)}


def done(*folders):
    """The artifacts a rule waits for: a folder is done when it has its manifest."""
    return [f"{folder}/manifest.json" for folder in folders]


def kept_out(arm):
    """The frames that somebody rejected, of the translations of an arm: a changed choice reruns
    the arms that it concerns, and no other."""
    return sorted(f"{v}/{frame}" for v, frame in rejected if v in plan.arms[arm].translated)


HOME = "|".join(map(re.escape, plan.homes.values()))


def stored(archive, **how):
    """An archive in the storage; a server that is away for a moment does not end the run."""
    return storage.s3(f"{run.storage}/{archive}", retries=20, **how)


rule all:
    input:
        [f"{home}/report.html" for home in plan.homes.values()],
        [stored(archive, retrieve=False) for archive in kept],


rule analysis:
    input:
        **notebook("01_data_analysis"),
    output:
        done(f"{D}/01_data_analysis"),
    params:
        source=source("01_data_analysis"),
    log:
        notebook=f"{D}/notebooks/01_data_analysis.ipynb",
        papermill=f"{D}/notebooks/01_data_analysis.log",
    threads: ALL
    message:
        "01 data analysis: read, clean and split the data sets"
    shell:
        papermill("01", shlex.quote(D))


# Translations come before detectors: most arms wait for them. One of CycleGAN, CUT and FastCUT
# trains the longest, so these begin first.
rule cyclegan:
    input:
        **notebook("02_cyclegan_training"),
        catalog=done(f"{D}/01_data_analysis"),
    output:
        f"{D}/02_cyclegan_training/{{variant}}/manifest.json",
    params:
        source=source("02_cyclegan_training"),
        which=lambda wildcards: json.dumps(plan.translation(wildcards.variant)),
    log:
        notebook=f"{D}/notebooks/02_cyclegan_training-{{variant}}.ipynb",
        papermill=f"{D}/notebooks/02_cyclegan_training-{{variant}}.log",
    threads: run.threads
    resources:
        gpu=1,
    priority: 2
    message:
        "02 {wildcards.variant}: train, translate the frames"
    shell:
        papermill("02 {wildcards.variant}", shlex.quote(D), "-y {params.which:q}")


rule nst:
    input:
        **notebook("03_nst_generation"),
        catalog=done(f"{D}/01_data_analysis"),
    output:
        f"{D}/03_nst_generation/{{variant}}/manifest.json",
    params:
        source=source("03_nst_generation"),
        which=lambda wildcards: json.dumps(plan.translation(wildcards.variant)),
    log:
        notebook=f"{D}/notebooks/03_nst_generation-{{variant}}.ipynb",
        papermill=f"{D}/notebooks/03_nst_generation-{{variant}}.log",
    threads: run.threads
    resources:
        gpu=1,
    priority: 1
    message:
        "03 {wildcards.variant}: translate the frames"
    shell:
        papermill("03 {wildcards.variant}", shlex.quote(D), "-y {params.which:q}")


rule detector:
    input:
        **notebook("04_yolo_training"),
        catalog=done(f"{D}/01_data_analysis"),
        translations=lambda wildcards: done(*plan.translations(wildcards.arm)),
    output:
        "{home}/04_yolo_training/{arm}-seed{seed}/manifest.json",
    params:
        source=source("04_yolo_training"),
        kept_out=lambda wildcards: kept_out(wildcards.arm),
        changes=lambda wildcards: json.dumps(plan.detector(wildcards.home)),
    log:
        notebook="{home}/notebooks/04_yolo_training-{arm}-seed{seed}.ipynb",
        papermill="{home}/notebooks/04_yolo_training-{arm}-seed{seed}.log",
    threads: run.threads
    resources:
        gpu=1,
    wildcard_constraints:
        home=HOME,
        seed=r"\d+",
    message:
        "04 YOLOv5: train and test arm {wildcards.arm}, seed {wildcards.seed}"
    shell:
        papermill(
            "04 {wildcards.arm}",
            "{wildcards.home:q}",
            f"-r data_run {shlex.quote(D)} -r arm {{wildcards.arm}} -p seed {{wildcards.seed}}"
            " -y {params.changes:q}",
        )


rule results:
    input:
        **notebook("05_result_visualization"),
        detectors=done(
            *(f"{{home}}/04_yolo_training/{a}-seed{s}" for a in run.arms for s in run.seeds)
        ),
        translations=done(*plan.translations()),
    output:
        "{home}/05_result_visualization/manifest.json",
        "{home}/report.html",
    params:
        source=source("05_result_visualization"),
        fan_out=json.dumps({"arms": run.arms, "seeds": run.seeds}),
    log:
        notebook="{home}/notebooks/05_result_visualization.ipynb",
        papermill="{home}/notebooks/05_result_visualization.log",
    wildcard_constraints:
        home=HOME,
    threads: ALL
    message:
        "05 results: compare the arms, write the report"
    shell:
        papermill("05", "{wildcards.home:q}", f"-r data_run {shlex.quote(D)} -y {{params.fan_out:q}}")


if run.storage:

    localrules:
        keep,

    # Its name says what is in it, so that one that is there is never too old.
    rule keep:
        input:
            ancient(lambda wildcards: kept[wildcards.archive].manifest),
        output:
            stored("{archive}"),
        params:
            home=lambda wildcards: kept[wildcards.archive].home,
            artifact=lambda wildcards: kept[wildcards.archive].artifact,
        wildcard_constraints:
            archive="|".join(map(re.escape, kept)),
        message:
            "storage: {params.artifact}"
        shell:
            f"{sys.executable} -m sim2real_lib.archive {{params.home:q}} {{params.artifact:q}} {{output:q}}"
