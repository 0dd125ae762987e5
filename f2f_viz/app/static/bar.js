// A sentence, and the buttons and checks of one view.
function render({ model, el }) {
  el.classList.add("f2f", "f2f-viewbar");
  const said = h("p", { class: "f2f-about" });
  const buttons = model.get("buttons").map((label) => h("button", { type: "button", class: "f2f-button",
    onclick: () => model.send({ pressed: label }) }, label));
  const checks = Object.keys(model.get("checks")).map((label) => {
    const input = h("input", { type: "checkbox", onchange: () => {
      model.set("checks", { ...model.get("checks"), [label]: input.checked });
      model.save_changes();
    } });
    const why = h("span", { class: "f2f-quiet" });
    return [label, input, h("label", { class: "f2f-check" }, input, label, why), why];
  });
  el.append(said, ...buttons, ...checks.map(([, , node]) => node));
  const show = () => {
    said.textContent = model.get("text");
    for (const [label, input, , why] of checks) {
      const off = model.get("off")[label];
      input.checked = model.get("checks")[label] && !off;
      input.disabled = Boolean(off);
      why.textContent = off ? `(${off})` : "";
    }
  };
  watch(model, "change:text change:checks change:off", show);
  show();
  return () => unwatch(model, "change:text change:checks change:off", show);
}
export default { render };
