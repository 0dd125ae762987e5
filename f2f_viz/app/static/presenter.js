// Before a class: one key hides the controls and enlarges the view. All keys stand on one sheet.
const KEYS = [
  ["p", "Presenter mode: no controls, large type, one view; p or Esc ends it"],
  ["→ ←", "In presenter mode: step on, step back, in whatever view is shown"],
  ["Space", "In presenter mode: play, and stop"],
  ["v", "In presenter mode: the next picture, of a view that has several"],
  ["PgDn PgUp", "On the tour: next step, step before; in presenter mode it begins with PgDn"],
  ["d e", "On the tour in presenter mode: do what the task asks for, show the step's text"],
  ["1 to 9", "The tab of that number"],
  ["s", "Spotlight: on what is selected, then where the pointer goes"],
  ["t", "Light or dark"],
  ["Ctrl-Z Ctrl-Y", "Undo, redo a change of layer or settings"],
  ["Home End", "In the views that step: to the first, to the last"],
  ["m h ↑ ↓", "In the decoder: next mismatch, next heavy block, another output bit"],
  ["+ −", "In the lanes: more, fewer"],
  ["?", "This sheet"],
];
// what is selected, as far as the page knows where it is; the first that is seen
const SELECTED = [".f2f-stage .band", ".f2f-planes tr[aria-current]", ".f2f-at", ".f2f-wave .now", ".f2f-figure"];
// what of a view fills the screen, where not all of it can; app.css says what is of which
const PICTURES = { Decoder: ["network", "cycles", "gates", "wires"], Sweep: ["choice", "results"] };
// and of those for which only the tour's bar leaves too little
const BESIDE_TOUR = { Mask: ["planes", "bits"] };
// whose work is not to be looked at
const WORK = ["Model", "Export"];

