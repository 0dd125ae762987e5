"""One colour, one meaning, in every view: Okabe–Ito, told apart by every common colour vision.

Okabe & Ito, "Color Universal Design", 2008 (jfly.uni-koeln.de/color). Colour never stands alone:
states also differ by sign (`SIGNS`) or by text. Dark variants are the same hues, lighter.
"""

from dataclasses import dataclass
from typing import Literal

__all__ = ["DARK", "LIGHT", "SIGNS", "STAGE_MARKERS", "Palette", "css", "palette"]

Theme = Literal["light", "dark"]


@dataclass(frozen=True)
class Palette:
    """Colours by meaning.

    Attributes
    ----------
    kept, pruned : str
        Weights; a bit of a kept weight is a care bit and has the same colour.
    dont_care, mismatch, corrected : str
        Bits of pruned weights; care bits that the decoder gets wrong; those, mended.
    symbol, register : str
        What enters the decoder, and what its shift register remembers.
    payload, corrections, mask, matrix, header : str
        Stored bits.
    stage_0, stage_1, stage_2, stage_3 : str
        Register lengths n_s; their shapes are `STAGE_MARKERS`.
    reference, ink, muted, line, surface : str
        Bounds and expected curves; text; quiet text; rules; background.
    """

    kept: str
    pruned: str
    dont_care: str
    mismatch: str
    corrected: str
    symbol: str
    register: str
    mask: str
    matrix: str
    header: str
    stage_0: str
    stage_1: str
    stage_2: str
    stage_3: str
    reference: str
    ink: str
    muted: str
    line: str
    surface: str

    @property
    def stages(self) -> tuple[str, ...]:
        """Register lengths, by n_s."""
        return self.stage_0, self.stage_1, self.stage_2, self.stage_3

    @property
    def care(self) -> str:
        """Bits of kept weights."""
        return self.kept

    @property
    def payload(self) -> str:
        """Symbols, as stored."""
        return self.symbol

    @property
    def corrections(self) -> str:
        """Corrections, as stored."""
        return self.corrected


LIGHT = Palette(
    kept="#0072B2",
    pruned="#E9ECF0",
    dont_care="#C9CED6",
    mismatch="#D55E00",
    corrected="#009E73",
    symbol="#E69F00",
    register="#CC79A7",
    mask="#56B4E9",
    matrix="#8C6BB1",
    header="#8A9099",
    stage_0="#B39B78",
    stage_1="#8A6537",
    stage_2="#563A17",
    stage_3="#2B1B06",
    reference="#1F2430",
    ink="#1F2430",
    muted="#5B6472",
    line="#DDE1E7",
    surface="#FFFFFF",
)
DARK = Palette(
    kept="#5AB4F0",
    pruned="#2C323B",
    dont_care="#4D5562",
    mismatch="#FF8A3D",
    corrected="#34CFA0",
    symbol="#F2B93B",
    register="#E6A3C8",
    mask="#8FD0F7",
    matrix="#B79BD9",
    header="#8A93A1",
    stage_0="#8F7B5E",
    stage_1="#C0A172",
    stage_2="#E4CBA2",
    stage_3="#FFF3DE",
    reference="#E8EBF0",
    ink="#E8EBF0",
    muted="#A9B2C0",
    line="#3A414C",
    surface="#212121",
)
STAGE_MARKERS = ("circle", "square", "triangle", "diamond")
SIGNS = {"care": "■", "dont_care": "·", "mismatch": "✕", "corrected": "✓"}


def palette(theme: Theme) -> Palette:
    """Return the colours of a theme."""
    return DARK if theme == "dark" else LIGHT


def css() -> str:
    """Return the palette as CSS variables: by the page's theme, or by an analyzer's own."""
    rules = []
    for selector, scheme, colours in (
        (".f2f", "light", LIGHT),
        ('body[data-jp-theme-light="false"] .f2f, body.f2f-dark .f2f', "dark", DARK),
        (".f2f-app.f2f-light, .f2f-app.f2f-light .f2f", "light", LIGHT),
        (".f2f-app.f2f-dark, .f2f-app.f2f-dark .f2f", "dark", DARK),
    ):
        same = {name: getattr(colours, name) for name in ("care", "payload", "corrections")}
        values = vars(colours) | same
        names = "; ".join(f"--f2f-{k.replace('_', '-')}: {v}" for k, v in values.items())
        rules.append(f"{selector} {{ color-scheme: {scheme}; {names}; }}")
    return "\n".join(rules) + "\n"
