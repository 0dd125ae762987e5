// A grid of settings and layers, measured one by one; a click loads a point.
const AXES = [["seconds", "CPU time of the search, s"], ["gates", "shared XOR gates of the decoder"]];
const TINTS = ["care", "mismatch", "corrected", "matrix", "symbol", "register", "mask", "header"];
const same = (values) => values.map((value) => [value, value]);
const GRID = [
  ["method", "Pruning", null, ["magnitude"], String],
  ["rate", "Rate", same([0.5, 0.7, 0.8, 0.9, 0.95]), [0.7, 0.9], Number],
  ["n_in", "n_in", same([4, 5, 6, 7, 8]), [4, 6, 8], Number],
  ["n_s", "n_s", same([0, 1, 2]), [0, 1], Number],
  ["order", "Order", null, ["interleaved"], String],
  ["matrix", "Matrix", null, [], String],
];
const COLOURS = [["n_s", "n_s"], ["layer", "layer"], ["pruning", "pruning"], ["n_in", "n_in"], ["order", "order"], ["matrix", "matrix"]];
const FILTER_FROM = 13, MOST_NAMED = 8;

const time = (seconds) => seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;

const PARTS = [(r) => r.layer, (r) => r.pruning, (r) => `n_in ${r.n_in}`, (r) => `n_s ${r.n_s}`, (r) => r.order, (r) => r.matrix];
const about = (row, parts = PARTS) => parts.map((part) => part(row)).join(" · ");
const put = (node, name, value) => { if (node.getAttribute(name) !== value) node.setAttribute(name, value); };

// Ratio over its bound against one axis. What is drawn stays: of a point that comes to a long sweep
// only itself is new, and the others move where it widens the axes.
function makeChart([axis, label]) {
  const left = 52, right = 16, top = 12, bottom = 40;
  const title = `Ratio over 1/(1 − S) against ${label}`;
  const figure = document.createElement("figure");
  figure.innerHTML = `<figcaption>${title}</figcaption><svg role="img" aria-label="${title}"><g></g><g></g></svg>`;
  const [frame, points] = figure.lastElementChild.children;
  let rows = [], limits = "";
  points.addEventListener("pointerover", (event) => {
    const point = event.target.closest(".point"), row = rows[point.dataset.row];
    point.lastElementChild.textContent = `${about(row)}: ${row.ratio === null ? "nothing to code" : `${(100 * row.of_bound).toFixed(2)} % of 1/(1 − S)`}, ${row.seconds.toFixed(3)} s, ${row.gates} gates (${row.naive_gates} were none shared)`;
  });
  const draw = (all, tint, w) => {
    const h = Math.max(200, Math.min(360, Math.round(w / 2)));
    rows = all;
    const xs = rows.map((r) => Math.log10(Math.max(r[axis], 1e-4))), ys = rows.map((r) => 100 * r.of_bound);
    const x0 = Math.min(...xs) - 0.1, x1 = Math.max(...xs) + 0.1;
    const least = Math.max(0.5, (Math.max(...ys) - Math.min(...ys)) / 4), power = 10 ** Math.floor(Math.log10(least));
    const step = [1, 2, 5, 10].map((s) => s * power).find((s) => s >= least);
    const y0 = step * Math.floor(Math.min(...ys) / step), y1 = step * Math.ceil(Math.max(...ys) / step + 0.1);
    const X = (v) => left + (w - left - right) * (v - x0) / (x1 - x0);
    const Y = (v) => h - bottom - (h - top - bottom) * (v - y0) / (y1 - y0);
    if (limits !== (limits = `${w} ${x0} ${x1} ${y0} ${y1}`)) {
      put(figure.lastElementChild, "width", `${w}`);
      put(figure.lastElementChild, "height", `${h}`);
      let out = `<line class="axis" x1="${left}" x2="${w - right}" y1="${h - bottom}" y2="${h - bottom}"/>`;
      for (let v = y0; v < y1 + step / 2; v += step)
        out += `<line class="grid" x1="${left}" x2="${w - right}" y1="${Y(v)}" y2="${Y(v)}"/><text class="end" x="${left - 6}" y="${Y(v) + 4}">${v.toFixed(step < 1 ? 1 : 0)} %</text>`;
      for (let power = Math.floor(x0); power <= x1; power++)
        for (const p of x1 - x0 > 2 ? [1] : [1, 2, 5]) {
          const v = Math.log10(p) + power;
          if (v >= x0 && v <= x1)
            out += `<text class="mid" x="${X(v)}" y="${h - bottom + 16}">${Number((p * 10 ** power).toPrecision(1))}</text>`;
        }
      frame.innerHTML = out + `<text class="mid" x="${(left + w) / 2}" y="${h - 6}">${label}</text>`;
    }
    const known = points.children.length;
    for (let i = known; i > rows.length; i--) points.lastElementChild.remove();
    points.insertAdjacentHTML("beforeend", rows.slice(known).map((_, i) => `<g data-row="${known + i}"><path/><title></title></g>`).join(""));
    rows.forEach((row, i) => {
      const point = points.children[i];
      put(point, "class", row.front ? "point front" : "point");
      put(point, "transform", `translate(${X(xs[i]).toFixed(1)} ${Y(ys[i]).toFixed(1)})`);
      put(point.firstElementChild, "d", STAGE_SHAPES[row.n_s % 4]);
      put(point.firstElementChild, "style", `fill:var(--f2f-${tint(row)})`);
    });
  };
  return { figure, draw };
}

