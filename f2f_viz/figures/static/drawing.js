// A drawing that the kernel makes: tells its width, and where a click leads.
function render({ model, el }) {
  el.classList.add("f2f", "f2f-drawing");
  const about = h("p", { class: "f2f-quiet" }), picture = h("div", { class: "f2f-picture", tabindex: 0 });  // keys scroll it
  el.append(about, picture);
  const show = () => {
    about.textContent = model.get("about");
    picture.innerHTML = model.get("svg");
    el.hidden = !model.get("svg");
  };
  picture.addEventListener("click", (event) => {
    const target = event.target.closest(".f2f-hit");
    if (target) model.send(Object.fromEntries(Object.entries(target.dataset).map(([k, v]) => [k, Number(v)])));
  });
  const observer = new ResizeObserver(() => {
    const width = Math.floor(picture.clientWidth);
    if (!width || width === model.get("width")) return;
    model.set("width", width);
    model.save_changes();
  });
  observer.observe(picture);
  watch(model, "change:svg change:about", show);
  show();
  return () => {
    observer.disconnect();
    unwatch(model, "change:svg change:about", show);
  };
}
export default { render };
