"""The committed rates: how fast work went where it was measured, and what it left on the disk."""

from pathlib import Path
from typing import Any

import yaml

RATES: dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("rates.yaml").read_text(encoding="utf-8")
)
SECONDS: dict[str, float] = RATES["seconds"]
BYTES: dict[str, float] = RATES["bytes"]
PIXEL: dict[str, float] = RATES["pixel"]
DETECTIONS: int = RATES["detections"]
