// The tour's bar: what to understand, what to try, whether it is done; lights a part of the page.
function render({ model, el }) {
  const own = unique();
  el.classList.add("f2f", "f2f-tour");
  const light = h("style");
  const go = (step) => model.send({ go: step });
  const back = button("◀", "Step before", () => go(model.get("step") - 1));
  const on = button("▶", "Next step", () => go(model.get("step") + 1));
  const place = h("span", { class: "f2f-tour-place" }), title = h("b"), text = h("p"), task = h("p", { class: "f2f-tour-task" });
  const done = h("span", { class: "f2f-tour-done", role: "status" });
  text.id = unique();
  // before a class the view has the room: the text is said, and unfolds over the view
  const fold = h("button", { type: "button", class: "f2f-button f2f-tour-more", "aria-controls": text.id, title: "The step's text (e)",
    onclick: () => unfold(!box.classList.contains("f2f-unfolded")) }, "More");
  const unfold = (open) => { box.classList.toggle("f2f-unfolded", open); fold.setAttribute("aria-expanded", open); };
  const does = h("button", { type: "button", class: "f2f-button f2f-tour-do", title: "Do what the task asks for (d)",
    onclick: () => model.send({ do: true }) }, "Do it");
  const box = h("section", { "aria-label": "Tour" },
    h("div", { class: "f2f-tour-way" }, back, place, on),
    h("div", { class: "f2f-tour-words" }, title, text, task), does, fold,
    h("button", { type: "button", class: "f2f-button", onclick: () => go(0) }, "Leave"));
  const { tip, hide } = tips(box, (tip, node) => {
    const at = node.getBoundingClientRect(), size = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(at.left, innerWidth - size.width - 8))}px`;
    tip.style.top = `${Math.max(8, at.top - size.height - 4)}px`;
  });
  el.append(light, box, tip);
  let shown = 0;
  const show = () => {
    hide();
    const step = model.get("step"), count = model.get("count"), lit = model.get("lit");
    const app = el.closest(".f2f-app");
    if (app) app.dataset.tour = own;
    box.hidden = !step;
    does.hidden = !model.get("doable");
    if (step !== shown) unfold(false);
    place.textContent = `${step} of ${count}`;
    back.disabled = step <= 1;
    on.disabled = step >= count;
    title.textContent = model.get("title");
    text.replaceChildren(...explained(model.get("text")));
    task.replaceChildren(h("b", {}, "Try: "), ...explained(model.get("task")), " ", done);
    done.textContent = model.get("done") ? "✓ done" : "";
    on.classList.toggle("f2f-primary", model.get("done"));
    light.textContent = step && lit
      ? `[data-tour="${own}"] ${lit} { outline: 3px solid var(--f2f-symbol); outline-offset: 3px; border-radius: 6px; }` : "";
    if (step !== shown && step && lit && app) {  // once it is drawn
      const until = performance.now() + 5000;
      const seek = () => {
        const part = app.querySelector(`.f2f-main ${lit}, .f2f-side ${lit}`);
        if (part?.checkVisibility()) {
          part.scrollIntoView({ block: "nearest" });
          // above all what the task is done with
          part.closest(".f2f-tabpanel")?.querySelector("[role=toolbar]")?.scrollIntoView({ block: "nearest" });
        } else if (performance.now() < until && model.get("step") === step) setTimeout(seek, 100);
      };
      seek();
    }
    shown = step;
  };
  const watched = "change:step change:done change:text change:task change:title change:lit change:count change:doable";
  const soon = together(show);
  watch(model, watched, soon);
  show();
  setTimeout(show);  // once it is in the page
  return () => { hide(); unwatch(model, watched, soon); };
}
export default { render };
