// Headline numbers, progress and the bit-exact badge; says when the kernel does not answer.
function render({ model, el }) {
  let alive = true;
  const own = unique();
  el.classList.add("f2f", "f2f-headline-root");

  const card = (c) => {
    const tip = `${own}tip-${c.key}`;
    return h("div", { class: `f2f-card f2f-card-${c.key}`, tabindex: 0, role: "button", "data-card": c.key,
                      "aria-label": `${c.label}: ${c.value}`, "aria-describedby": tip, "aria-pressed": String(c.key === model.get("held")) },
      h("div", { class: "f2f-card-label" }, c.label),
      h("div", { class: "f2f-card-value", "data-key": c.key }, c.value,
        c.unit ? h("span", { class: "f2f-card-unit" }, c.unit) : null),
      h("div", { class: "f2f-card-note", "data-better": c.better ?? null }, c.change ?? c.note ?? ""),
      h("div", { class: "f2f-tip", role: "tooltip", id: tip },
        h("b", {}, c.label), h("p", {}, c.meaning),
        h("code", {}, ...coloured(c.formula)), h("code", {}, ...coloured(c.numbers)),
        c.before ? h("code", {}, `pinned: ${c.before}`) : null));
  };

  const cards = h("div", { class: "f2f-cards" });
  // a click keeps a card's formula in sight, with this layer's numbers; another lets it go
  const formula = h("div", { class: "f2f-formula", role: "status", hidden: true });
  const hold = (key) => {
    model.set("held", key === model.get("held") ? "" : key);
    model.save_changes();
  };
  const showFormula = () => {
    const c = model.get("cards").find(({ key }) => key === model.get("held"));
    formula.hidden = !c;
    if (c) formula.replaceChildren(h("b", {}, c.label), h("code", {}, ...coloured(c.formula)), h("code", {}, ...coloured(c.numbers)),
      h("button", { type: "button", class: "f2f-fold", onclick: () => hold(c.key) }, "close"));
    for (const card of cards.children) card.setAttribute("aria-pressed", card.dataset.card === c?.key);
  };
  const pressed = (event) => {
    const card = event.target.closest(".f2f-card");
    if (!card || (event.type === "keydown" && !["Enter", " "].includes(event.key))) return;
    event.preventDefault();
    hold(card.dataset.card);
  };
  cards.addEventListener("click", pressed);
  cards.addEventListener("keydown", pressed);
  const badge = h("div", { class: "f2f-badge", role: "status" });
  const status = h("div", { class: "f2f-status", role: "status", "aria-live": "polite" });
  const bar = h("div", { class: "f2f-bar", role: "progressbar", "aria-label": "Exact search",
                         "aria-valuemin": 0, "aria-valuemax": 100 }, h("i"));
  const cancel = h("button", { class: "f2f-button f2f-cancel", type: "button",
                               onclick: () => {
                                 status.textContent = "cancelling…";  // at once, however busy the kernel is
                                 cancel.disabled = true;
                                 model.send({ kind: "cancel" });
                               } }, "Cancel");
  const layer = h("div", { class: "f2f-layer" });
  const pin = h("button", { class: "f2f-button f2f-pin", type: "button", title: "Keep these numbers, and see later ones as differences from them",
    onclick: () => model.send({ kind: model.get("pinned").length ? "unpin" : "pin" }) });
  const pinned = h("div", { class: "f2f-pinned", role: "status", hidden: "" });
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
  const end = () => {
    lose("The kernel has ended, and what it held is gone.");
    gone = true;
  };
  el.append(
    h("header", { class: "f2f-header" },
      h("div", { class: "f2f-brand" }, h("span", { class: "f2f-logo", "aria-hidden": "true" }),
        h("h1", {}, "f2f-viz"), layer),
      h("div", { class: "f2f-progress" }, status, bar, cancel, badge, pin,
        h("button", { class: "f2f-button", type: "button", title: "A tour in steps: begin, go on, leave", onclick: (event) =>
          event.target.dispatchEvent(new CustomEvent("f2f-tour", { bubbles: true })) }, "Tour"),
        h("button", { class: "f2f-button", type: "button", title: "Keys (?), and presenter mode (p)", "aria-label": "Keys", onclick: (event) =>
          event.target.dispatchEvent(new CustomEvent("f2f-keys", { bubbles: true })) }, "?"),
        h("button", { class: "f2f-button f2f-theme", type: "button", title: "Light or dark",
          "aria-label": "Light or dark", onclick: (event) =>
            event.target.dispatchEvent(new CustomEvent("f2f-flip-theme", { bubbles: true })) }, "◐"))),
    lost, pinned, cards, formula);

  const showCards = () => {
    const focused = document.activeElement?.className;
    cards.style.setProperty("--count", model.get("cards").length);
    cards.replaceChildren(...model.get("cards").map(card));
    if (focused?.startsWith("f2f-card "))
      cards.getElementsByClassName(focused)[0]?.focus({ preventScroll: true });
    showFormula();
  };
  const showState = () => {
    const state = model.get("state");
    const progress = model.get("progress");
    el.dataset.state = state;
    el.closest(".f2f-app")?.setAttribute("data-state", state);
    status.textContent = model.get("status");
    cancel.disabled = false;
    const busy = state !== "exact" && state !== "idle";
    bar.classList.toggle("f2f-hidden", !busy);
    cancel.classList.toggle("f2f-hidden", !busy || state === "cancelled" || state === "failed");
    bar.firstChild.style.width = `${100 * progress}%`;
    bar.setAttribute("aria-valuenow", Math.round(100 * progress));
    const b = model.get("badge");
    badge.textContent = b.text ?? "";
    badge.title = b.meaning ?? "";
    badge.dataset.kind = b.kind ?? "";
    badge.classList.toggle("f2f-hidden", ["stale", "preview"].includes(state));  // the status says it
    showPinned();
  };
  const showPinned = () => {
    const [what, differs] = model.get("pinned");
    pin.textContent = what ? "Unpin" : "Pin";
    pin.setAttribute("aria-pressed", Boolean(what));
    pin.disabled = !what && model.get("state") !== "exact";
    pinned.hidden = !what;
    if (what) pinned.replaceChildren(h("b", {}, "Pinned: "), `${what}; ${differs}`);
    el.classList.toggle("f2f-compares", Boolean(what));
  };
  const showLayer = () => { layer.textContent = model.get("layer"); };

  model.on("change:cards", showCards);
  model.on("change:held", showFormula);
  watch(model, "change:state change:progress change:status change:badge", showState);
  model.on("change:layer", showLayer);
  model.on("change:pinned", showPinned);
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
    else if (status === "connecting") lose("The connection to the server is lost; trying to connect again.");
    else if (kernel.isDisposed) end();
    else lose("The page has no connection to its kernel: it has ended, or its server cannot be reached.");
  };
  const ended = (_, status) => {
    if (["restarting", "autorestarting", "terminating", "dead"].includes(status)) end();
  };
  kernel?.connectionStatusChanged?.connect(heard);
  kernel?.statusChanged?.connect(ended);
  showCards(); showState(); showLayer();
  setTimeout(showState);  // once it is in the page
  return () => {
    alive = false;
    clearInterval(timer);
    kernel?.connectionStatusChanged?.disconnect(heard);
    kernel?.statusChanged?.disconnect(ended);
    model.off("change:cards", showCards);
    model.off("change:held", showFormula);
    unwatch(model, "change:state change:progress change:status change:badge", showState);
    model.off("change:layer", showLayer);
    model.off("change:pinned", showPinned);
    model.off("msg:custom", pong);
  };
}
export default { render };
