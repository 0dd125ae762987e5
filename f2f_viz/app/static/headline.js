// Headline numbers, progress and the bit-exact badge; also tells the kernel when the page is up.
const h = (tag, props = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key === "class") node.className = value;
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value);
  }
  node.append(...children.filter((c) => c !== null && c !== undefined));
  return node;
};

const theme = () =>
  document.body.dataset.jpThemeLight === "false" ? "dark" : "light";

// The kernel ends with the page and takes no more; a page that is not left after all goes on.
let leaving = false;
window.addEventListener("beforeunload", () => {
  leaving = true;
  setTimeout(() => { leaving = false; }, 3000);
});

// jupyter_bokeh sends what the kernel changed back to it, data and all: keep to what the page changed.
const quieted = new WeakSet();
function quiet() {
  for (const doc of window.Bokeh?.documents ?? []) {
    if (quieted.has(doc) || !doc.roots().some((root) => root.tags.includes("f2f-viz"))) continue;
    quieted.add(doc);
    const tell = doc._trigger_on_change.bind(doc);
    doc._trigger_on_change = (event) => { if (event.sync !== false && !leaving) tell(event); };
  }
}

// Patches to a figure that is not drawn yet would be lost, and a slow page must slow the kernel
// down: say when everything sent so far is on the screen.
async function drawn(model, el, alive) {
  const serial = model.get("serial"), until = performance.now() + 1500;
  const figures = () => [...(el.closest(".f2f-app") ?? el).querySelectorAll(".f2f-figure")]
    .filter((figure) => figure.childElementCount).length;
  while (alive() && figures() < model.get("figures") && performance.now() < until)
    await new Promise((resume) => setTimeout(resume, 30));
  quiet();
  requestAnimationFrame(() => setTimeout(() =>
    alive() && !leaving && model.send({ kind: "drawn", serial })));
}

function render({ model, el }) {
  let alive = true;
  el.classList.add("f2f", "f2f-headline-root");

  const card = (c) => {
    const tip = `f2f-tip-${model.model_id ?? "x"}-${c.key}`;
    return h("div", { class: `f2f-card f2f-card-${c.key}`, tabindex: 0, role: "group",
                      "aria-label": `${c.label}: ${c.value}`, "aria-describedby": tip },
      h("div", { class: "f2f-card-label" }, c.label),
      h("div", { class: "f2f-card-value", "data-key": c.key }, c.value,
        c.unit ? h("span", { class: "f2f-card-unit" }, c.unit) : null),
      h("div", { class: "f2f-card-note" }, c.note ?? ""),
      h("div", { class: "f2f-tip", role: "tooltip", id: tip },
        h("b", {}, c.label), h("p", {}, c.meaning),
        h("code", {}, c.formula), c.numbers ? h("code", {}, c.numbers) : null));
  };

  const cards = h("div", { class: "f2f-cards" });
  const badge = h("div", { class: "f2f-badge", role: "status" });
  const status = h("div", { class: "f2f-status", role: "status", "aria-live": "polite" });
  const bar = h("div", { class: "f2f-bar", role: "progressbar", "aria-label": "Exact search",
                         "aria-valuemin": 0, "aria-valuemax": 100 }, h("i"));
  const cancel = h("button", { class: "f2f-button f2f-cancel", type: "button",
                               onclick: () => model.send({ kind: "cancel" }) }, "Cancel");
  const layer = h("div", { class: "f2f-layer" });
  const why = h("span");
  const lost = h("div", { class: "f2f-lost", role: "alert", hidden: "" }, why, " ",
    h("button", { class: "f2f-button", type: "button", onclick: () => location.reload() },
      "Reload the page"));
  let gone = false;
  const lose = (text) => {
    if (!alive || gone) return;
    why.textContent = text;
    lost.hidden = false;
  };
  const back = () => { lost.hidden = !gone; };
  el.append(
    h("header", { class: "f2f-header" },
      h("div", { class: "f2f-brand" }, h("span", { class: "f2f-logo", "aria-hidden": "true" }),
        h("h1", {}, "f2f-viz"), layer),
      h("div", { class: "f2f-progress" }, status, bar, cancel, badge)),
    lost, cards);

  const showCards = () => {
    const focused = document.activeElement?.className;
    cards.replaceChildren(...model.get("cards").map(card));
    if (focused?.startsWith("f2f-card "))
      cards.getElementsByClassName(focused)[0]?.focus({ preventScroll: true });
  };
  const showState = () => {
    const state = model.get("state");
    const progress = model.get("progress");
    el.dataset.state = state;
    cards.classList.toggle("f2f-stale", state === "stale");
    el.closest(".f2f-app")?.setAttribute("data-state", state);
    status.textContent = model.get("status");
    const busy = state !== "exact" && state !== "idle";
    bar.classList.toggle("f2f-hidden", !busy);
    cancel.classList.toggle("f2f-hidden", !busy || state === "cancelled" || state === "failed");
    bar.firstChild.style.width = `${100 * progress}%`;
    bar.setAttribute("aria-valuenow", Math.round(100 * progress));
    const b = model.get("badge");
    badge.textContent = b.text ?? "";
    badge.title = b.meaning ?? "";
    badge.dataset.kind = b.kind ?? "";
  };
  const showLayer = () => { layer.textContent = model.get("layer"); };

  const observer = new MutationObserver(() => model.send({ kind: "theme", theme: theme() }));
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  model.on("change:cards", showCards);
  model.on("change:state change:progress change:status change:badge", showState);
  model.on("change:layer", showLayer);
  const sayDrawn = () => drawn(model, el, () => alive);
  model.on("change:serial", sayDrawn);
  // a kernel that is gone never answers a ping; a busy one does, late
  let asked = 0;
  const pong = (message) => { if (message.kind === "pong") { asked = 0; back(); } };
  model.on("msg:custom", pong);
  const silent = "The kernel does not answer; settings changed here have no effect.";
  const timer = setInterval(() => {
    if (document.hidden) { asked = 0; return; }
    if (asked && performance.now() - asked > 20000) lose(silent);
    if (!asked) asked = performance.now();
    try { model.send({ kind: "ping" }); } catch { lose(silent); }
  }, 10000);
  // where the page's own connection can be heard, it says so at once
  const manager = model.widget_manager;
  const kernel = manager?.kernel ?? manager?.context?.sessionContext?.session?.kernel;
  const heard = (_, status) => {
    if (status === "connected") back();
    else lose("The connection to the server is lost; trying to connect again.");
  };
  const ended = (_, status) => {
    if (!["restarting", "autorestarting", "terminating", "dead"].includes(status)) return;
    lose("The kernel has ended, and what it held is gone.");
    gone = true;
  };
  kernel?.connectionStatusChanged?.connect(heard);
  kernel?.statusChanged?.connect(ended);
  showCards(); showState(); showLayer();
  setTimeout(() => { showState(); model.send({ kind: "ready", theme: theme(), query: location.search }); });
  return () => {
    alive = false;
    clearInterval(timer);
    kernel?.connectionStatusChanged?.disconnect(heard);
    kernel?.statusChanged?.disconnect(ended);
    observer.disconnect();
    model.off("change:cards", showCards);
    model.off("change:state change:progress change:status change:badge", showState);
    model.off("change:layer", showLayer);
    model.off("change:serial", sayDrawn);
    model.off("msg:custom", pong);
  };
}
export default { render };
