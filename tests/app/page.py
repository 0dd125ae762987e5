"""What tests look for on the analyzer's page."""

# BokehJS is the page's, but not in its window
BOKEH = "(await [...globalThis[Symbol.for('f2f-viz.bokehjs')].values()][0])"
TITLES = f"""async () => {BOKEH}.documents.flatMap((document) => document.roots())
  .flatMap((root) => [...root.references()]).filter((model) => model.type == "Title")
  .map((model) => model.text)"""


def settle(page):
    """Wait until the numbers shown are exact."""
    page.locator(".f2f-headline-root[data-state=exact]").wait_for()


def card(page, key):
    """Return the headline number of this key."""
    return page.locator(f".f2f-card-value[data-key={key}]")


def drawn(page, name):
    """Return the Bokeh figure of this name, once it is in its place."""
    figure = page.locator(f".f2f-figure-{name}:not(.f2f-building)")
    figure.locator("canvas").first.wait_for()
    return figure