function render({ model, el }) {
  el.classList.add("f2f", "f2f-sweep");
  const boxes = (name, values, on) => values.map(([v, text]) =>
    `<label><input type="checkbox" name="${name}" value="${escape(v)}" ${on.includes(v) ? "checked" : ""}><span>${escape(text)}</span></label>`).join("");
  el.innerHTML = `<form>
    <fieldset class="f2f-sweep-layers"><legend>Layers</legend><input type="search" placeholder="filter" aria-label="Filter layers"><div class="f2f-sweep-list"></div></fieldset>
    ${GRID.map(([name, title, values, on]) => `<fieldset><legend>${title}</legend>${boxes(name, values ?? model.get("axes")[name], on)}</fieldset>`).join("")}
    <button type="submit" class="f2f-button f2f-primary">Start</button>
    <button type="button" class="f2f-button" name="pause">Pause</button>
    <progress max="1" value="0" aria-label="Sweep" hidden></progress><span class="f2f-quiet" role="status"></span></form>
    <section class="f2f-sweep-plan" aria-label="What a start measures"></section>
    <div class="f2f-sweep-key" hidden><label>Colour <select name="colour">${COLOURS.map(([v, text]) => `<option value="${v}">${text}</option>`).join("")}</select></label><div class="f2f-sweep-entries"></div></div>
    <div class="f2f-charts"></div><div class="f2f-planes"></div>`;
  const form = el.querySelector("form"), pause = form.elements.pause;
  const list = el.querySelector(".f2f-sweep-list"), filter = el.querySelector("[type=search]");
  const bar = el.querySelector("progress"), key = el.querySelector(".f2f-sweep-key"), colour = el.querySelector("[name=colour]");
  const charts = AXES.map(makeChart), stage = el.querySelector(".f2f-charts"), table = el.querySelector(".f2f-planes");
  stage.append(...charts.map(({ figure }) => figure));
  let clock = null;  // when measuring began, and what was done by then

  let ticked = "";  // the analyzer's layer, ticked until somebody chooses
  const showLayers = () => {
    ticked = model.get("layer");
    const picked = model.get("picked");
    list.innerHTML = boxes("layer", model.get("layers"), picked.length ? picked : [model.get("layer")]);
    const font = fontOf(list), longest = Math.max(0, ...model.get("layers").map(([, text]) => widthOf(text, font)));
    list.style.setProperty("--wide", `${Math.min(420, Math.max(190, longest + 24))}px`);
    filter.hidden = model.get("layers").length < FILTER_FROM;
    ask("plan");
    list.querySelector(":checked")?.parentElement.scrollIntoView({ block: "nearest" });
  };
  const followLayer = () => {
    const chosen = new FormData(form).getAll("layer");
    if (chosen.length === 1 && chosen[0] === ticked) showLayers();
  };
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    for (const label of list.children)
      label.hidden = !label.firstChild.checked && !words.every((word) => label.textContent.toLowerCase().includes(word));
  });
  const ask = (kind) => {
    const all = new FormData(form);
    const grid = Object.fromEntries(GRID.map(([name, , , , kind]) => [name, all.getAll(name).map(kind)]));
    model.send({ kind, layers: all.getAll("layer"), grid });
    if (kind === "start") el.dispatchEvent(new CustomEvent("f2f-results", { bubbles: true }));  // before a class they are another picture
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask("start");
  });
  form.addEventListener("change", () => ask("plan"));
  // before there are results their place says what they will be, and of how many points
  const plan = el.querySelector(".f2f-sweep-plan");
  const showPlan = () => {
    const { points, layers, axes, took } = model.get("plan"), running = model.get("running");
    plan.hidden = model.get("rows").length > 0 || !points;
    if (plan.hidden) return;
    const titles = new Map(GRID.map(([name, title]) => [name, title]));
    const rows = [["Layers", layers], ...axes.map(([name, values]) => [titles.get(name), values])];
    plan.replaceChildren(
      h("h3", {}, running ? `Measuring the first of ${plural(points, "point")}…` : `Not started: ${plural(points, "point")} to measure`),
      h("dl", {}, ...rows.flatMap(([title, values]) => [h("dt", {}, title),
        h("dd", {}, values.length > MOST_NAMED ? `${values.slice(0, MOST_NAMED).join(", ")} and ${values.length - MOST_NAMED} more` : values.join(", "))])),
      h("p", {}, took ? `About ${took}, if each takes as long as the analysis shown; a larger n_in or n_s takes longer. ` : "",
        "Here will stand the ratio of each point against the time of its search and the gates of its decoder",
        h("span", { class: "f2f-sweep-tabled" }, ", and a table of all"), "."),
      running ? "" : h("button", { type: "button", class: "f2f-button f2f-primary", onclick: () => ask("start") }, "Start the sweep"));
  };
  pause.addEventListener("click", () => {
    model.set("running", !model.get("running"));
    model.save_changes();
  });

  const tints = (rows) => {
    const values = [...new Set(rows.map((row) => row[colour.value]))];
    if (typeof values[0] === "number") values.sort((a, b) => a - b);
    return new Map(values.map((value, i) =>
      [value, colour.value === "n_s" ? `stage-${Math.min(value, 3)}` : TINTS[i % TINTS.length]]));
  };
  const mark = (row, tint) => `<path d="${STAGE_SHAPES[row.n_s % 4]}" style="fill:var(--f2f-${tint})"/>`;

  let told = "", width = 0;
  const legend = (rows, tint) => {
    const entry = (inner, text, front = "") => `<span><svg class="${front}" viewBox="-6 -6 12 12" aria-hidden="true">${inner}</svg>${escape(text)}</span>`;
    const byTint = [...tint].map(([value, name]) => {
      const n_s = colour.value === "n_s" ? value : 1;
      return entry(mark({ n_s }, name), colour.value === "n_s" || colour.value === "n_in" ? `${colour.value} = ${value}` : value);
    });
    const shapes = colour.value === "n_s" ? [] : [...new Set(rows.map((r) => r.n_s))].sort()
      .map((n_s) => entry(mark({ n_s }, "dont-care"), `n_s = ${n_s}`));
    const front = entry(mark({ n_s: 1 }, "surface"), "outlined, ◆: best ratio for its gates, of its layer and sparsity", "front");
    const entries = [...byTint, ...shapes, front].join("");
    if (told !== (told = entries)) key.lastElementChild.innerHTML = entries;
  };
  // only the rows in view are drawn, and a click on a heading sorts
  const COLUMNS = [["Settings", (r) => about(r), null], ["S", (r) => r.sparsity, (r) => r.sparsity.toFixed(3)],
    ["n_out", (r) => r.n_out, (r) => r.n_out], ["Ratio", (r) => r.ratio ?? Infinity, (r) => r.ratio === null ? '<span title="nothing to code">—</span>' : `${r.ratio.toFixed(3)} ×`],
    ["Of 1/(1 − S)", (r) => r.of_bound, (r) => (r.ratio === null ? "—" : `${(100 * r.of_bound).toFixed(2)} %`)],
    ["Efficiency", (r) => r.efficiency, (r) => `${(100 * r.efficiency).toFixed(2)} %`],
    ["Whole file", (r) => r.file_ratio, (r) => `${r.file_ratio.toFixed(3)} ×`],
    ["Shared gates", (r) => r.gates, (r) => r.gates], ["Search, CPU", (r) => r.seconds, (r) => `${(1000 * r.seconds).toFixed(r.seconds < 0.01 ? 1 : 0)} ms`]];
  const LINES = [29, 44], SEEN = 32;  // pixels of a row of one and of two lines, rows drawn
  const LONG = 150, LONGEST = 330;  // pixels of a layer's name: from where it has a line of its own, and at most
  let height = LINES[0];
  let order = [], telling = PARTS;
  const heads = sorting(COLUMNS.map(([title]) => ({ title })), 2, () => show());
  const head = h("thead", {}, h("tr", {}, ...heads.cells));
  const body = h("tbody"), before = h("tr"), grid = h("table", { hidden: true }, head, body);
  const shared = h("p", { class: "f2f-quiet" });
  const long = h("div", { class: "f2f-long", onscroll: () => { scrolled = long.scrollTop; drawRows(); } }, grid);
  table.append(shared, long);
  const { tip, hide: hideTip } = tips(long);
  table.append(tip);
  body.append(before);
  let scrolled = 0;  // asked of the list itself, it would have the page laid out at once
  const drawRows = () => {
    const rows = model.get("rows"), from = Math.max(0, Math.min(Math.floor(scrolled / height) - 8, order.length - SEEN));
    const seen = order.slice(from, from + SEEN);
    while (body.children.length - 1 > seen.length) body.lastChild.remove();
    while (body.children.length - 1 < seen.length) body.append(h("tr"));
    before.style.height = `${from * height}px`;
    grid.style.marginBottom = `${(order.length - from - seen.length) * height}px`;
    const font = fontOf(grid);
    seen.forEach((i, k) => {
      const tr = body.children[k + 1], row = rows[i];
      const layer = fitted(row.layer, LONGEST, font), whole = layer === row.layer;
      const line = height === LINES[0] ? escape(about(row, telling)) : `${escape(layer)}<br>${escape(about(row, telling.slice(1)))}`;
      const help = whole || !telling.includes(PARTS[0]) ? 'title="load this layer and these settings"'
        : `data-tip="${escape(row.layer)}" aria-label="${escape(about(row, telling))}"`;
      const cells = `<th scope="row"><span title="best ratio for its gates">${row.front ? "◆" : ""}</span><button type="button" class="f2f-link" data-row="${i}" ${help}>${line}</button></th>
        ${COLUMNS.slice(1).map(([, , text]) => `<td>${text(row)}</td>`).join("")}`;
      put(tr, "aria-rowindex", `${from + k + 2}`);
      if (tr.drawn !== cells) tr.innerHTML = tr.drawn = cells;
    });
  };
  const showTable = (rows) => {
    grid.hidden = !rows.length;
    // what all rows share is said once, above them
    const common = rows.length > 1 ? PARTS.filter((part) => rows.every((r) => part(r) === part(rows[0]))) : [];
    telling = PARTS.filter((part) => !common.includes(part));
    shared.textContent = common.length ? `All: ${about(rows[0], common)}` : "";
    const font = fontOf(grid), layers = telling.includes(PARTS[0]) ? [...new Set(rows.map((row) => row.layer))] : [];
    height = LINES[Number(layers.some((layer) => widthOf(layer, font) > LONG))];
    grid.style.setProperty("--row", `${height}px`);
    grid.setAttribute("aria-rowcount", rows.length + 1);
    order = rows.map((_, i) => i);
    heads.sort(order, (i, column) => COLUMNS[column][1](rows[i]));
    drawRows();
  };

  const status = (done, total, running) => {
    if (!total) return "Tick what is to vary. Where nothing is ticked, the value in force is measured.";
    const whose = model.get("measured");
    if (!done) return running ? `measuring the first of ${total}…` : `0 of ${plural(total, "point")} ${whose}`;
    if (!running || done >= total) clock = null;
    else clock ??= { at: performance.now(), done };
    const left = clock && done > clock.done
      ? (performance.now() - clock.at) / 1000 / (done - clock.done) * (total - done) : 0;
    return `${done} of ${plural(total, "point")} ${whose}${left ? `, ${time(left)} left` : ""}`;
  };
  const show = () => {
    const rows = model.get("rows"), done = model.get("done"), total = model.get("total");
    const running = model.get("running"), tint = tints(rows);
    pause.textContent = running ? "Pause" : "Resume";
    pause.disabled = !running && done >= total;
    bar.hidden = !total;
    if (running && !done) bar.removeAttribute("value");  // it moves, but says no share yet
    else bar.value = total && done / total;
    form.querySelector("[role=status]").textContent = status(done, total, running);
    key.hidden = !rows.length;
    stage.hidden = !rows.length;
    if (rows.length && width) {
      legend(rows, tint);
      for (const { draw } of charts) draw(rows, (row) => tint.get(row[colour.value]), width);
    }
    showTable(rows);
    showPlan();
  };
  // charts as wide as there is room, beside each other where there is; their text stays as it is
  const observer = new ResizeObserver(() => {
    const now = Math.floor(charts[0].figure.clientWidth);
    if (!now || now === width) return;
    width = now;
    show();
  });
  observer.observe(charts[0].figure);
  colour.addEventListener("change", show);
  el.addEventListener("click", (event) => {
    const target = event.target.closest("[data-row]");
    if (target) model.send({ kind: "load", row: Number(target.dataset.row) });
  });
  // what changes together is drawn together, and in a page that nobody sees not at all
  let frame = 0;
  const soon = () => { frame ||= requestAnimationFrame(() => { frame = 0; show(); }); };
  const watched = "change:rows change:done change:total change:running change:plan change:measured";
  watch(model, watched, soon);
  watch(model, "change:layers change:picked", showLayers);
  model.on("change:layer", followLayer);
  showLayers();
  show();
  return () => {
    cancelAnimationFrame(frame);
    observer.disconnect();
    hideTip();
    unwatch(model, watched, soon);
    unwatch(model, "change:layers change:picked", showLayers);
    model.off("change:layer", followLayer);
  };
}
export default { render };
