"""Notebook 02's training from the command line, for several GPUs or machines:

    torchrun --nproc-per-node 2 -m sim2real_lib.train_translator paper --style fog

It trains where the notebook looks, which then finds it finished and goes on to translate. Further
options are the notebook's parameters: `--batch 2 --translator cut`.
"""

import sys
from pathlib import Path

import yaml

from sim2real_lib import catalog
from sim2real_lib.errors import InputError
from sim2real_lib.params import CycleGANTraining, Run, translation_folder
from sim2real_lib.translation import domains, from_params, training


def main(profile: str, *options: str) -> int:
    """Train what `params/<profile>` and the options describe. Returns the exit status."""
    try:
        run = Run.from_yaml(Path("params") / profile / "run.yaml")
        p = CycleGANTraining.from_yaml(run.file("02_cyclegan_training"))
        p = p.with_values(**parsed(options))
        train(p)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def parsed(options: tuple[str, ...]) -> dict[str, object]:
    """("--style", "fog", "--lr-policy", "step") as parameters.

    Raises:
        InputError: for an option without its name or value.
    """
    names, values = options[::2], options[1::2]
    if len(names) != len(values) or not all(name.startswith("--") for name in names):
        raise InputError(
            f"options come in pairs, not as {' '.join(options)!r}", remedy="Write --name value"
        )
    known = [name.removeprefix("--").replace("-", "_") for name in names]
    return dict(zip(known, map(yaml.safe_load, values), strict=True))


def train(p: CycleGANTraining) -> training.Result:
    """The training of notebook 02, in its folder.

    Raises:
        InputError: when 01 has not run, or there is nothing to learn from.
    """
    analysed = p.folder / "01_data_analysis" / "catalog"
    data = catalog.load(analysed, remedy="Run notebook 01_data_analysis first")
    source = domains.source(data, p.source)
    target = domains.target(data, p.style, most=p.target_images, seed=p.seed)
    settings = from_params.gan_settings(p)
    artifact = translation_folder(p.folder, str(p.variant))
    return training.train(
        source,
        target,
        from_params.training_folder(artifact, settings, source, target),
        settings=settings,
        checkpoint_every=p.checkpoint_every,
        accelerator=p.accelerator,
        devices=p.devices,
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
