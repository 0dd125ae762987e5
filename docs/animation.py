"""Draw the README's picture, the decoder stepping, from the lesson: python docs/animation.py."""

import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright
from screenshots import FLAGS, IMAGES

import f2f_viz as f2f
from f2f_viz.figures.lesson import lesson_html
from f2f_viz.figures.lesson_data import lesson_code
from f2f_viz.samples import SMALL

PLANE, CYCLES = 9, 8
WIDTH, SCALE = 880, 2
MOVING, RESTING = (0.2, 0.5, 0.8), {False: 1300, True: 2600}
"""Shares of a step's motion that are drawn, 60 ms each; ms of rest, more where one is corrected."""

PLAIN = """.f2f-lesson > :not(:has(#decoder)), h2, p { display: none }
.f2f-toolbar, .f2f-wave { opacity: 0 } .f2f-stage { outline: none !important }"""
STEP = """() => {
  const stage = document.querySelector('.f2f-stage');
  stage.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
  document.getAnimations().forEach((motion) => motion.pause());
}"""
MOVE = """(share) => document.getAnimations().forEach((motion) => {
  motion.currentTime = share * motion.effect.getComputedTiming().duration;
})"""
END = "() => document.getAnimations().forEach((motion) => motion.finish())"


def shot(page: Page) -> Image.Image:
    """The decoder and the equation of the chosen bit."""
    stage = page.locator(".f2f-stage").bounding_box()
    equation = page.locator(".f2f-equation").bounding_box()
    top = stage["y"] - 8
    clip = {"x": 0, "y": top, "width": WIDTH, "height": equation["y"] + 88 - top}
    return Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")


def choose(page: Page, bit: int) -> None:
    """Show the equation of an output bit."""
    stage = page.locator(".f2f-stage")
    while (at := int(stage.get_attribute("data-bit"))) != bit:
        stage.press("ArrowDown" if at < bit else "ArrowUp")


def frames(page: Page, trace: f2f.Trace) -> list[tuple[Image.Image, int]]:
    """Pictures and how long each is shown, in ms; the fourth cycle has a correction."""
    found = []
    begin = int(trace.mismatch[3:].any(axis=1).argmax())
    page.get_by_label("Cycle", exact=True).fill(str(begin))
    page.get_by_label("Cycle", exact=True).press("Enter")
    for cycle in range(begin, begin + CYCLES):
        if cycle > begin:
            page.evaluate(STEP)
            for share in MOVING:
                page.evaluate(MOVE, share)
                found.append((shot(page), 60))
            page.evaluate(END)
        wrong = trace.mismatch[cycle]
        choose(page, int((wrong if wrong.any() else trace.care[cycle]).argmax()))
        found.append((shot(page), RESTING[bool(wrong.any())]))
    return found


def main() -> None:
    layer, settings = f2f.sample_layer(SMALL), f2f.Settings(rate=0.8)
    encoded = f2f.encode(layer, f2f.prune(layer, settings.rate), lesson_code(settings))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        lesson = Path(folder) / "lesson.html"
        lesson.write_text(lesson_html(layer, settings, start={"plane": PLANE}), "utf-8")
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(
            viewport={"width": WIDTH, "height": 1000}, device_scale_factor=SCALE
        )
        page.goto(lesson.as_uri())
        page.locator(".status[data-shown]").wait_for()
        page.add_style_tag(content=PLAIN)
        drawn = frames(page, f2f.trace(encoded, PLANE, 0, 100))
        browser.close()
    first, *others = (picture for picture, _ in drawn)
    first.save(
        IMAGES / "decoder.webp", save_all=True, append_images=others, lossless=True, quality=90,
        method=6, loop=0, duration=[shown for _, shown in drawn], minimize_size=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
