// A tab strip after the ARIA practice: one stop in the tab order, arrows move along it.
function render({ model, el }) {
  el.classList.add("f2f", "f2f-tabs");
  el.setAttribute("role", "tablist");
  el.setAttribute("aria-label", "Views");
  const buttons = model.get("tabs").map((label, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.setAttribute("role", "tab");
    button.addEventListener("click", () => select(index));
    button.addEventListener("keydown", (event) => {
      const last = buttons.length - 1;
      const to = { ArrowRight: index === last ? 0 : index + 1,
                   ArrowLeft: index === 0 ? last : index - 1, Home: 0, End: last }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      select(to);
      buttons[to].focus();
    });
    el.append(button);
    return button;
  });
  function select(index) {
    model.set("selected", index);
    model.save_changes();
  }
  const show = () => {
    const selected = model.get("selected");
    buttons.forEach((button, index) => {
      button.setAttribute("aria-selected", index === selected);
      button.tabIndex = index === selected ? 0 : -1;
    });
  };
  model.on("change:selected", show);
  show();
  return () => model.off("change:selected", show);
}
export default { render };
