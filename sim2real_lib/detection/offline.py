"""ultralytics, kept off the network and out of the home directory."""

import logging
import os
from pathlib import Path

INTEGRATIONS = ("clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb")


def prepare(folder: Path) -> None:
    """Import ultralytics with its settings in `folder`, no network, no pip and no chatter.

    It reads these variables when it is first imported, so every module here that needs it calls
    this first; a second call leaves the settings where they are.
    """
    os.environ.setdefault("YOLO_CONFIG_DIR", str(folder.absolute()))
    os.environ |= {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0", "YOLO_VERBOSE": "False"}
    # A checkpoint is a pickle, which can run anything: let it make networks and nothing else.
    os.environ["ULTRALYTICS_SAFE_LOAD"] = "1"
    from PIL import Image
    from ultralytics.data import utils as data_utils
    from ultralytics.nn import tasks
    from ultralytics.utils import LOGGER, SETTINGS, patches, plotting

    tasks.SAFE_LOAD = True  # also where a person imported it before
    # It replaces PIL's `open` by one that wants to install a package for a file it cannot read.
    Image.open = patches._image_open
    # It asks github.com for Arial before every training, offline or not; Pillow's own font will do.
    data_utils.check_font = plotting.check_font = lambda *_: None
    LOGGER.setLevel(logging.ERROR)
    # In memory only: the settings file may be a person's own, if they imported ultralytics before.
    dict.update(SETTINGS, {"sync": False, **dict.fromkeys(INTEGRATIONS, False)})
