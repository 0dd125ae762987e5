// Choose a figure and a format; the kernel makes the file, the browser saves it.
const FORMATS = { html: "HTML, works offline", svg: "SVG", pdf: "PDF", png: "PNG",
                  csv: "CSV, data", json: "JSON, data and settings" };

function render({ model, el }) {
  el.classList.add("f2f", "f2f-export");
  const figures = model.get("figures");
  el.innerHTML = `<form>
    <fieldset><legend>Figure</legend>${Object.entries(figures).map(([name, [text]], i) =>
      `<label><input type="radio" name="f2f-figure" value="${name}" ${i ? "" : "checked"}><span>${text}</span></label>`).join("")}</fieldset>
    <fieldset><legend>Format</legend>${Object.entries(FORMATS).map(([name, text], i) =>
      `<label><input type="radio" name="f2f-format" value="${name}" ${i ? "" : "checked"}><span>${text}</span></label>`).join("")}</fieldset>
    <fieldset class="f2f-size"><legend>Size of images</legend>
      <label>Width <select name="width"><option value="180">two columns, 180 mm</option><option value="88">one column, 88 mm</option><option value="254">slide, 254 mm</option></select></label>
      <label>Text <select name="font"><option value="7">7 pt</option><option value="8.25" selected>8.25 pt</option><option value="10">10 pt</option><option value="12">12 pt</option></select></label>
      <label>PNG scale <select name="scale"><option>1</option><option selected>2</option><option>4</option></select></label>
      <label>Theme <select name="theme"><option>light</option><option>dark</option></select></label>
    </fieldset>
    <button type="submit" class="f2f-button f2f-primary">Export</button>
    <p class="f2f-said" role="status"></p></form>
    <p class="f2f-quiet">Settings, layer and version go into every file. The same from Python:</p>
    <pre></pre>`;
  const form = el.querySelector("form"), said = el.querySelector(".f2f-said");
  const choice = () => Object.fromEntries(new FormData(form));
  const show = () => {
    const c = choice();
    const allowed = figures[c["f2f-figure"]][1];
    for (const input of form.elements["f2f-format"]) input.disabled = !allowed.includes(input.value);
    if (!allowed.includes(c["f2f-format"])) {
      [...form.elements["f2f-format"]].find((input) => !input.disabled).checked = true;
      return show();
    }
    form.querySelector(".f2f-size").disabled = !["svg", "pdf", "png"].includes(c["f2f-format"]);
    const dark = c.theme === "dark" ? ', theme="dark"' : "";
    const sizes = ["svg", "pdf", "png"].includes(c["f2f-format"])
      ? `, width_mm=${c.width}, font_pt=${c.font}${c["f2f-format"] === "png" ? `, scale=${c.scale}` : ""}` : "";
    const where = figures[c["f2f-figure"]][2].map((option) => `, ${option}=…`).join("");
    el.querySelector("pre").textContent =
      `f2f.figure("${c["f2f-figure"]}", analysis${where}${dark}).save("${c["f2f-figure"]}.${c["f2f-format"]}"${sizes})`;
  };
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    said.textContent = "Making the file…";
    const c = choice();
    model.send({ kind: "export", figure: c["f2f-figure"], form: c["f2f-format"],
                 width_mm: Number(c.width ?? 180), scale: Number(c.scale ?? 2),
                 font_pt: Number(c.font ?? 8.25), theme: c.theme ?? "light" });
  });
  const answer = (message, buffers) => {
    if (message.kind === "failed") said.textContent = message.text;
    if (message.kind !== "file") return;
    const url = URL.createObjectURL(new Blob([buffers[0]]));
    const link = document.createElement("a");
    link.href = url;
    link.download = message.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
    said.textContent = `${message.name}, ${Math.ceil(buffers[0].byteLength / 1024)} kB`;
  };
  model.on("msg:custom", answer);
  show();
  return () => model.off("msg:custom", answer);
}
export default { render };
