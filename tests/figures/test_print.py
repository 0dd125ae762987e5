"""Exported figures as a reader sees them: text inside the page, apart, and large enough."""

import os
import re
import shutil
from functools import cache

import pytest

import f2f_viz as f2f
from f2f_viz.figures import images
from f2f_viz.figures.browser import chromium_driver
from f2f_viz.figures.catalogue import FIGURES
from f2f_viz.figures.figure import IMAGES, to_bytes

pytestmark = pytest.mark.browser
DRAWN = [name for name, entry in FIGURES.items() if set(IMAGES) <= set(entry.formats)]

FAULTS = """
const [width, height] = arguments, least = 8 - 0.01, found = [];  // 6 pt
const texts = [...document.querySelectorAll("svg text")].filter((n) => n.textContent.trim()).map((node) => {
  const box = node.getBoundingClientRect(), m = node.getScreenCTM();
  return { words: node.textContent, box, size: parseFloat(getComputedStyle(node).fontSize) * Math.hypot(m.a, m.b) };
}).filter(({ box }) => box.width && box.height)
  .filter(({ words, box }, i, all) => !all.slice(0, i).some((other) =>  // filled, then outlined
    other.words === words && Math.abs(other.box.x - box.x) + Math.abs(other.box.y - box.y) < 1));
if (!texts.length) found.push("no text");
for (const { words, box, size } of texts) {
  if (box.left < -0.5 || box.top < -1.5 || box.right > width + 0.5 || box.bottom > height + 1.5)
    found.push(`${words}: outside the page, ${[box.left, box.top, box.right, box.bottom].map(Math.round)}`);
  if (size < least) found.push(`${words}: ${size} px`);
}
const over = (a, b) => [Math.min(a.right, b.right) - Math.max(a.left, b.left), Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)];
texts.forEach((one, i) => texts.slice(i + 1).forEach((two) => {
  const [x, y] = over(one.box, two.box);  // boxes have the room of accents
  if (x > 0.5 && y > 3) found.push(`${one.words} | ${two.words}: overlap ${x.toFixed(1)} × ${y.toFixed(1)}`);
}));
for (const path of document.querySelectorAll("svg path, svg line")) {
  const dashes = getComputedStyle(path).strokeDasharray;
  if (!dashes || dashes === "none" || getComputedStyle(path).strokeOpacity === "0") continue;
  const length = path.getTotalLength(), m = path.getScreenCTM();
  for (let at = 0; at <= length; at += 2) {
    const p = path.getPointAtLength(at).matrixTransform(m);
    const hit = texts.find(({ box }) => p.x > box.left && p.x < box.right && p.y > box.top + 3 && p.y < box.bottom - 3);
    if (hit) { found.push(`${hit.words}: a dashed line goes through`); break; }
  }
}
return found;
"""


@pytest.fixture(scope="module")
def driver():
    if shutil.which("chromedriver") is None and not os.environ.get("CI"):
        pytest.skip("no chromedriver on PATH: run tools/ensure_chromium.sh")
    driver = chromium_driver()
    yield driver
    driver.quit()


@cache
def made(name, kind):
    settings = {
        "default": f2f.Settings(),
        "small": f2f.Settings(rate=0.6, n_in=3, n_s=2, order="row", number_format="int8"),
    }[kind]
    if kind == "default" and name == "trellis":
        settings = f2f.Settings(n_in=3, n_s=1)
    analysis = f2f.analyze(f2f.sample_layer(), settings)
    measure = FIGURES[name].measure
    points = {"points": measured(measure, kind)} if measure else {}
    place = {"plane": 2, "cycle": 30}
    if name == "trellis":
        place["plane"] = next(plane.index for plane in analysis.planes if plane.payload)
    options = {key: at for key, at in place.items() if key in FIGURES[name].options}
    return f2f.figure(name, analysis, **options, **points)


@cache
def measured(measure, kind):
    settings = {"default": f2f.Settings(), "small": f2f.Settings(rate=0.6, n_in=3)}[kind]
    return measure(f2f.analyze(f2f.sample_layer(), settings))


def faults(figure, driver, **sizes):
    svg = to_bytes(figure, "svg", driver=driver, **sizes).decode()
    size = re.search(r'width="([\d.]+)mm" height="([\d.]+)mm"', svg)
    width, height = (float(mm) / 25.4 * images.DPI for mm in size.groups())
    images.show(svg.replace(size[0], f'width="{width}" height="{height}"'), driver)
    return driver.execute_script(FAULTS, width, height)


@pytest.mark.parametrize("kind", ["default", "small"])
@pytest.mark.parametrize("width_mm", [85, 170])
@pytest.mark.parametrize("name", DRAWN)
def test_text_is_whole_apart_and_legible(driver, name, width_mm, kind):
    found = faults(made(name, kind), driver, width_mm=width_mm)
    assert found == [], "\n".join(found)


def test_the_harness_sees(driver):
    bad = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100">'
        '<text x="180" y="50" font-size="12">outside</text><text x="9" y="30">one</text>'
        '<text x="11" y="33">two</text><text x="9" y="80" font-size="7">small</text>'
        '<path d="M0 78H90" stroke="red" stroke-dasharray="4 4"/></svg>'
    )
    images.show(bad, driver)
    found = "; ".join(driver.execute_script(FAULTS, 200, 100))
    for fault in ("outside: outside the page", "one | two: overlap", "small: 7 px", "dashed line"):
        assert fault in found