// keys and presenter mode of an analyzer. `app` has: el, stack, tabs (their names), choose (a tab),
// send (to the kernel), flip (the theme), tour (whose `step` may be asked for), on (whom keys reach)
function presenting(app) {
  const { el, stack, send } = app;
  let large = false, spot = false;
  // the view that is seen steps by itself where it can; elsewhere the selection goes on a block
  const stepper = () => stack.querySelector(".f2f-tabpanel:not([hidden]) [role=application]");
  let pressing = false;  // a key that the view does not take comes back here
  const press = (key) => {
    const view = stepper();
    if (view) {
      pressing = true;
      view.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
      pressing = false;
    } else if (key.startsWith("Arrow")) send({ kind: "step", by: key === "ArrowRight" ? 1 : -1 });
  };
  const rows = KEYS.map(([key, what]) => h("tr", {}, h("th", { scope: "row" }, ...key.split(" ").flatMap((one) =>
    one === "to" ? [" to "] : [h("kbd", {}, one), " "])), h("td", {}, what)));
  const sheet = h("dialog", { class: "f2f f2f-keys", "aria-label": "Keys" }, h("h2", {}, "Keys"), h("table", {}, ...rows),
    h("form", { method: "dialog" }, h("button", { class: "f2f-button" }, "Close")));
  const showKeys = () => (sheet.open ? sheet.close() : sheet.showModal());
  const light = h("div", { class: "f2f-spotlight", hidden: true });
  const aim = (x, y) => { light.style.setProperty("--x", `${x}px`); light.style.setProperty("--y", `${y}px`); };
  const point = (event) => { if (spot) aim(event.clientX, event.clientY); };
  const follow = new MutationObserver(() => { if (spot) seek(); });
  // a view that is chosen is built, which takes a while
  const seekBuilt = (until = performance.now() + 5000) => {
    if (!spot) return;
    seek();
    if (stack.querySelector(".f2f-tabpanel:not([hidden]) .f2f-building") && performance.now() < until) setTimeout(seekBuilt, 100, until);
  };
  const seek = () => {
    const view = stack.querySelector(".f2f-tabpanel:not([hidden])");
    const node = SELECTED.map((selector) => [...view.querySelectorAll(selector)].find((one) => one.checkVisibility())).find(Boolean) ?? view;
    const box = node.getBoundingClientRect();
    aim((box.left + box.right) / 2, Math.min((box.top + box.bottom) / 2, innerHeight - 80));
  };
  const pictures = () => PICTURES[el.dataset.tab] || (app.tour?.get("step") && BESIDE_TOUR[el.dataset.tab]) || [];
  const turnPicture = () => {
    if (!large || !pictures().length) return;
    el.dataset.picture = (Number(el.dataset.picture) + 1) % pictures().length;
    if (spot) seek();
  };
  const showResults = () => { el.dataset.picture = Math.max(0, pictures().indexOf("results")); };
  const nameView = () => {
    const count = pictures().length;
    if (Number(el.dataset.picture) >= Math.max(count, 1)) el.dataset.picture = 0;
    view.hidden = !count;
    view.textContent = count ? `${Number(el.dataset.picture) + 1}/${count}` : "";
    if (large && WORK.includes(el.dataset.tab)) app.choose(app.tabs[0]);
    setTimeout(seekBuilt, 50);
  };
  const view = button("", "Next picture of this view", turnPicture, "v");
  // a step of the tour tells of the first picture, also where its tab is that of the step before
  const begin = () => {
    el.dataset.picture = 0;
    nameView();
  };
  const turned = new MutationObserver(nameView);
  const shine = () => {
    spot = !spot;
    light.hidden = !spot;
    if (spot) seek();
  };
  const bar = h("div", { class: "f2f-presenter", role: "toolbar", "aria-label": "Presenter" },
    button("◀", "Step back", () => press("ArrowLeft"), "←"), button("▶", "Step on", () => press("ArrowRight"), "→"),
    button("Play", "Play or stop", () => press(" "), "space"), view, button("☼", "Spotlight", shine, "s"),
    button("◐", "Light or dark", app.flip, "t"), button("?", "Keys", showKeys, "?"), button("✕", "End presenter mode", () => present(), "p"));
  const present = (on = !large) => {
    large = on;
    if (spot) shine();
    el.classList.toggle("f2f-present", large);
    nameView();
    if (!ownPage()) (large ? el.requestFullscreen?.() : document.fullscreenElement && document.exitFullscreen())?.catch(() => {});
    send({ kind: "look" });
  };
  const actions = { p: () => present(), "?": showKeys, s: shine, t: app.flip, v: turnPicture };
  const turn = (by) => app.tour.get("step") && app.tour.send({ go: Math.max(1, app.tour.get("step") + by) });
  const heard = (event) => {
    if (pressing || event.ctrlKey || event.metaKey || event.altKey || sheet.open) return;
    if (event.target.closest?.("select, textarea, input:not([type=radio], [type=checkbox], [type=range])")) return;
    let action = actions[event.key];
    if (/^[1-9]$/.test(event.key) && app.tabs[event.key - 1] && !(large && WORK.includes(app.tabs[event.key - 1]))) action = () => app.choose(app.tabs[event.key - 1]);
    if (app.tour?.get("step")) action ??= { PageDown: () => turn(1), PageUp: () => turn(-1) }[event.key];
    if (large) {
      if (!app.tour?.get("step") && event.key === "PageDown") action = () => send({ kind: "tour" });
      const bar = { d: ".f2f-tour-do", e: ".f2f-tour-more" }[event.key];
      if (bar) action ??= () => el.querySelector(bar)?.click();
      if (["m", "h"].includes(event.key)) action ??= () => press(event.key);
      if (event.key === "Escape") action = () => present(false);
      // a focused control keeps the keys that it works with
      const own = event.target.closest?.(event.key === " " ? "input, [role=tab], button, a" : "input, [role=tab]");
      if (!own && ["ArrowRight", "ArrowLeft", " "].includes(event.key)) action = () => press(event.key);
    }
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  };
  app.on.addEventListener("keydown", heard);
  el.addEventListener("pointermove", point);
  el.addEventListener("f2f-keys", showKeys);
  el.addEventListener("f2f-results", showResults);
  el.append(sheet, light);
  app.tour?.on("change:step", begin);
  turned.observe(el, { attributeFilter: ["data-tab", "data-picture"] });
  follow.observe(stack, { subtree: true, attributeFilter: ["data-cycle", "data-step", "data-bit", "hidden"] });
  return { bar, large: () => large, end: () => {
    app.on.removeEventListener("keydown", heard);
    el.removeEventListener("pointermove", point);
    el.removeEventListener("f2f-keys", showKeys);
    el.removeEventListener("f2f-results", showResults);
    app.tour?.off("change:step", begin);
    turned.disconnect();
    follow.disconnect();
    sheet.remove();
    light.remove();
  } };
}
