# SPDX-License-Identifier: Apache-2.0
"""plot - curves against two logarithmic axes, as a picture in SVG."""

import math

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 380, 80, 50, 30, 20


class Plot:
    """A grid with names, to which curves are added; `across` and `up` are the ends of its axes."""

    def __init__(self, across, up, names_across, names_up):
        self.across, self.up = across, up
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
            ' font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        ]
        for value, name in names_across.items():
            x, _ = self.place(value, up[0])
            self.line([(value, end) for end in up], 'stroke="#ddd"')
            self.text(x, HEIGHT - BOTTOM + 18, name)
        for value, name in names_up.items():
            _, y = self.place(across[0], value)
            self.line([(end, value) for end in across], 'stroke="#ddd"')
            self.text(LEFT - 8, float(y) + 4, name, "end")

    def place(self, x, y):
        def part(value, ends):
            low, high = (math.log10(end) for end in ends)
            return (math.log10(value) - low) / (high - low)

        right = LEFT + part(x, self.across) * (WIDTH - LEFT - RIGHT)
        down = HEIGHT - BOTTOM - part(y, self.up) * (HEIGHT - BOTTOM - TOP)
        return f"{right:.1f}", f"{down:.1f}"

    def line(self, points, style):
        path = " ".join(",".join(self.place(*point)) for point in points)
        self.parts.append(f'<polyline points="{path}" fill="none" {style}/>')

    def curve(self, points, colour):
        """A line with a dot where something was measured."""
        self.line(points, f'stroke="{colour}"')
        for point in points:
            x, y = self.place(*point)
            self.parts.append(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>')

    def limit(self, points):
        self.line(points, 'stroke="#c33" stroke-dasharray="5 4"')

    def text(self, x, y, words, anchor="middle"):
        self.parts.append(f'<text x="{x}" y="{y}" text-anchor="{anchor}">{words}</text>')

    def picture(self, title, below):
        """The whole, with what it shows above it and what goes across below it."""
        self.text(WIDTH / 2, HEIGHT - 10, below)
        self.text(LEFT, 18, title, "start")
        return "\n".join([*self.parts, "</svg>"]) + "\n"
