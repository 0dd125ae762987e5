"""The benchmarks' pictures, as SVG."""

from bokeh.io.export import get_svg
from bokeh.layouts import row as side_by_side
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure

from f2f_viz.figures.browser import chromium_driver

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


def _lines(title, label, rows, x):
    times = [r[2] for r in rows]
    plot = figure(
        title=title, x_axis_label=label, y_axis_label="µs per block", y_axis_type="log",
        y_range=(min(times) / 2, max(times) * 60),  # with room for the legend where no line lies
        width=380, height=320, toolbar_location=None, output_backend="svg",
    )  # fmt: skip
    other = 1 - x
    for n_s in sorted({r[other] for r in rows}):
        chosen = [r for r in rows if r[other] == n_s]
        source = ColumnDataSource({"x": [r[x] for r in chosen], "y": [r[2] for r in chosen]})
        plot.line("x", "y", source=source, color=COLOURS[n_s], legend_label=f"n_s = {n_s}")
        plot.scatter("x", "y", source=source, color=COLOURS[n_s], size=6)
    plot.legend.location, plot.legend.ncols = "top_right", 2
    return plot


def draw(by_code, by_rate, decoded, path):
    """Draw costs by code and sparsity and the decoders' speeds to an SVG file."""
    names = [name for name, _, _ in decoded][::-1]
    bars = figure(
        title="Decoding, float32, S = 0.9", y_range=names, x_axis_label="GB/s of dense weights",
        width=460, height=320, toolbar_location=None, output_backend="svg",
    )  # fmt: skip
    source = ColumnDataSource({"name": names, "speed": [s for _, s, _ in decoded][::-1]})
    bars.hbar(y="name", right="speed", height=0.6, source=source, color=COLOURS[0])
    page = side_by_side(
        _lines("Search by code, S = 0.9", "n_in", by_code, 0),
        _lines("Search by sparsity, n_in = 8", "S", by_rate, 0),
        bars,
    )
    _write(page, path)


PRODUCTS = {
    "dense": ("#555555", "square"),
    "CSR, SciPy": (COLOURS[1], "circle"),
    "CSR, PyTorch (MKL)": (COLOURS[3], "triangle"),
    "F2F decoded, then dense": (COLOURS[2], "diamond"),
    "F2F, matmul": (COLOURS[0], "inverted_triangle"),
}
"""Ways to multiply that are drawn, and how."""


def draw_products(rows, path):
    """Draw times of products over that of the dense one, against S, for a vector and a matrix."""
    plots = []
    for k, title in ((1, "x is a vector"), (64, "x has 64 columns")):
        plot = figure(
            title=title, x_axis_label="S", y_axis_label="time / dense product", y_axis_type="log",
            y_range=(0.05, 10000),  # alike, with room for the legend where no point lies
            width=440, height=400, toolbar_location=None, output_backend="svg",
        )  # fmt: skip
        own = [row for row in rows if row["columns"] == k]
        dense = {row["rate"]: row["ms"] for row in own if row["way"] == "dense"}
        for way, (colour, marker) in PRODUCTS.items():
            found = [row for row in own if row["way"] == way]
            source = ColumnDataSource({
                "x": [row["rate"] for row in found],
                "y": [row["ms"] / dense[row["rate"]] for row in found],
            })  # fmt: skip
            look = {"source": source, "color": colour}
            if k > 1:
                look["legend_label"] = way
            plot.line("x", "y", **look)
            plot.scatter("x", "y", marker=marker, size=7, **look)
        plots.append(plot)
    plots[-1].legend.location = "top_right"
    _write(side_by_side(*plots), path)


def _write(page, path):
    driver = chromium_driver()
    try:
        path.write_text(get_svg(page, driver=driver)[0], encoding="utf-8")
    finally:
        driver.quit()
