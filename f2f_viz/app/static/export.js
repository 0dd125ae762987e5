// Choose a figure: it is shown as it will be printed; the kernel makes the file, the browser saves it.
const FORMATS = { svg: "SVG", pdf: "PDF", png: "PNG", html: "HTML, works offline",
                  csv: "CSV, data", json: "JSON, data and settings", vcd: "VCD, wires" };
const IMAGES = ["svg", "pdf", "png"];

function render({ model, el, host, signal }) {
  el.classList.add("f2f", "f2f-export");
  const figures = model.get("figures"), options = model.get("options"), own = unique();
  const radios = (name, entries) => Object.entries(entries).map(([value, [text, about]], i) =>
    h("label", { title: about }, h("input", { type: "radio", name: `${own}${name}`, value, checked: i === 0 }), h("span", {}, text)));
  const select = (name, text, values, chosen) => h("label", {}, text, h("select", { name },
    ...Object.entries(values).map(([value, label]) => h("option", { value, selected: value === chosen }, label))));
  const inputs = Object.fromEntries(Object.entries(options).map(([name, [, about, kind, usual]]) => [name,
    h("input", { type: { bool: "checkbox", int: "number", str: "text" }[kind], min: kind === "int" ? 0 : null,
                 title: about, value: kind === "bool" ? null : usual, checked: kind === "bool" && usual,
                 placeholder: kind === "str" ? "as on the screen" : null })]));
  const fields = Object.fromEntries(Object.entries(options).map(([name, [text, about, kind]]) => [name,
    h("label", { title: about }, ...(kind === "bool" ? [inputs[name], text] : [text, inputs[name]]))]));
  const size = h("fieldset", { class: "f2f-size" }, h("legend", {}, "Size of images"),
    select("width", "Width", { 180: "180 mm, two columns", 170: "170 mm, text width", 88: "88 mm, one column", 85: "85 mm, one column", 254: "254 mm, slide" }, "180"),
    select("font", "Text", { 7: "7 pt", 8.25: "8.25 pt", 10: "10 pt", 12: "12 pt" }, "8.25"),
    select("scale", "PNG scale", { 1: "1", 2: "2", 4: "4" }, "2"),
    select("theme", "Theme", { light: "light", dark: "dark" }, "light"));
  const said = h("p", { class: "f2f-said", role: "status" });
  const submit = h("button", { type: "submit", class: "f2f-button f2f-primary" }, "Export");
  const stop = h("button", { type: "button", class: "f2f-button", hidden: true, onclick: () => model.send({ kind: "cancel" }) }, "Stop");
  const form = h("form", {},
    h("fieldset", { class: "f2f-which" }, h("legend", {}, "Figure"), ...radios("figure", figures)),
    h("fieldset", {}, h("legend", {}, "Format"), ...radios("format", Object.fromEntries(Object.entries(FORMATS).map(([k, v]) => [k, [v]])))),
    size, h("fieldset", { class: "f2f-options" }, h("legend", {}, "Options"), ...Object.values(fields)),
    h("div", { class: "f2f-do" }, submit, stop, said));
  const paper = h("div", { class: "f2f-paper", inert: true }), measure = h("span", { class: "f2f-quiet" });
  const copied = (read) => h("button", { type: "button", class: "f2f-button", onclick: async (event) => {
    const button = event.target;
    try { await navigator.clipboard.writeText(read()); button.textContent = "Copied"; }
    catch { button.textContent = "Select and copy"; }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  } }, "Copy");
  const caption = h("p", { class: "f2f-caption" }), code = h("pre", { tabindex: 0, role: "group", "aria-label": "Python" });
  el.append(form,
    h("section", { class: "f2f-proof" }, h("h3", {}, "As printed ", measure), h("div", { class: "f2f-desk", tabindex: 0, role: "group", "aria-label": "Preview" }, paper)),
    h("section", {}, h("h3", {}, "Caption ", copied(() => caption.textContent)), caption),
    h("section", {}, h("h3", {}, "The same from Python ", copied(() => code.textContent)), code));

  const value = (name) => form.querySelector(`[name="${own}${name}"]:checked`).value;
  const asked = () => ({
    figure: value("figure"), form: value("format"), theme: form.elements.theme.value,
    width_mm: Number(form.elements.width.value), font_pt: Number(form.elements.font.value), scale: Number(form.elements.scale.value),
    options: Object.fromEntries(Object.entries(options).map(([name, [, , kind, usual]]) => [name,
      kind === "bool" ? inputs[name].checked : kind === "int" ? Math.round(Number(inputs[name].value || usual)) : inputs[name].value.trim()])),
  });
  const arrange = () => {
    const [, , allowed, takes] = figures[value("figure")];
    for (const input of form.querySelectorAll(`[name="${own}format"]`)) input.disabled = !allowed.includes(input.value);
    if (!allowed.includes(value("format")))
      form.querySelector(`[name="${own}format"]:not(:disabled)`).checked = true;
    form.elements.scale.disabled = value("format") !== "png";
    for (const [name, label] of Object.entries(fields)) label.hidden = !takes.includes(name);
  };
  // what cannot be drawn may be so for the same reason as before, of which no change is told
  const choose = () => { arrange(); said.textContent = ""; tell(); model.send({ kind: "choose", asked: asked() }); };
  form.addEventListener("change", choose);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    said.textContent = "Making the file…";
    model.send({ kind: "export" });
  });

  const tell = () => {
    const reason = model.get("reason"), working = model.get("working");
    submit.disabled = Boolean(reason || working);
    stop.hidden = !working;
    if (reason || working) said.textContent = working || `No file: ${reason}`;
    else if (said.textContent !== "Making the file…") said.textContent = "";
    caption.textContent = model.get("caption");
    code.textContent = model.get("code");
    measure.textContent = model.get("size");
    el.classList.toggle("f2f-none", !model.get("caption"));
    wait();
  };
  // the tab is drawn when the sheet is, or when it is said why there is none yet
  let seen = "";
  const wait = () => paper.classList.toggle("f2f-building", !model.get("reason") && !model.get("working")
    && (!model.get("caption") || seen !== model.get("preview")));
  const place = () => {
    let moved = false;
    const at = Object.entries(model.get("place"));
    for (const [name, value] of at) {
      moved ||= Number(inputs[name].value) !== value;
      inputs[name].value = value;
    }
    if (moved && at.some(([name]) => figures[value("figure")][3].includes(name))) choose();
  };
  let ending = null;
  const draw = async () => {
    const ref = model.get("preview"), drawing = model.get("drawing");
    ending?.abort();
    ending = new AbortController();
    paper.dataset.theme = model.get("ground");
    if (!ref) {
      seen = "";
      wait();
      // as an image: a drawing cannot do anything to the page
      paper.replaceChildren(...(drawing ? [h("img", { alt: "", src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(drawing)}` })] : []));
      return;
    }
    const sheet = h("div", {});
    try {
      await (await host.getWidget(ref)).render({ el: sheet, signal: AbortSignal.any([signal, ending.signal]) });
      if (model.get("preview") !== ref) return;
      paper.replaceChildren(sheet);
      seen = ref;
      wait();
    } catch (error) { if (!signal.aborted) console.error(error); }
  };
  const answer = (message, buffers) => {
    if (message.kind === "failed") said.textContent = message.text;
    if (message.kind !== "file") return;
    saveFile(message.name, buffers[0]);
    said.textContent = `${message.name}, ${Math.ceil(buffers[0].byteLength / 1024)} kB`;
  };
  const told = "change:reason change:working change:caption change:code change:size";
  const drawn = "change:preview change:drawing change:ground";
  model.on("msg:custom", answer);
  watch(model, told, tell);
  watch(model, drawn, draw);
  model.on("change:place", place);
  place(); arrange(); tell(); draw(); choose();
  return () => {
    model.off("msg:custom", answer);
    unwatch(model, told, tell);
    unwatch(model, drawn, draw);
    model.off("change:place", place);
  };
}
export default { render };
