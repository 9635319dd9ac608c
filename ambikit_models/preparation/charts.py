"""Small pictures for a page without a network: bars and histograms as SVG, maps as PNG within the page."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from io import BytesIO
from math import log10

import numpy as np
from jaxtyping import Float

__all__ = ["bars", "map_picture", "ratio_histogram", "share_histogram", "stacked_bar"]

_LOW, _HIGH, _PER_DECADE = 0.1, 10.0, 24


def bars(rows: Sequence[tuple[str, int, str]], total: int) -> str:
    """Horizontal bars: what, how many, and a class for the colour; the shares are of ``total``."""
    largest = max((count for _, count, _ in rows), default=1) or 1
    lines = [
        f'<div class="bar"><span class="what">{escape(what)}</span>'
        f'<span class="track"><i class="{kind}" style="width:{100 * count / largest:.2f}%"></i></span>'
        f'<span class="count">{count:,}</span><span class="share">{_percent(count, total)}</span></div>'
        for what, count, kind in rows
    ]
    return f'<div class="bars">{"".join(lines)}</div>'


def stacked_bar(parts: Sequence[tuple[str, int]]) -> str:
    """One bar of all files, with a legend; the class of a part is its name."""
    total = sum(count for _, count in parts) or 1
    pieces = "".join(
        f'<i class="{_css(name)}" style="width:{100 * count / total:.3f}%" title="{escape(name)}: {count:,}"></i>'
        for name, count in parts
        if count
    )
    legend = "".join(
        f'<span><i class="dot {_css(name)}"></i>{escape(name)} <b>{count:,}</b> <small>{_percent(count, total)}</small>'
        "</span>"
        for name, count in parts
        if count
    )
    return f'<div class="stack">{pieces}</div><div class="legend">{legend}</div>'


def ratio_histogram(ratios: Sequence[tuple[float, str]], tolerance: float) -> str:
    """The ratios of dipole energy to that of W on a logarithmic axis, stacked by verdict, the passing band shaded."""
    bins = round(_PER_DECADE * log10(_HIGH / _LOW))
    verdicts = ("valid", "doubtful", "invalid")
    counts = np.zeros((len(verdicts), bins), dtype=int)
    for ratio, verdict in ratios:
        clipped = min(max(ratio, _LOW), _HIGH * 0.999)
        counts[verdicts.index(verdict), int(_PER_DECADE * log10(clipped / _LOW))] += 1
    width, height, left, base = 880, 250, 40, 215

    def x(ratio: float) -> float:
        return left + (width - left - 10) * log10(ratio / _LOW) / log10(_HIGH / _LOW)

    band = (x(1 - tolerance), x(1 + tolerance))
    marks = [f'<rect class="band" x="{band[0]:.1f}" y="18" width="{band[1] - band[0]:.1f}" height="{base - 18}"/>']
    named = [(1.0, "1 · AmbiX"), (2.0, "2 · FuMa?"), (3.0, "3 · N3D?")]
    marks += [
        f'<line class="mark" x1="{x(at):.1f}" x2="{x(at):.1f}" y1="18" y2="{base}"/>'
        f'<text class="name" x="{x(at):.1f}" y="12" text-anchor="middle">{name}</text>'
        for at, name in named
    ]
    step = (width - left - 10) / bins
    columns = _columns(counts, verdicts, left, step, base, base - 30)
    ticks = "".join(
        f'<text x="{x(at):.1f}" y="{base + 18}" text-anchor="{"end" if at == _HIGH else "middle"}">{name}</text>'
        for at, name in ((0.1, "≤ 0.1"), (0.2, "0.2"), (0.5, "0.5"), (1.0, "1"), (2.0, "2"), (5.0, "5"), (10.0, "≥ 10"))
    )
    top = f'<text x="{left - 6}" y="34" text-anchor="end">{counts.sum(0).max()}</text>'
    return _svg(width, height, "".join(marks) + columns + ticks + top, left, base)


def share_histogram(shares: Sequence[float]) -> str:
    """How much of each file is silent, in ten columns."""
    counts = np.histogram(shares, bins=10, range=(0, 1))[0][None]
    width, height, left, base = 420, 200, 40, 165
    step = (width - left - 10) / 10
    columns = _columns(counts, ("accent",), left, step, base, base - 20)
    ticks = "".join(
        f'<text x="{left + 10 * step * at:.1f}" y="{base + 18}" text-anchor="{anchor}">{at:.0%}</text>'
        for at, anchor in ((0, "middle"), (0.25, "middle"), (0.5, "middle"), (0.75, "middle"), (1, "end"))
    )
    top = f'<text x="{left - 6}" y="24" text-anchor="end">{counts.max()}</text>'
    return _svg(width, height, columns + ticks + top, left, base)


def map_picture(values: Float[np.ndarray, "rows columns"], range_db: float = 12.0) -> str:
    """A map over the sphere as a picture within the page, in dB below its loudest direction."""
    from matplotlib import colormaps, image

    level = 10 * np.log10(np.maximum(values / values.max(), 10 ** (-range_db / 10)))
    pixels = colormaps["magma"](1 + level / range_db)
    buffer = BytesIO()
    image.imsave(buffer, pixels, format="png")
    source = "data:image/png;base64," + b64encode(buffer.getvalue()).decode()
    letters = "".join(f"<b style='left:{at}%'>{name}</b>" for at, name in ((25, "left"), (50, "front"), (75, "right")))
    return f'<div class="map"><img alt="energy by direction" src="{source}">{letters}</div>'


def _columns(counts: np.ndarray, kinds: Sequence[str], left: float, step: float, base: float, tallest: float) -> str:
    scale, out = tallest / max(1, counts.sum(0).max()), []
    for column in range(counts.shape[1]):
        y = base
        for kind, count in zip(kinds, counts[:, column]):
            if count:
                high = max(1.5, float(count * scale))
                y -= high
                out.append(
                    f'<rect class="{kind}" x="{left + column * step + 0.7:.2f}" y="{y:.2f}" width="{step - 1.4:.2f}" '
                    f'height="{high:.2f}"><title>{count}</title></rect>'
                )
    return "".join(out)


def _svg(width: int, height: int, inside: str, left: float, base: float) -> str:
    axis = f'<line class="axis" x1="{left}" x2="{width - 10}" y1="{base}" y2="{base}"/>'
    return f'<svg viewBox="0 0 {width} {height}" role="img">{inside}{axis}</svg>'


def _percent(count: int, total: int) -> str:
    return f"{100 * count / total:.0f} %" if total else ""


def _css(name: str) -> str:
    return name.replace(" ", "-")
