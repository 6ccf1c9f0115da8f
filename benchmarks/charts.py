"""Two kinds of picture as SVG: bars, and lines over two logarithmic axes. Each follows the reader's light or dark."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape

WIDTH = 900
STYLE = """
svg { color-scheme: light dark; --ground: #ffffff; --edge: #d8dee4; --ink: #1f2328; --soft: #59636e; --grid: #e6eaee;
  --bar: #a3afbd; --c0: #0b5fd6; --c1: #c2410c; --c2: #0e7c4a; --c3: #7c3aed; --c4: #a16207; --c5: #be185d;
  --c6: #0e7490; }
@media (prefers-color-scheme: dark) {
  svg { --ground: #14181f; --edge: #343b44; --ink: #e6edf3; --soft: #9aa5b1; --grid: #272e37;
    --bar: #566270; --c0: #6cb0ff; --c1: #ff9a5c; --c2: #4cc98a; --c3: #b79bff; --c4: #e3b341; --c5: #ff85b8;
    --c6: #54c7dc; }
}
text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--ink); }
.title { font-size: 16px; font-weight: 600; } .soft { fill: var(--soft); } .end { text-anchor: end; }
.middle { text-anchor: middle; } .strong { font-weight: 600; } .grid { stroke: var(--grid); }
"""
COLOURS = 7
LEFT, TOP, LABELS, BOTTOM, HEIGHT = 76, 88, 346, 58, 480
"""Of lines: the margins (on the right for the labels), and the whole height."""
NAMES, VALUES, ROW, GROUP = 300, 150, 28, 44
"""Of bars: the room for their names and for their values, and the heights of a bar and of a group's heading."""
LETTER = 15
"""How far apart the labels of lines are at least."""


Bar = tuple[str, float, str]


def bars(title: str, explained: str, groups: Sequence[tuple[str, Sequence[Bar]]]) -> str:
    """For each group its heading and its bars: name, value, and what is written behind. The first bar is ours."""
    height = 84 + sum(GROUP + ROW * len(rows) for _, rows in groups)
    return _picture(title, explained, height, _bars(groups))


def lines(title: str, explained: str, sizes: Sequence[int], series: Sequence[tuple[str, Sequence[float]]]) -> str:
    """For each of `series` its name, and its milliseconds for each number of customers."""
    return _picture(title, explained, HEIGHT, _lines(sizes, series))


def _picture(title: str, explained: str, height: float, parts: Iterable[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    return "\n".join(
        [
            f'{head} role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="10"'
            ' style="fill: var(--ground); stroke: var(--edge)"/>',
            _text(24, 34, title, "title"),
            _text(24, 56, explained, "soft"),
            *parts,
            "</svg>\n",
        ]
    )


def _bars(groups: Sequence[tuple[str, Sequence[Bar]]]) -> Iterator[str]:
    y = 60.0
    for heading, rows in groups:
        yield _text(24, y + 30, heading, "strong")
        y += GROUP
        longest = max(value for _, value, _ in rows)
        for number, (name, value, behind) in enumerate(rows):
            length = max(1.5, (WIDTH - NAMES - VALUES) * value / longest)
            colour, kind = ("--c0", "strong") if number == 0 else ("--bar", "")
            yield _text(NAMES - 12, y + 15, name, f"end {kind}")
            yield f'<rect x="{NAMES}" y="{y}" width="{length:.1f}" height="{ROW - 8}" style="fill: var({colour})"/>'
            yield (
                f'<text x="{NAMES + length + 8:.1f}" y="{y + 15}"><tspan class="strong">{value:,.0f}</tspan>'
                f'<tspan class="soft" dx="12">{escape(behind)}</tspan></text>'
            )
            y += ROW


def _lines(sizes: Sequence[int], series: Sequence[tuple[str, Sequence[float]]]) -> Iterator[str]:
    right, foot = WIDTH - LABELS, HEIGHT - BOTTOM
    decades = _decades([value for _, values in series for value in values])
    x = _logarithmic((sizes[0], sizes[-1]), (LEFT, right))
    y = _logarithmic((10 ** decades[0], 10 ** decades[-1]), (foot, TOP))
    for decade in decades:
        yield _rule(LEFT, y(10**decade), right, y(10**decade))
        yield _text(LEFT - 10, y(10**decade) + 4, _duration(10**decade), "end soft")
    for size in sizes:
        yield _rule(x(size), TOP, x(size), foot)
        yield _text(x(size), foot + 22, f"{size:,}", "middle soft")
    yield _text((LEFT + right) / 2, HEIGHT - 14, "customers in the tenant", "middle soft")
    places = _apart([y(values[-1]) for _, values in series])
    for number, ((name, values), place) in enumerate(zip(series, places, strict=True)):
        points = [(x(size), y(value)) for size, value in zip(sizes, values, strict=True)]
        yield from _curve(points, place, f"var(--c{number % COLOURS})", name, _duration(values[-1]))


def _curve(points: Sequence[tuple[float, float]], place: float, colour: str, name: str, last: str) -> Iterator[str]:
    """A line through the points, and its label at the height `place`, led to by a short line."""
    path = " ".join(f"{across:.1f},{down:.1f}" for across, down in points)
    yield f'<polyline points="{path}" style="fill: none; stroke: {colour}; stroke-width: 2.5"/>'
    for across, down in points:
        yield f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3.5" style="fill: {colour}"/>'
    end, height = points[-1]
    lead = f"{end + 6:.1f},{height:.1f} {end + 18:.1f},{place:.1f}"
    yield f'<polyline points="{lead}" style="fill: none; stroke: {colour}; opacity: .6"/>'
    yield (
        f'<text x="{end + 22:.1f}" y="{place + 4:.1f}" style="fill: {colour}">{escape(name)}'
        f'<tspan class="soft" dx="6">{last}</tspan></text>'
    )


def _decades(values: Sequence[float]) -> list[int]:
    """The powers of ten around the values: three at least, so that what is flat looks flat."""
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return list(range(first, max(last, first + 2) + 1))


def _logarithmic(found: tuple[float, float], shown: tuple[float, float]) -> Callable[[float], float]:
    low, high = map(math.log10, found)
    return lambda value: shown[0] + (math.log10(value) - low) / (high - low) * (shown[1] - shown[0])


def _apart(wanted: Sequence[float]) -> list[float]:
    """The places nearest to those wanted at which labels do not lie upon each other."""
    order = sorted(range(len(wanted)), key=lambda number: wanted[number])
    places = [wanted[number] for number in order]
    # Each pass pushes neighbours apart, as springs would.
    for _ in range(200):
        for above in range(len(places) - 1):
            lacking = LETTER - (places[above + 1] - places[above])
            if lacking > 0:
                places[above] -= lacking / 2
                places[above + 1] += lacking / 2
    found = dict(zip(order, places, strict=True))
    return [found[number] for number in range(len(wanted))]


def _duration(milliseconds: float) -> str:
    if milliseconds >= 1_000:
        return f"{milliseconds / 1_000:.3g} s"
    return f"{milliseconds:.2g} ms" if milliseconds < 100 else f"{milliseconds:.0f} ms"


def _rule(left: float, top: float, right: float, bottom: float) -> str:
    return f'<line x1="{left:.1f}" y1="{top:.1f}" x2="{right:.1f}" y2="{bottom:.1f}" class="grid"/>'


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(text)}</text>'
