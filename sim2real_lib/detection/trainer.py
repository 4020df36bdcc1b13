# ultralytics declares its attributes as None and fills them in later, which mypy cannot follow.
# mypy: disable-error-code="arg-type, assignment, attr-defined, operator, return-value"
"""ultralytics' trainer, without what would make two arms differ or a kill cost more than an epoch.

Importing this module imports ultralytics: call `offline.prepare` first.
"""

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.utils import RANK
from ultralytics.utils.torch_utils import unwrap_model

from sim2real_lib import images
from sim2real_lib.detection import adversarial, exact, resume, samples
from sim2real_lib.detection.dataset import ArmDataset, Numbered
from sim2real_lib.errors import InputError
from sim2real_lib.files import whole_file
from sim2real_lib.progress import Progress, progress_bar
from sim2real_lib.workers import cpu_threads

CHECKPOINT_SECONDS = 30  # what a kill costs at most, an epoch apart


class ArmTrainer(DetectionTrainer):
    """Train for a number of iterations and keep the last (moving-average) weights.

    Nothing is validated on the way, so no weights are chosen by a data set that differs between
    arms. The learning rate follows the iteration and not the epoch. Under DDP each process builds
    one of these; an iteration is a batch of all processes together, and the first one alone has a
    progress bar and writes files.

    Args:
        overrides: ultralytics' settings.
        iterations: when to stop.
        warmup: how many of them the learning rate takes to rise.
        threads: torch's threads on a CPU; 0: as many as OMP_NUM_THREADS says, else ultralytics'
            choice.
        photometric: probabilities of the steps of `photometric.STEPS`.
        attack: `share` of the batches that is attacked and by how many 1/255 (`epsilon`), or None.
        plain_from: the first iteration without mosaic, MixUp and CutMix; None: they stay.
        on_step: called after every iteration; then there is no progress bar.

    Raises:
        InputError: from `train`, when ultralytics drops a frame or the training diverges.
        torch.OutOfMemoryError: from `train`, where ultralytics would go on with half the batch.
    """

    def __init__(
        self,
        overrides: dict[str, Any],
        *,
        iterations: int,
        warmup: int,
        threads: int = 0,
        photometric: Mapping[str, float] | None = None,
        attack: Mapping[str, float] | None = None,
        plain_from: int | None = None,
        on_step: Callable[[Progress], None] | None = None,
    ) -> None:
        super().__init__(overrides=overrides)
        self.iterations, self.warmup, self.done = iterations, warmup, 0
        self.photometric, self.attack, self.plain_from = photometric or {}, attack, plain_from
        if plain_from is not None:  # pictured like the first ones, where pictures are wanted
            self.plot_idx += range(plain_from, plain_from + 3)
        self.on_step, self.folder = on_step, self.save_dir.parent
        self.saved_at = time.monotonic()
        if (
            threads := cpu_threads(threads)
        ) and self.device.type == "cpu":  # ultralytics has just set all but one core's
            torch.set_num_threads(threads)
        self.add_callback("on_train_start", ArmTrainer._start)
        self.add_callback("on_train_batch_start", ArmTrainer._set_learning_rate)
        self.add_callback("on_train_batch_end", ArmTrainer._count)
        self.add_callback("on_train_end", ArmTrainer._end)

    def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> Any:
        """Our dataset for training; the one frame to validate is of no consequence."""
        if mode != "train":
            return super().build_dataset(img_path, mode, batch)
        return ArmDataset(
            img_path=img_path,
            imgsz=self.args.imgsz,
            batch_size=batch,
            augment=True,
            hyp=self.args,
            rect=self.args.rect,
            stride=max(int(unwrap_model(self.model).stride.max()), 32),
            pad=0.0,
            task="detect",
            data=self.data,
            photometric=self.photometric,
            plain_from=self.plain_from,
            seed=self.args.seed,
        )

    def build_optimizer(self, *args: Any, **kwargs: Any) -> torch.optim.Optimizer:
        """ultralytics' optimizer, also on a CPU in one kernel and not in four for each tensor."""
        optimizer = super().build_optimizer(*args, **kwargs)
        if self.device.type == "cpu":
            for group in optimizer.param_groups:
                group.update(fused=True, foreach=False)
        return optimizer

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """To the device and 0..1; attacked if its turn has come; the first one is kept to see."""
        batch = super().preprocess_batch(batch)
        if self.attack and adversarial.drawn(self.attack["share"], self.args.seed, self.done):
            batch["img"] = adversarial.attack(
                unwrap_model(self.model), batch, self.attack["epsilon"]
            )
        sample = self.folder / samples.FILE
        if RANK in (-1, 0) and not sample.exists():
            images.write_rgb(sample, samples.picture(batch))
        return batch

    def _build_train_pipeline(self) -> None:
        if self.optimizer is not None:  # again, with half the batch: other batches than other arms'
            raise torch.OutOfMemoryError("out of memory")
        super()._build_train_pipeline()

    def _setup_train(self) -> None:
        super()._setup_train()
        wanted = len(Path(self.data["train"]).read_text(encoding="utf-8").splitlines())
        found = len(self.train_loader.dataset)
        if found != wanted:  # ultralytics drops an image that it dislikes and goes on
            raise InputError(
                f"ultralytics accepts only {found} of {wanted} frames", where=self.args.data
            )
        self.best_fitness = 0.0  # no validation, hence no best.pt: last.pt alone is written
        self.resumed_at = self.start_epoch * len(self.train_loader)
        self.order = Numbered(
            self.train_loader.batch_sampler.sampler, self.resumed_at, self.train_loader.generator
        )
        self.train_loader.batch_sampler.sampler = self.order

    def validate(self) -> tuple[dict[str, float], None]:
        """Validate nothing: ultralytics would do so in the last epoch even with `val=False`."""
        return self.metrics, None

    def final_eval(self) -> None:
        """Evaluate nothing: `predict` does so once, on the test frames."""

    def save_model(self) -> bool:
        """Write last.pt whole or not at all, so that a kill while writing leaves the one before.

        Not after every epoch, since that would take longer than a short epoch itself.
        """
        if not self.stop and time.monotonic() - self.saved_at < CHECKPOINT_SECONDS:
            return False
        if not all(torch.isfinite(value).all() for value in self.ema.ema.state_dict().values()):
            raise self._diverged()  # ultralytics would write zeros instead
        self.saved_at = time.monotonic()
        final = self.last
        with whole_file(final) as self.last:
            saved = super().save_model()
            if not self.stop:  # the end needs the moving average alone
                exact.add(self.last, self)
        self.last = final
        return saved

    def _close_dataloader_mosaic(self) -> None:
        super()._close_dataloader_mosaic()
        self.order.iteration = self.done  # the batches that were loaded ahead are thrown away

    def _handle_nan_recovery(self, epoch: int) -> bool:
        """Recover from nothing: `_count` refuses what ultralytics would repeat the epoch for."""
        return False

    def _diverged(self) -> InputError:
        """What to raise; without the checkpoint, since going on from it would be a recovery too."""
        self.last.unlink(missing_ok=True)
        return InputError(
            f"the training diverged in step {self.done} of {self.iterations}",
            where=self.save_dir,
            remedy="Set learning_rate lower for every arm",
        )

    def _start(self) -> None:
        self.done, self.started = self.resumed_at, time.monotonic()
        self.before = pd.DataFrame()
        if self.resumed_at and (state := resume.load(self.last).get(exact.KEY)):
            exact.restore(state, self)
        if self.csv.is_file():  # resumed: the clock goes on as well
            learnt = resume.losses(self.csv)
            self.train_time_start -= float(learnt["seconds"].iloc[-1])
            self.before = learnt.assign(step=learnt["epoch"] * len(self.train_loader))
            self.before = self.before.drop(columns=["epoch", "seconds"])
        self.bar = progress_bar(
            total=self.iterations * self.batch_size,
            initial=self.done * self.batch_size,
            desc=f"epoch {self.start_epoch + 1}/{self.epochs}",
            unit="images",
            mininterval=1,
            disable=RANK not in (-1, 0) or self.on_step is not None,
        )

    def _set_learning_rate(self) -> None:
        """Linear warm-up, then half a cosine down to `lrf`."""
        if self.done < self.warmup:
            share = (self.done + 1) / self.warmup
        else:
            way = (self.done - self.warmup) / max(self.iterations - self.warmup, 1)
            share = self.args.lrf + (1 - self.args.lrf) * (1 + math.cos(math.pi * way)) / 2
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * share

    def _count(self) -> None:
        self.done += 1
        self.stop = self.done >= self.iterations
        self.bar.set_description_str(f"epoch {self.epoch + 1}/{self.epochs}", refresh=False)
        losses = {name.removesuffix("_loss"): float(v) for name, v in self.tloss.items()}
        if not all(map(math.isfinite, losses.values())):
            raise self._diverged()
        self.bar.set_postfix({k: f"{v:.3f}" for k, v in losses.items()}, refresh=False)
        self.bar.update(self.batch_size)
        if self.on_step is not None:
            self._tell(self.on_step)

    def _tell(self, on_step: Callable[[Progress], None]) -> None:
        losses = {name.removesuffix("_loss"): float(v) for name, v in self.loss_items.items()}
        on_step(
            Progress(
                self.done, self.iterations, losses, time.monotonic() - self.started,
                self.folder, images=self.batch_size, before=self.before,
                samples=samples.drawn_samples(self.folder),
            )
        )  # fmt: skip

    def _end(self) -> None:
        self.bar.close()
