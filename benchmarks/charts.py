"""SVG bar charts, and line charts with logarithmic axes. Both follow the reader's light or dark color scheme."""

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
COLORS = 7
LEFT, TOP, RIGHT, BOTTOM, HEIGHT = 76, 88, 346, 58, 480
"""Line chart: the four margins (the right one has room for the labels) and the total height."""
NAME_WIDTH, VALUE_WIDTH, BAR_HEIGHT, HEADING_HEIGHT = 300, 150, 28, 44
"""Bar chart: widths of the names and of the values, heights of a bar and of a group's heading."""
LABEL_DISTANCE = 15
"""Minimum distance between the labels of a line chart."""


Bar = tuple[str, float, str]
"""Name, value, and the text after the value."""


def bar_chart(title: str, subtitle: str, groups: Sequence[tuple[str, Sequence[Bar]]]) -> str:
    """Return a bar chart of `groups`, pairs of a heading and bars. The first bar of each group is highlighted."""
    height = 84 + sum(HEADING_HEIGHT + BAR_HEIGHT * len(rows) for _, rows in groups)
    return _chart(title, subtitle, height, _bars(groups))


def line_chart(title: str, subtitle: str, sizes: Sequence[int], series: Sequence[tuple[str, Sequence[float]]]) -> str:
    """Return a line chart of `series`, pairs of a name and the milliseconds for each of `sizes`."""
    return _chart(title, subtitle, HEIGHT, _lines(sizes, series))


def _chart(title: str, subtitle: str, height: float, parts: Iterable[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    return "\n".join(
        [
            f'{head} role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="10"'
            ' style="fill: var(--ground); stroke: var(--edge)"/>',
            _text(24, 34, title, "title"),
            _text(24, 56, subtitle, "soft"),
            *parts,
            "</svg>\n",
        ]
    )


def _bars(groups: Sequence[tuple[str, Sequence[Bar]]]) -> Iterator[str]:
    y = 60.0
    for heading, rows in groups:
        yield _text(24, y + 30, heading, "strong")
        y += HEADING_HEIGHT
        longest = max(value for _, value, _ in rows)
        for number, (name, value, suffix) in enumerate(rows):
            length = max(1.5, (WIDTH - NAME_WIDTH - VALUE_WIDTH) * value / longest)
            color, kind = ("--c0", "strong") if number == 0 else ("--bar", "")
            yield _text(NAME_WIDTH - 12, y + 15, name, f"end {kind}")
            yield (
                f'<rect x="{NAME_WIDTH}" y="{y}" width="{length:.1f}" height="{BAR_HEIGHT - 8}"'
                f' style="fill: var({color})"/>'
            )
            yield (
                f'<text x="{NAME_WIDTH + length + 8:.1f}" y="{y + 15}"><tspan class="strong">{value:,.0f}</tspan>'
                f'<tspan class="soft" dx="12">{escape(suffix)}</tspan></text>'
            )
            y += BAR_HEIGHT


def _lines(sizes: Sequence[int], series: Sequence[tuple[str, Sequence[float]]]) -> Iterator[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    decades = _decades([value for _, values in series for value in values])
    x = _logarithmic((sizes[0], sizes[-1]), (LEFT, right))
    y = _logarithmic((10 ** decades[0], 10 ** decades[-1]), (bottom, TOP))
    for decade in decades:
        yield _rule(LEFT, y(10**decade), right, y(10**decade))
        yield _text(LEFT - 10, y(10**decade) + 4, _duration(10**decade), "end soft")
    for size in sizes:
        yield _rule(x(size), TOP, x(size), bottom)
        yield _text(x(size), bottom + 22, f"{size:,}", "middle soft")
    yield _text((LEFT + right) / 2, HEIGHT - 14, "customers in the tenant", "middle soft")
    label_ys = _spread_out([y(values[-1]) for _, values in series])
    for number, ((name, values), label_y) in enumerate(zip(series, label_ys, strict=True)):
        points = [(x(size), y(value)) for size, value in zip(sizes, values, strict=True)]
        yield from _curve(points, label_y, f"var(--c{number % COLORS})", name, _duration(values[-1]))


def _curve(points: Sequence[tuple[float, float]], label_y: float, color: str, name: str, last: str) -> Iterator[str]:
    """Return a line through `points`, and a short line from its end to its label at `label_y`."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{path}" style="fill: none; stroke: {color}; stroke-width: 2.5"/>'
    for x, y in points:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" style="fill: {color}"/>'
    end_x, end_y = points[-1]
    leader = f"{end_x + 6:.1f},{end_y:.1f} {end_x + 18:.1f},{label_y:.1f}"
    yield f'<polyline points="{leader}" style="fill: none; stroke: {color}; opacity: .6"/>'
    yield (
        f'<text x="{end_x + 22:.1f}" y="{label_y + 4:.1f}" style="fill: {color}">{escape(name)}'
        f'<tspan class="soft" dx="6">{last}</tspan></text>'
    )


def _decades(values: Sequence[float]) -> list[int]:
    """Return the exponents of ten that enclose `values`: at least three, so that a flat line looks flat."""
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return list(range(first, max(last, first + 2) + 1))


def _logarithmic(values: tuple[float, float], pixels: tuple[float, float]) -> Callable[[float], float]:
    low, high = map(math.log10, values)
    return lambda value: pixels[0] + (math.log10(value) - low) / (high - low) * (pixels[1] - pixels[0])


def _spread_out(ys: Sequence[float]) -> list[float]:
    """Move `ys` as little as needed so that labels do not overlap."""
    order = sorted(range(len(ys)), key=lambda number: ys[number])
    moved = [ys[number] for number in order]
    # Each pass moves overlapping neighbors apart, which may create new overlaps.
    for _ in range(200):
        for above in range(len(moved) - 1):
            overlap = LABEL_DISTANCE - (moved[above + 1] - moved[above])
            if overlap > 0:
                moved[above] -= overlap / 2
                moved[above + 1] += overlap / 2
    moved_by_number = dict(zip(order, moved, strict=True))
    return [moved_by_number[number] for number in range(len(ys))]


def _duration(milliseconds: float) -> str:
    if milliseconds >= 1_000:
        return f"{milliseconds / 1_000:.3g} s"
    return f"{milliseconds:.2g} ms" if milliseconds < 100 else f"{milliseconds:.0f} ms"


def _rule(left: float, top: float, right: float, bottom: float) -> str:
    return f'<line x1="{left:.1f}" y1="{top:.1f}" x2="{right:.1f}" y2="{bottom:.1f}" class="grid"/>'


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(text)}</text>'
