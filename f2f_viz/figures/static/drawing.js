// A drawing that the kernel makes: tells its width, and where a click leads.
const LARGEST = 2.4;  // times: letters stay letters

function render({ model, el }) {
  el.classList.add("f2f", "f2f-drawing");
  const about = h("p", { class: "f2f-quiet" }), picture = h("div", { class: "f2f-picture", tabindex: 0 });  // keys scroll it
  el.append(about, picture);
  // out of sight it waits until nothing has come for a moment: a step costs what is looked at
  let seen = true, old = true, later = null, size = [0, 0];
  const show = () => {
    about.textContent = model.get("about");
    el.hidden = !model.get("svg");
    old = true;
    clearTimeout(later);
    if (seen || !picture.firstChild) draw();
    else later = setTimeout(draw, 300);
  };
  const draw = () => {
    if (old) {
      picture.innerHTML = model.get("svg");
      size = ["width", "height"].map((side) => Number(picture.firstElementChild?.getAttribute(side)));
      old = false;
    }
    fit();
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
  // before a class as large as the screen takes it: fewer pixels are asked for, and enlarged
  const fit = () => {
    const [wide, high] = size, svg = picture.firstElementChild, room = roomOf(el);
    let width = Math.floor(picture.clientWidth), times = 1;
    if (!width) return;
    if (svg && room < Infinity) {
      const most = Math.min(LARGEST, (room - 12) / high);
      times = Math.max(1, Math.min(most, width / wide));
      width = Math.floor(width / Math.max(1, most));
      // a narrower picture may be higher: not to and fro
      if (width < model.get("width") && width > 0.75 * model.get("width")) width = model.get("width");
    }
    if (svg) {
      svg.setAttribute("viewBox", `0 0 ${wide} ${high}`);
      svg.setAttribute("width", Math.floor(wide * times));
      svg.setAttribute("height", Math.floor(high * times));
    }
    if (width === model.get("width")) return;
    model.set("width", width);
    model.save_changes();
  };
  const observer = new ResizeObserver(fit);
  observer.observe(el);
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
