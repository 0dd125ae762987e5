// Stepping and playing, as lanes, trellis and decoder offer them.
const onKeys = (node, keys) => node.addEventListener("keydown", (event) => {
  const action = keys[event.key] ?? keys[event.key.toLowerCase()];
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation();
  action();
});
// Buttons, keys and a speed (a second; its text) for steps 0 to `last()`: `at()` is the one that is
// shown, `go(to)` shows another; where that is not `ready()` yet, playing waits for it.
const makePlayer = ({ at, last, go, first, end, unit, speeds, speed, ready = () => true }) => {
  let playing = null;
  const play = button("Play", "Play", () => toggle(), "space");
  const pace = h("select", { "aria-label": `${unit} per second` }, ...speeds.map(([n, text]) => h("option", { value: n }, `${text} / s`)));
  pace.value = speed;
  const name = (text) => { play.textContent = text; play.setAttribute("aria-label", text); };
  const stop = () => { clearTimeout(playing); playing = null; name("Play"); };
  const start = (count = Infinity) => {
    stop();
    name("Pause");
    const tick = () => {
      if (count <= 0 || at() >= last() || !play.isConnected || play.disabled) return stop();
      const began = performance.now();
      if (ready()) { go(at() + 1); count--; }
      playing = setTimeout(tick, Math.max(4, 1000 / Number(pace.value) + began - performance.now()));
    };
    playing = setTimeout(tick, 0);
  };
  const toggle = () => {
    if (playing || play.disabled) return stop();
    if (at() >= last()) go(0);
    start();
  };
  const back = () => go(at() - 1), on = () => go(at() + 1), home = () => go(0), finish = () => go(last());
  return {
    start, stop,
    controls: [button("|◀", first, home, "Home"), button("◀", "Step back", back, "←"), play,
      button("Step", "Step", on, "→"), button("▶|", end, finish, "End"), pace],
    keys: { ArrowRight: on, ArrowLeft: back, " ": toggle, Home: home, End: finish },
  };
};
