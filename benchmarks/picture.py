"""The benchmarks' picture, as SVG."""

from bokeh.io.export import get_svg
from bokeh.layouts import row
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure

from f2f_viz.figures.browser import chromium_driver

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


def _lines(title, label, rows, x):
    plot = figure(
        title=title, x_axis_label=label, y_axis_label="µs per block", y_axis_type="log",
        width=380, height=320, toolbar_location=None, output_backend="svg",
    )  # fmt: skip
    other = 1 - x
    for n_s in sorted({r[other] for r in rows}):
        chosen = [r for r in rows if r[other] == n_s]
        source = ColumnDataSource({"x": [r[x] for r in chosen], "y": [r[2] for r in chosen]})
        plot.line("x", "y", source=source, color=COLOURS[n_s], legend_label=f"n_s = {n_s}")
        plot.scatter("x", "y", source=source, color=COLOURS[n_s], size=6)
    plot.legend.background_fill_alpha = 0.6
    plot.legend.location = "top_left"
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
    page = row(
        _lines("Search by code, S = 0.9", "n_in", by_code, 0),
        _lines("Search by sparsity, n_in = 8", "S", by_rate, 0),
        bars,
    )
    driver = chromium_driver()
    try:
        path.write_text(get_svg(page, driver=driver)[0], encoding="utf-8")
    finally:
        driver.quit()
