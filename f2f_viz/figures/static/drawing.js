// A drawing that the kernel makes: tells its width, and where a click leads.
function render({ model, el }) {
  el.classList.add("f2f", "f2f-drawing");
  const about = h("p", { class: "f2f-quiet" }), picture = h("div", { class: "f2f-picture", tabindex: 0 });  // keys scroll it
  el.append(about, picture);
  // out of sight it waits until nothing has come for a moment: a step costs what is looked at
  let seen = true, old = true, later = null;
  const show = () => {
    about.textContent = model.get("about");
    el.hidden = !model.get("svg");
    old = true;
    clearTimeout(later);
    if (seen || !picture.firstChild) draw();
    else later = setTimeout(draw, 300);
  };
  const draw = () => {
    if (old) picture.innerHTML = model.get("svg");
    old = false;
  };
  const sight = new IntersectionObserver((entries) => {
    seen = entries.at(-1).isIntersecting;
    if (seen) draw();
  }, { rootMargin: "200px" });
  sight.observe(picture);
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
    sight.disconnect();
    clearTimeout(later);
    unwatch(model, "change:svg change:about", show);
  };
}
export default { render };
