"""Two pictures in one place, to flip between: what changed is what moves."""

from dataclasses import dataclass

from markupsafe import Markup

from sim2real_lib.display.report import Picture

# Radio buttons, so that it works without scripts and with the arrow keys.
_STYLE = Markup("""<style>
.flip{position:relative}
.flip>input{position:absolute;opacity:0}
.flip>label{display:inline-block;margin:0 6px 12px 0;padding:3px 14px;border:1px solid var(--line);
border-radius:99px;color:var(--muted);font-size:13.5px;cursor:pointer}
.flip>input:checked+label{background:var(--accent);border-color:var(--accent);color:var(--paper);
font-weight:600}
.flip>input:focus-visible+label{outline:2px solid var(--accent);outline-offset:2px}
.flip>div{display:none}
.flip>.one:checked~div.one,.flip>.two:checked~div.two{display:block}
.flip figure{border:0;padding:0;margin:0;border-radius:0}
.flip .name{display:none}
@media print{.flip>label{display:none}.flip>div{display:block}
.flip .name{display:block;margin:8pt 0 2pt;font-weight:600}}
</style>""")


@dataclass(frozen=True)
class Flip:
    """Two pictures in one place.

    Attributes:
        one, two: the pictures; the first is shown until the reader flips.
        labels: what each is called.
        key: a word that no other flip of the page has.
        caption: what to see in them.
    """

    one: Picture
    two: Picture
    labels: tuple[str, str]
    key: str
    caption: str = ""

    def html(self) -> Markup:
        """Itself as HTML, with all text from data escaped."""
        sides = ("one", self.one, self.labels[0]), ("two", self.two, self.labels[1])
        buttons = [
            Markup(
                '<input type="radio" class="{0}" name="{1}" id="{1}-{0}"{2}>'
                '<label for="{1}-{0}">{3}</label>'
            ).format(side, self.key, Markup(" checked") if side == "one" else "", label)
            for side, _, label in sides
        ]
        pictures = [
            Markup('<div class="{}"><p class="name">{}</p>{}</div>').format(
                side, label, picture.html()
            )
            for side, picture, label in sides
        ]
        caption = Markup("<figcaption>{}</figcaption>").format(self.caption) if self.caption else ""
        return Markup('{}<figure class="flip">{}{}{}</figure>').format(
            _STYLE, Markup("").join(buttons), Markup("").join(pictures), caption
        )
