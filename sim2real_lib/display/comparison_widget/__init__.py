"""Original beside translation beside target, in the browser: what a person looks at and rejects."""

from sim2real_lib.display.comparison_widget.arms_seen import ArmsSeen
from sim2real_lib.display.comparison_widget.widget import Comparison

__all__ = ["ArmsSeen", "Comparison"]
