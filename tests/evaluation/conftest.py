"""ultralytics keeps out of the home directory and off the network here too."""

import pytest

from sim2real_lib.detection import offline


@pytest.fixture(scope="session", autouse=True)
def _offline(tmp_path_factory: pytest.TempPathFactory) -> None:
    offline.prepare(tmp_path_factory.mktemp("ultralytics"))
