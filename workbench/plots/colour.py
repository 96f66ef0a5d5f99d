"""Colour: mixing, and the contrast that makes text readable."""


def text_on(colour: str) -> str:
    """Black or white, whichever is read better on a colour; the contrast is always at least 4.5."""
    return "#000000" if luminance(colour) > 0.179 else "#FFFFFF"


def contrast(a: str, b: str) -> float:
    """The contrast ratio of two colours, 1 to 21, by WCAG 2."""
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance of "#RRGGBB", 0 to 1, by WCAG 2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb(colour))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def rgb(colour: str) -> tuple[int, int, int]:
    """The three numbers of "#RRGGBB"."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def rgba(colour: str, opacity: float) -> str:
    """A colour with an opacity, as CSS and Plotly write it."""
    red, green, blue = rgb(colour)
    return f"rgba({red},{green},{blue},{opacity:g})"


def mixed(a: str, b: str, share: float) -> str:
    """A colour between two, `share` of the way to the second."""
    parts = (round(x + (y - x) * share) for x, y in zip(rgb(a), rgb(b), strict=True))
    return "#" + "".join(f"{part:02X}" for part in parts)
