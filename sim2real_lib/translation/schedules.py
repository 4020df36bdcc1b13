"""How the learning rate changes: the published policies, as functions of the step."""

import math
from collections.abc import Mapping
from typing import Any, Literal, get_args

Policy = Literal["linear", "step", "plateau", "cosine"]
POLICIES: tuple[str, ...] = get_args(Policy)
STEP_FACTOR, STEP_EVERY = 0.1, 50
PLATEAU_FACTOR, PLATEAU_PATIENCE, PLATEAU_THRESHOLD = 0.2, 5, 0.01


class Schedule:
    """The learning rate of each step.

    linear: full for `constant` units, then falling to zero over `decay`.
    step: a tenth of it after every 50 units.
    cosine: half a wave over all units. (Published: over `constant`, after which it rises again.)
    plateau: a fifth of it when the loss has not fallen by 1% in six epochs. The loss is what the
    adversarial game does not decide: the names beginning with neither D nor G. (Published code
    watches a constant there.)

    Args:
        policy: one of the above.
        lr: the first learning rate.
        constant, decay: how many units there are.
        steps_per_unit: steps in an epoch, or 1 where steps are counted.
    """

    def __init__(
        self, policy: Policy, lr: float, constant: int, decay: int, steps_per_unit: int
    ) -> None:
        self.policy, self.lr, self.constant, self.decay = policy, lr, constant, decay
        self.steps_per_unit = steps_per_unit
        self.state: dict[str, Any] = {"factor": 1.0, "best": math.inf, "bad": 0, "sum": 0.0}

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        unit = step // self.steps_per_unit  # whole units behind it
        if self.policy == "linear":
            return self.lr * (1 - max(0, unit + 1 - self.constant) / (self.decay + 1))
        if self.policy == "step":
            return self.lr * STEP_FACTOR ** (unit // STEP_EVERY)
        if self.policy == "cosine":
            return self.lr * (1 + math.cos(math.pi * unit / (self.constant + self.decay))) / 2
        return self.lr * self.state["factor"]

    def observe(self, step: int, losses: Mapping[str, float]) -> None:
        """Take note of a finished step's losses; only "plateau" cares."""
        if self.policy != "plateau":
            return
        state = self.state
        state["sum"] += sum(loss for name, loss in losses.items() if name[0] not in "DG")
        if (step + 1) % self.steps_per_unit:
            return
        mean, state["sum"] = state["sum"] / self.steps_per_unit, 0.0
        if mean < state["best"] * (1 - PLATEAU_THRESHOLD):
            state["best"], state["bad"] = mean, 0
            return
        state["bad"] += 1
        if state["bad"] > PLATEAU_PATIENCE:
            state["factor"], state["bad"] = state["factor"] * PLATEAU_FACTOR, 0
