"""Small line charts as plain SVG. Series differ in colour, lightness, dashes and marks, so they can be told apart in grey and by the colour-blind."""
import math
from html import escape

WIDTH, HEIGHT = 300, 210
LEFT, TOP, RIGHT, BOTTOM = 62, 34, 14, 40
# Okabe and Ito's colours, of which the lightness differs, too.
STYLES = [("#000000", "", "circle"), ("#0072b2", "7 3", "square"), ("#d55e00", "2 3", "triangle"), ("#56b4e9", "9 3 2 3", "diamond")]


def mark(kind, x, y, colour):
    r = 4
    points = {
        "square": [(-r, -r), (r, -r), (r, r), (-r, r)],
        "triangle": [(0, -r - 1), (r + 1, r), (-r - 1, r)],
        "diamond": [(0, -r - 2), (r + 1, 0), (0, r + 2), (-r - 1, 0)],
    }
    if kind == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" fill="{colour}"/>'
    corners = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in points[kind])
    return f'<polygon points="{corners}" fill="{colour}"/>'


def text(x, y, words, anchor="middle", size=11, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" {more}>{escape(str(words))}</text>'


def number(value):
    return f"{value:g}"


def ticks(least, most):
    """1, 2 and 5 of each power of ten that are within; at least the two ends of a range."""
    powers = range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)
    all_of = [step * 10.0**power for power in powers for step in (1, 2, 5)]
    within = [value for value in all_of if least <= value * 1.0001 and value <= most * 1.0001]
    return within if len(within) <= 6 else [value for value in within if f"{value:e}"[0] == "1"]


class Axis:
    """A logarithmic scale from one place to another."""

    def __init__(self, least, most, start, end):
        self.least, self.most = least, most
        self.start, self.end = start, end

    def at(self, value):
        part = math.log(value / self.least) / math.log(self.most / self.least)
        return self.start + part * (self.end - self.start)


def panel(x0, y0, title, label, series, limits):
    xs = sorted({x for points in series.values() for x, _ in points})
    across = Axis(xs[0] / 1.15, xs[-1] * 1.15, x0 + LEFT, x0 + WIDTH - RIGHT)
    up = Axis(*limits, y0 + HEIGHT - BOTTOM, y0 + TOP)
    out = [text((across.start + across.end) / 2, y0 + TOP - 12, title, size=12, more='font-weight="bold"')]
    for value in ticks(*limits):
        y = up.at(value)
        out.append(f'<line x1="{across.start}" y1="{y:.1f}" x2="{across.end}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(text(across.start - 6, y + 4, number(value), "end"))
    for x in xs:
        out.append(f'<line x1="{across.at(x):.1f}" y1="{up.start}" x2="{across.at(x):.1f}" y2="{up.start + 4}" stroke="#333"/>')
        out.append(text(across.at(x), up.start + 17, f"{x}x"))
    out.append(f'<path d="M{across.start} {up.end} V{up.start} H{across.end}" fill="none" stroke="#333"/>')
    out.append(text((across.start + across.end) / 2, up.start + 32, "times as large"))
    middle = (up.start + up.end) / 2
    out.append(text(x0 + 14, middle, label, more=f'transform="rotate(-90 {x0 + 14} {middle:.1f})"'))
    for (colour, dashes, kind), points in zip(STYLES, series.values()):
        path = " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>')
        out += [mark(kind, across.at(x), up.at(y), colour) for x, y in points]
    return out


def legend(x, y, names):
    out = []
    for (colour, dashes, kind), name in zip(STYLES, names):
        out.append(f'<line x1="{x}" y1="{y}" x2="{x + 34}" y2="{y}" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>')
        out += [mark(kind, x + 17, y, colour), text(x + 40, y + 4, name, "start", 12)]
        x += 130
    return out


def panels(title, rows):
    """Rows of panels: each row a label of its y axes, which are the same, and its panels: a title and points by series."""
    columns = max(len(of_row) for _, of_row in rows)
    width, head = columns * WIDTH, 64
    height = head + len(rows) * HEIGHT
    body = [text(width / 2, 22, title, size=14, more='font-weight="bold"')]
    body += legend(LEFT, 46, list(rows[0][1][0][1]))
    for down, (label, of_row) in enumerate(rows):
        values = [y for _, series in of_row for points in series.values() for _, y in points]
        limits = (min(values) / 1.3, max(values) * 1.3)
        for right, (name, series) in enumerate(of_row):
            body += panel(right * WIDTH, head + down * HEIGHT, name, label, series, limits)
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="sans-serif">',
         f"<title>{escape(title)}</title>", f'<rect width="{width}" height="{height}" fill="white"/>', *body, "</svg>", ""]
    )
