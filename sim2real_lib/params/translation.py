"""What notebooks 02 and 03 share: which translation is made, of what."""

from sim2real_lib.params.ranges import Places
from sim2real_lib.params.variants import Rendered, Style, Tag, Variant
from sim2real_lib.strict import Params


class Translation(Params):
    """A notebook that translates frames to one style."""

    translator: str
    style: Style = "fog"
    """The weather that frames are translated to. A batch run sets it."""
    source: Rendered = "clone"
    """What is translated, and learnt from: the clone as in the original, or another variant of the
    simulator, such as its own `fog`."""
    places: Places = "mix"
    """`mix`: the frames that stand in for the mix's. `all`: every training frame, which arms that
    add frames need; a batch run asks for it by itself."""
    tag: Tag = ""
    """A word that tells these settings from others of the same translator: with `weak`,
    `cyclegan-fog` is called `cyclegan.weak-fog`. `translators` in `run.yaml` sets it."""

    @property
    def variant(self) -> Variant:
        """What is made."""
        return Variant(self.translator, self.style, self.source, self.tag)
