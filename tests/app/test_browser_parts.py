"""Front-end modules alone, before models and kernels that are played here."""

import base64

import pytest
from bokeh.plotting import figure

from f2f_viz.app import bokeh_widget
from f2f_viz.figures.front_end import STATIC, source

APP = bokeh_widget._STATIC

# a model that a test fills, and what a module draws of it
PLAY = """async ([code, values, setUp, act]) => {
  const AsyncFunction = (async () => {}).constructor;
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const el = document.body.appendChild(document.createElement("div"));
  const hearers = [], sent = [];
  const model = { get: (key) => values[key], set() {}, save_changes() {}, off() {},
    on: (event, call) => event === "msg:custom" && hearers.push(call), send: (message) => sent.push(message) };
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const until = async (condition) => { while (!condition()) await new Promise((go) => setTimeout(go, 20)); };
  const stage = { model, el, host: {}, sent, bytes, until, values, say: (...said) => hearers.forEach((hear) => hear(...said)) };
  await new AsyncFunction("stage", setUp)(stage);
  await (await import(url)).default.render(stage);
  return await new AsyncFunction("stage", act)(stage);
}"""


@pytest.fixture
def play(browser):
    """Run a module in a page that may complain, and return what the test's script finds."""
    context = browser.new_context()
    page = context.new_page()
    page.goto("data:text/html,<meta charset=utf-8>")
    page.set_default_timeout(30_000)

    def run(code, values, set_up, act):
        return page.evaluate(PLAY, [code, values, set_up, act])

    yield run
    context.close()


def drawn_figure(play, set_up, act):
    plot = figure(width=300, height=200)
    plot.line([1, 2], [1, 2])
    widget = bokeh_widget.FigureWidget(plot, "mask")
    message, _ = widget._whole()
    values = {
        "name": "mask", "version": widget.version, "library": "L",
        "gz": base64.b64encode(bokeh_widget._bokehjs()).decode(), "message": message,
    }  # fmt: skip
    whole = """stage.whole = (more) => stage.say({ kind: "whole", to: stage.sent[0].view, ...stage.values.message, ...more }, []);
        stage.library = { get: () => stage.bytes(stage.values.gz) };"""
    return play(source(APP / "figure.js"), values, whole + set_up, act)


def test_a_figure_waits_for_the_library_of_a_page_that_is_restored(play):
    asked, text = drawn_figure(
        play,
        """stage.asked = 0;
        stage.host.getModel = async () => {
          if (++stage.asked < 3) throw new Error("widget model not found");
          return stage.library;
        };""",
        """stage.whole();
        await stage.until(() => stage.el.querySelector(".bk-Figure") || stage.el.textContent);
        return [stage.asked, stage.el.textContent];""",
    )
    assert asked == 3
    assert text == ""


def test_what_could_not_be_drawn_is_asked_for_again_and_its_message_goes(play):
    failed, asked, after, figures = drawn_figure(
        play,
        "stage.host.getModel = async () => stage.library;",
        """stage.whole({ text: "{" });
        await stage.until(() => stage.el.textContent);
        const failed = stage.el.textContent;
        stage.say({ kind: "patch", revision: 7, text: "{}", ids: [] });
        const asked = stage.sent.at(-1);
        stage.whole();
        await stage.until(() => stage.el.querySelector(".bk-Figure"));
        return [failed, asked, stage.el.textContent, stage.el.querySelectorAll(".bk-Figure").length];""",
    )
    assert "The figure cannot be drawn" in failed
    assert (asked["kind"], asked["revision"]) == ("open", -1)
    assert (after, figures) == ("", 1)


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        ('connection("connecting")', "The connection to the server is lost; trying to connect"),
        ('kernel.isDisposed = true, connection("disconnected")', "The kernel has ended"),
        ('state("dead")', "The kernel has ended"),
        ('connection("disconnected")', "it has ended, or its server cannot be reached"),
    ],
)
def test_the_headline_says_who_is_gone(play, happens, words):
    values = {"cards": [], "pinned": ["", ""], "badge": {}, "held": "", "state": "exact"}
    said, hidden = play(
        source(STATIC / "dom.js", APP / "headline.js"),
        values,
        """const signal = () => ({ connect(call) { this.call = call; }, disconnect() {} });
        stage.kernel = { connectionStatusChanged: signal(), statusChanged: signal() };
        stage.model.widget_manager = { kernel: stage.kernel };""",
        f"""const kernel = stage.kernel;
        const connection = (word) => kernel.connectionStatusChanged.call(kernel, word);
        const state = (word) => kernel.statusChanged.call(kernel, word);
        {happens};
        const alert = stage.el.querySelector("[role=alert]"), said = [alert.hidden ? "" : alert.textContent];
        connection("connected");
        return [...said, alert.hidden];""",
    )
    assert words in said
    assert hidden == ("kernel has ended" not in said)
