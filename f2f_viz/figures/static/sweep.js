// A grid of settings, measured one by one; a click loads a point's settings.
const AXES = [["seconds", "encode time, s"], ["gates", "XOR gates of the decoder"]];
const TINTS = ["header", "care", "corrected", "matrix"];
const SHAPES = ["M0 -5a5 5 0 1 0 .01 0z", "M-4.5 -4.5h9v9h-9z", "M0 -6l5.5 10h-11z", "M0 -6l6 6l-6 6l-6 -6z"];

function render({ model, el }) {
  el.classList.add("f2f", "f2f-sweep");
  const boxes = (name, values, on) => values.map((v) =>
    `<label><input type="checkbox" name="${name}" value="${v}" ${on.includes(v) ? "checked" : ""}>${v}</label>`).join("");
  el.innerHTML = `<form class="f2f-toolbar">
    <fieldset><legend>Rate</legend>${boxes("rate", [0.5, 0.7, 0.8, 0.9, 0.95], [0.7, 0.9])}</fieldset>
    <fieldset><legend>n_in</legend>${boxes("n_in", [4, 5, 6, 7, 8], [4, 6, 8])}</fieldset>
    <fieldset><legend>n_s</legend>${boxes("n_s", [0, 1, 2], [0, 1])}</fieldset>
    <fieldset><legend>Order</legend>${boxes("order", ["interleaved", "row"], ["interleaved"])}</fieldset>
    <button type="submit" class="f2f-button f2f-primary">Start</button>
    <button type="button" class="f2f-button" name="pause">Pause</button>
    <progress max="1" value="0" aria-label="Sweep"></progress><span class="f2f-quiet" role="status"></span></form>
    <div class="f2f-charts"></div><div class="f2f-planes"></div>`;
  const form = el.querySelector("form"), pause = form.elements.pause;
  const charts = el.querySelector(".f2f-charts"), table = el.querySelector(".f2f-planes");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const all = new FormData(form);
    model.send({ kind: "start", rate: all.getAll("rate").map(Number), n_in: all.getAll("n_in").map(Number),
                 n_s: all.getAll("n_s").map(Number), order: all.getAll("order") });
  });
  pause.addEventListener("click", () => model.send({ kind: model.get("running") ? "pause" : "resume" }));

  const chart = ([key, label], rows) => {
    const w = 460, h = 230, left = 52, right = 16, top = 12, bottom = 40;
    if (!rows.length) return "";
    const xs = rows.map((r) => Math.max(r[key], 1e-4)), ys = rows.map((r) => 100 * r.of_bound);
    const [x0, x1] = [Math.log10(Math.min(...xs)) - 0.1, Math.log10(Math.max(...xs)) + 0.1];
    const [y0, y1] = [Math.floor(Math.min(...ys)) - 1, Math.ceil(Math.max(...ys)) + 1];
    const X = (v) => left + (w - left - right) * (Math.log10(Math.max(v, 1e-4)) - x0) / (x1 - x0);
    const Y = (v) => h - bottom - (h - top - bottom) * (v - y0) / (y1 - y0);
    let out = `<line class="axis" x1="${left}" x2="${w - right}" y1="${h - bottom}" y2="${h - bottom}"/>`;
    for (let i = 0; i <= 4; i++) {
      const v = y0 + (y1 - y0) * i / 4, p = 10 ** (x0 + (x1 - x0) * i / 4);
      out += `<line class="grid" x1="${left}" x2="${w - right}" y1="${Y(v)}" y2="${Y(v)}"/><text class="end" x="${left - 6}" y="${Y(v) + 4}">${v.toFixed(0)} %</text>`
        + `<text class="mid" x="${X(p)}" y="${h - bottom + 16}">${p < 1 ? p.toPrecision(2) : Math.round(p)}</text>`;
    }
    out += `<text class="mid" x="${(left + w) / 2}" y="${h - 6}">${label}</text>`;
    rows.forEach((r, i) => {
      out += `<g class="point ${r.front ? "front" : ""}" data-row="${i}" transform="translate(${X(r[key])} ${Y(100 * r.of_bound)})"><path class="${TINTS[r.n_s % 4]}" d="${SHAPES[r.n_s % 4]}"/><title>rate ${r.rate}, n_in ${r.n_in}, n_s ${r.n_s}, ${r.order}: ${(100 * r.of_bound).toFixed(2)} % of the bound, ${r.seconds.toFixed(3)} s, ${r.gates} gates</title></g>`;
    });
    return `<figure><figcaption>Share of the bound against ${label}</figcaption><svg viewBox="0 0 ${w} ${h}" role="img" aria-label="Share of the bound against ${label}">${out}</svg></figure>`;
  };
  const show = () => {
    const rows = model.get("rows"), done = model.get("done"), total = model.get("total");
    const running = model.get("running");
    pause.textContent = running ? "Pause" : "Resume";
    pause.disabled = !running && done >= total;
    form.querySelector("progress").value = total ? done / total : 0;
    form.querySelector("[role=status]").textContent = total ? `${done} of ${total}` : "choose a grid and start";
    charts.innerHTML = AXES.map((axis) => chart(axis, rows)).join("");
    table.innerHTML = rows.length ? `<table><thead><tr>${["Settings", "n_out", "Ratio", "Of the bound", "Efficiency", "Whole file", "Gates", "Time", "Front"].map((t) => `<th scope="col">${t}</th>`).join("")}</tr></thead><tbody>${rows.map((r, i) => `<tr>
      <th scope="row"><button type="button" class="f2f-link" data-row="${i}" title="load these settings">rate ${r.rate} · n_in ${r.n_in} · n_s ${r.n_s} · ${r.order}</button></th>
      <td>${r.n_out}</td><td>${r.ratio.toFixed(3)} ×</td><td>${(100 * r.of_bound).toFixed(2)} %</td><td>${(100 * r.efficiency).toFixed(2)} %</td>
      <td>${r.file_ratio.toFixed(3)} ×</td><td>${r.gates}</td><td>${(1000 * r.seconds).toFixed(0)} ms</td><td>${r.front ? "◆ front" : ""}</td></tr>`).join("")}</tbody></table>` : "";
  };
  el.addEventListener("click", (event) => {
    const target = event.target.closest("[data-row]");
    if (target) model.send({ kind: "load", row: Number(target.dataset.row) });
  });
  model.on("change:rows change:done change:total change:running", show);
  show();
  return () => model.off("change:rows change:done change:total change:running", show);
}
export default { render };
