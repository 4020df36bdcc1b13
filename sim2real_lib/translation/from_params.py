"""What the parameters of notebooks 02 and 03 ask for: settings to train with, translators."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim2real_lib.files import key, resolve
from sim2real_lib.params import CycleGANTraining, NSTGeneration
from sim2real_lib.translation import adain, cut, cyclegan, nst, training, wct2
from sim2real_lib.translation.apply import Translator
from sim2real_lib.translation.fda import FDATranslator
from sim2real_lib.translation.generator import GeneratorTranslator
from sim2real_lib.translation.histogram import HistogramTranslator
from sim2real_lib.translation.pyramid import PyramidTranslator
from sim2real_lib.translation.reinhard import ReinhardTranslator
from sim2real_lib.translation.tiles import Tiled

OVERLAP = 8  # tiles overlap by an eighth of their side


def gan_settings(p: CycleGANTraining) -> training.Settings:
    """What notebook 02 trains."""
    shared: dict[str, Any] = {
        "n_blocks": p.n_blocks, "ngf": p.ngf, "ndf": p.ndf, "gan_mode": p.gan_mode,
        "source_scale": p.source_scale, "target_scale": p.target_scale, "crop": p.crop,
        "batch": p.batch, "unit": p.unit, "constant": p.constant, "decay": p.decay,
        "lr": p.learning_rate, "lr_policy": p.lr_policy, "precision": p.precision,
        "compile": p.compile, "seed": p.seed,
    }  # fmt: skip
    if p.translator != "cyclegan":
        preset = cut.Settings.cut if p.translator == "cut" else cut.Settings.fast_cut
        weight = {"lambda_nce": p.lambda_nce} if p.lambda_nce else {}  # 0: the published one
        return preset(**shared, **weight, patches=p.patches, projection=p.projection)
    return cyclegan.Settings(
        **shared,
        generator=p.generator,
        n_downs=p.n_downs,
        discriminator=p.discriminator,
        d_layers=p.d_layers,
        lambda_a=p.lambda_cycle,
        lambda_b=p.lambda_cycle,
        identity=p.lambda_identity,
        pool=p.pool,
    )


def generator_translator(p: CycleGANTraining, trained: Path) -> Translator:
    """Notebook 02's translator: a given generator, or the one of a training's folder."""
    own = "latest_net_G_A.pth" if p.translator == "cyclegan" else "latest_net_G.pth"
    translator = GeneratorTranslator(
        resolve(p.weights) if p.weights else trained / own,
        scale=p.source_scale,
        detail=p.detail,
        accelerator=p.accelerator,
    )
    return _tiled(translator, p.tile)


def style_images(p: NSTGeneration) -> int:
    """How many images of the target notebook 03 takes its style or colours from, at most."""
    return p.style_images if p.translator in ("nst", "adain", "wct2") else p.target_images


def decoder_settings(p: NSTGeneration) -> training.Settings | None:
    """What notebook 03 trains before it can translate; None: nothing."""
    methods = {"adain": adain.Settings, "wct2": wct2.Settings}
    if p.translator not in methods:
        return None
    return methods[p.translator](
        network=p.network,
        vgg_weights=_vgg(p),
        layer=p.layer,
        source_scale=p.scale,
        target_scale=p.scale,
        crop=p.train_crop,
        constant=p.train_steps - p.train_steps // 2,
        decay=p.train_steps // 2,
        seed=p.seed,
    )


def stylist(p: NSTGeneration, targets: Sequence[str], trained: Path) -> Translator:
    """Notebook 03's translator.

    Args:
        p: the notebook's parameters.
        targets: images of the wanted weather, whose style or colours are taken on.
        trained: the folder of the decoder's training, where the method has one.
    """
    if p.translator == "reinhard":
        return ReinhardTranslator(targets, accelerator=p.accelerator)
    if p.translator == "histogram":
        return HistogramTranslator(targets)
    if p.translator == "fda":
        return FDATranslator(targets, beta=p.beta, seed=p.seed)
    if p.translator == "pyramid":
        return PyramidTranslator(targets, seed=p.seed)
    if p.translator == "nst":
        return nst.NSTTranslator(
            targets, weights=_vgg(p), settings=nst_settings(p), accelerator=p.accelerator
        )
    methods = {"adain": adain.AdaINTranslator, "wct2": wct2.WCT2Translator}
    translator = methods[p.translator](
        trained / "latest_net_decoder.pth",
        targets,
        network=p.network,
        vgg_weights=_vgg(p),
        alpha=p.alpha,
        scale=p.scale,
        detail=p.detail,
        seed=p.seed,
        accelerator=p.accelerator,
    )
    return _tiled(translator, p.tile)


def nst_settings(p: NSTGeneration) -> nst.Settings:
    """How notebook 03 stylises by Gatys' method, which does its own tiling."""
    return nst.Settings(
        network=p.network,
        content_weight=p.content_weight,
        style_weight=p.style_weight,
        tv_weight=p.tv_weight,
        optimizer=p.optimizer,
        steps=p.steps,
        lr=p.learning_rate,
        scales=p.scales,
        colour_start=p.colour_start,
        keep_colour=p.keep_colour,
        scale=p.scale,
        detail=p.detail,
        tile=p.tile,
        seed=p.seed,
    )


def training_folder(
    artifact: Path, settings: training.Settings | None, source: list[str], target: list[str]
) -> Path:
    """Where a stage trains: another request begins in a folder of its own."""
    return artifact / f"training-{key(settings, source, target)}"


def _vgg(p: NSTGeneration) -> str | None:
    """The file of VGG's weights; None: torch's cache."""
    return str(resolve(p.weights)) if p.weights else None


def _tiled(translator: Translator, tile: int) -> Translator:
    return Tiled(translator, tile, tile // OVERLAP) if tile else translator
