// A row per tensor of a model; only those in view are drawn, and arrow keys go from cell to cell.
const HEIGHT = 40, LINE = 16, AHEAD = 6;
const percent = (value, digits = 1) => (value === null ? "" : `${(100 * value).toFixed(digits)} %`);
const times = (value, digits) => `${value.toFixed(digits)} ×`;
const half = ([, low, high]) => (low === null || high === null ? null : (high - low) / 2);
const size = (bytes) => {
  const power = Math.max(0, Math.min(4, Math.floor(Math.log10(Math.max(bytes, 1)) / 3)));
  return `${(bytes / 1000 ** power).toFixed(power ? 2 : 0)} ${["B", "kB", "MB", "GB", "TB"][power]}`;
};

// what a column shows of a row, in two lines, and what it is sorted by. A row: name, shape, dtype,
// bytes, weights, why (it is carried; else empty), own (how it is pruned, if not as the settings
// say), rated (whether by a rate), opens, codable, found (nothing yet, or what there is)
const about = (row, key) => (row.found?.exact ? "exact" : `± ${key}`);
const COLUMNS = [
  { title: "Tensor", help: "Name, shape and number format. A click opens the layer.", sort: (r) => r.name },
  { title: "Weights", help: "How many there are, and how many are 0 before pruning.", sort: (r) => r.weights,
    lines: (r) => [grouped(r.weights), r.found ? `${percent(r.found.zeros)} are 0` : ""], always: true },
  { title: "Rate", help: "The pruning rate, bold where it is the layer's own; a click changes it. Below, the sparsity S that comes of it.", sort: (r) => r.found?.sparsity,
    lines: (r, { pruning }) => [r.own ? h("b", { class: "own" }, r.own) : pruning, r.found ? `S ${r.found.sparsity.toFixed(3)}` : ""], always: true },
  { title: "Dispersion", help: "Variance of n_u, the care bits of a block, over that of chance: 1 is as even as chance. In the order of the settings; below, in the other.",
    sort: (r, { order }) => r.found?.dispersion?.[order],
    lines: (r, { order }) => {
      const { [order]: own, ...others } = r.found.dispersion, [[name, other]] = Object.entries(others);
      return [own?.toFixed(2) ?? "", other === null ? "" : `${name} ${other.toFixed(2)}`];
    } },
  { title: "Efficiency", help: "E: matched care bits over all care bits.", sort: (r) => r.found?.efficiency?.[0],
    lines: (r) => [percent(r.found.efficiency[0], 2), about(r, percent(half(r.found.efficiency), 2))] },
  { title: "Ratio", help: "The paper's accounting: dense bits over payload and corrections.", sort: (r) => r.found?.ratio && (r.found.ratio[0] ?? Infinity),
    lines: (r) => (r.found.ratio[0] === null ? ["—", "nothing to code"]
      : [times(r.found.ratio[0], 3), about(r, half(r.found.ratio)?.toFixed(3) ?? "")]) },
  { title: "Of 1/(1 − S)", help: "The ratio as a share of 1/(1 − S), the most for random care bits.", sort: (r) => r.found?.of_bound?.[0],
    lines: (r) => [r.found.ratio[0] === null ? "" : percent(r.found.of_bound[0]), ""] },
  { title: "Bytes", help: "Before, and of the layer's own file: symbols, corrections, mask, matrix and header. Bars of all rows have one scale.",
    sort: (r) => (r.why ? r.bytes : r.found?.bytes) },
];

// a rate in the toolbar and in a row: arrows go by hundredths, and any may be typed
const RATE = { type: "number", min: 0, max: 1, step: 0.01 };
const isRate = ({ validity }) => !(validity.badInput || validity.rangeUnderflow || validity.rangeOverflow);

function render({ model, el }) {
  el.classList.add("f2f", "f2f-model");
  const filter = h("input", { type: "search", placeholder: "filter", "aria-label": "Filter tensors", oninput: () => arrange() });
  const status = h("span", { class: "f2f-quiet", role: "status" }), bar = h("progress", { max: 1, "aria-label": "Survey" });
  const problem = h("p", { class: "f2f-error", role: "alert" });
  const meter = (label, kind) => ({ label: h("span", { class: "f2f-quiet" }, label), words: h("span", {}), layers: h("b", { class: kind }), carried: h("b", { class: "carried" }) });
  const before = meter("before", "before"), after = meter("after", null), whole = h("div", { class: "f2f-whole" },
    ...[before, after].flatMap((one) => [one.label, h("i", {}, one.layers, one.carried), one.words]));
  const told = h("p", { class: "f2f-quiet" });
  const swatch = (kind, text) => h("span", {}, h("i", {}, h("b", { class: kind })), text);
  const greyKey = swatch("carried", "carried unchanged");
  const legend = h("div", { class: "f2f-bars-key f2f-quiet" }, "Bars, in bytes:", swatch("before", "before"), swatch("", "coded"), greyKey);
  const send = (kind, more = {}) => model.send({ kind, ...more });
  // what can be done with the rows ticked, or with all
  const ticked = new Set();
  const rate = h("input", { ...RATE, "aria-label": "Rate of the rows ticked", placeholder: "rate",
    onkeydown: (event) => { if (event.key === "Enter") setRate(); } });
  const usual = (row) => row.codable && !row.why;  // what is carried, a norm say, is ticked by itself alone
  const chosen = () => [...ticked].filter((name) => byName.get(name)?.codable);
  const setRates = (value) => send("rates", { names: chosen(), rate: value });
  const setRate = () => {
    if (!isRate(rate)) rate.reportValidity();
    else if (rate.value !== "") setRates(Number(rate.value));
  };
  const act = (text, title, action) => h("button", { type: "button", class: "f2f-button", title, onclick: action }, text);
  const doRate = act("Set", "prune the rows ticked at this rate", setRate);
  const doReset = act("As settings", "prune the rows ticked as the settings say", () => setRates(""));
  const doCarry = act("Carry", "carry the rows ticked unchanged", () => setRates(null));
  const doSearch = act("Search whole", "search the rows ticked exactly, or all", () => send("search", { names: chosen() }));
  const doSweep = act("Sweep", "try other settings on the rows ticked", () => send("sweep", { names: chosen() }));
  const working = act("Stop", "", () => send(model.get("working")));
  const shared = h("input", { type: "checkbox", onchange: () => send("together", { on: shared.checked }) });
  const tools = h("div", { class: "f2f-model-bar" }, filter, h("span", { class: "f2f-quiet" }, "Rows ticked:"), rate, doRate, doReset, doCarry, doSweep, doSearch,
    h("label", { class: "f2f-check", title: "The largest |w| of all layers stay: each loses what it can spare." }, shared, "one rate over all layers"),
    h("span", { class: "f2f-group" }, act("CSV", "the rows of these settings, estimates with their intervals", () => send("csv")),
      act("Save plan", "what becomes of each tensor, for f2f-viz encode --plan", () => send("plan"))));
  const all = h("input", { type: "checkbox", "aria-label": "Tick all that are shown", onchange: () => {
    for (const row of order) if (usual(row)) ticked[all.checked ? "add" : "delete"](row.name);
    drawn.clear();
    drawRows();
    arm();
  } });
  const arm = () => {
    const some = chosen().length > 0, rated = model.get("rated");
    for (const node of [rate, doRate]) node.disabled = !some || !rated;
    for (const node of [doReset, doCarry, doSweep]) node.disabled = !some;
    all.checked = some && order.some(usual) && order.every((row) => !usual(row) || ticked.has(row.name));
    all.indeterminate = some && !all.checked;
    shared.checked = model.get("together");
    working.hidden = !model.get("working");
    working.textContent = model.get("working") === "go" ? "Go on" : "Stop";
  };
  let last = null;  // the row ticked last: with Shift, those between go along
  const tick = (row, box, event) => {
    const [from, to] = [order.indexOf(last ?? row), order.indexOf(row)];
    const between = event.shiftKey && from >= 0 ? order.slice(Math.min(from, to), Math.max(from, to) + 1) : [row];
    for (const one of between) if (one === row || usual(one)) ticked[box.checked ? "add" : "delete"](one.name);
    last = row;
    if (between.length > 1) {
      for (const one of between) if (one !== row) drawn.delete(one);
      drawRows();
    }
    arm();
  };
  const heads = sorting(COLUMNS, 1, () => arrange()), head = h("tr", {}, h("th", { scope: "col" }, all), ...heads.cells);
  const above = h("tr", { "aria-hidden": "true" }), body = h("tbody", {}, above);
  const table = h("table", { role: "grid", "aria-label": "Tensors" }, h("thead", {}, head), body);
  const long = h("div", { class: "f2f-long", tabindex: -1, onscroll: () => drawRows() }, table);
  el.append(tools, problem, whole, h("div", { class: "f2f-model-bar" }, told, legend, bar, status, working), long);
  const { tip, hide: hideTip } = tips(el);
  el.append(tip);

  let rows = [], order = [], byName = new Map(), serial = 0, largest = 1;
  let at = 0, aside = 1;  // the row, and its cell, that is the grid's one stop
  let height = HEIGHT, room = 270;  // of a row, and how wide names may be
  const font = () => fontOf(table);
  const measure = () => {
    room = Math.round(Math.max(108, Math.min(360, 0.42 * el.clientWidth - 148)));
    height = HEIGHT + (rows.some((row) => widthOf(row.name, font()) > room) ? LINE : 0);
    el.style.setProperty("--name", `${room}px`);
    el.style.setProperty("--row", `${height}px`);
    drawn.clear();
  };
  const drawn = new Map();  // nodes by row

  const meterOf = (row, bytes) => {
    const outer = h("i", { style: `width:${Math.max(1, 100 * row.bytes / largest)}%` });
    if (row.why) outer.className = "carried";
    if (bytes !== null) outer.append(h("b", { class: row.why ? "carried" : null, style: `width:${Math.min(100, 100 * bytes / Math.max(row.bytes, 1))}%` }));
    return h("div", { class: "f2f-span" }, outer);
  };
  const cell = (lines, props = {}) => h("td", props, h("div", {}, lines[0]), h("small", {}, lines[1]));
  // a rate is changed where it stands; what is typed outlasts what is found meanwhile
  let edited = null;
  const rateCell = (row, lines) => {
    if (edited?.name === row.name) return edited.cell;
    return cell([h("button", { type: "button", class: "f2f-link f2f-stop", tabindex: -1, title: "give this layer a rate of its own",
      "aria-label": `Rate of ${row.name}: ${row.own || model.get("pruning")}`, onclick: () => editRate(row) }, lines[0]), lines[1]]);
  };
  const editRate = (row) => {
    const said = h("small", { class: "f2f-wrong", role: "alert" });
    const input = h("input", { ...RATE, class: "f2f-stop", "aria-label": `Rate of ${row.name}`,
      value: row.own, placeholder: model.get("pruning") });
    const leave = (focus) => {
      edited = null;
      drawn.delete(byName.get(row.name));
      drawRows();
      if (focus) drawn.get(byName.get(row.name))?.querySelector("td button")?.focus();
    };
    const take = (focus) => {
      if (edited?.input !== input) return;
      const bad = !isRate(input);
      input.setAttribute("aria-invalid", bad);
      said.textContent = bad ? "from 0 to 1" : "";
      if (bad) return;
      leave(focus);
      if (input.value !== row.own) send("rates", { names: [row.name], rate: input.value === "" ? "" : Number(input.value) });
    };
    input.addEventListener("blur", () => take(false));
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Tab") event.stopPropagation();
      if (event.key === "Enter") {
        event.preventDefault();  // else it clicks the button that then has the focus
        take(true);
      }
      if (event.key === "Escape") leave(true);
    });
    edited = { name: row.name, input, cell: h("td", {}, input, said) };
    drawn.delete(row);
    drawRows();
    input.focus();
    input.select();
  };
  const makeRow = (row) => {
    const { found } = row, text = `${row.shape.join(" × ") || "one number"} · ${row.dtype}`;
    const lines = inTwo(row.name, room, font()), whole = lines.join("") === row.name;
    const words = lines.flatMap((line, i) => (i ? [h("br"), line] : [line])), named = { "data-tip": whole ? null : row.name, "aria-label": lines.length > 1 || !whole ? row.name : null };
    const name = row.opens
      ? h("button", { type: "button", class: "f2f-link f2f-stop", title: whole ? "open this layer" : null, tabindex: -1, ...named, onclick: () => send("open", { name: row.name }) }, ...words)
      : h("span", { class: "f2f-stop", tabindex: -1, role: whole ? null : "note", ...named }, ...words);
    const box = row.codable && h("input", { type: "checkbox", class: "f2f-stop", tabindex: -1, "aria-label": `Tick ${row.name}`, checked: ticked.has(row.name),
      onclick: (event) => tick(row, box, event) });
    const tr = h("tr", { class: found?.old ? "old" : null, "aria-current": row.name === model.get("shown") ? "true" : null }, h("td", {}, box || ""), h("th", { scope: "row" }, h("div", {}, name), h("small", {}, text)));
    const middle = COLUMNS.slice(1, -1), now = { order: model.get("order"), pruning: model.get("pruning") };
    if (row.why || found?.problem) {
      tr.append(cell(middle[0].lines(row, now)));
      tr.append(h("td", { colspan: middle.length - 1, class: row.why ? "f2f-quiet" : null }, row.why ? `carried unchanged: ${row.why}` : `cannot be coded so: ${found.problem}`));
    } else tr.append(...middle.map((column) => {
      const lines = found || column.always ? column.lines(row, now) : ["…", ""];
      return column.title === "Rate" && row.rated ? rateCell(row, lines) : cell(lines);
    }));
    const bytes = row.why ? row.bytes : found?.bytes ?? null;
    tr.append(h("td", {}, meterOf(row, bytes), h("small", {}, row.why ? size(row.bytes)
      : `${size(row.bytes)} → ${bytes === null ? "…" : `${found.exact ? "" : "≈ "}${size(bytes)}`}`)));
    return tr;
  };
  const drawRows = () => {
    const fits = Math.ceil(long.clientHeight / height), scrolled = Math.floor(long.scrollTop / height);
    const from = Math.max(0, Math.min(scrolled - AHEAD, order.length - fits)), to = Math.min(order.length, scrolled + fits + AHEAD);
    const seen = order.slice(from, to);
    const held = body.contains(document.activeElement);
    if (!held && (at < scrolled || at >= scrolled + fits)) at = Math.min(scrolled, Math.max(0, order.length - 1));
    for (const row of drawn.keys()) if (!seen.includes(row)) drawn.delete(row);
    const nodes = seen.map((row, k) => {
      if (!drawn.has(row)) drawn.set(row, makeRow(row));
      const tr = drawn.get(row), stops = [...tr.querySelectorAll(".f2f-stop")];
      tr.setAttribute("aria-rowindex", from + k + 2);
      stops.forEach((stop, i) => { stop.tabIndex = from + k === at && i === Math.min(aside, stops.length - 1) ? 0 : -1; });
      return tr;
    });
    above.style.height = `${from * height}px`;
    table.style.marginBottom = `${(order.length - to) * height}px`;
    // what stays is left alone, for it may have the focus; and to take away what has the focus lays
    // the page out in between, shorter than it will be, and scrolls it
    const staying = new Set(nodes), going = [...body.children].filter((tr) => tr !== above && !staying.has(tr));
    if (held && going.some((tr) => tr.contains(document.activeElement))) long.focus({ preventScroll: true });
    going.forEach((tr) => tr.remove());
    let next = above.nextSibling;
    for (const tr of nodes) {
      if (tr === next) next = next.nextSibling;
      else body.insertBefore(tr, next);
    }
    if (held && !body.contains(document.activeElement)) body.querySelector("[tabindex='0']")?.focus({ preventScroll: true });
  };
  const arrange = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    order = rows.filter((row) => words.every((word) => row.text.includes(word)));
    const now = { order: model.get("order") };
    heads.sort(order, (row, column) => COLUMNS[column].sort(row, now));
    table.setAttribute("aria-rowcount", order.length + 1);
    at = Math.max(0, Math.min(at, order.length - 1));
    drawRows();
    arm();
  };
  body.addEventListener("focusin", (event) => {
    const tr = event.target.closest("tr"), stops = [...tr.querySelectorAll(".f2f-stop")];
    if (!stops.includes(event.target)) return;
    at = Number(tr.getAttribute("aria-rowindex")) - 2;
    aside = stops.indexOf(event.target);
    for (const stop of body.querySelectorAll(".f2f-stop")) stop.tabIndex = stop === event.target ? 0 : -1;
  });
  long.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(long.clientHeight / height) - 2), last = order.length - 1;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: last }[event.key];
    const side = Math.max(0, Math.min(2, aside + ({ ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0)));
    if ((to === undefined && side === aside) || !(body.contains(event.target) || event.target === long)) return;
    event.preventDefault();
    event.stopPropagation();
    aside = side;
    at = Math.max(0, Math.min(to ?? at, last));
    const top = at * height, room = long.clientHeight - head.clientHeight - height;
    if (top < long.scrollTop) long.scrollTop = top;
    else if (top > long.scrollTop + room) long.scrollTop = top - room;
    drawRows();
    body.querySelector("[tabindex='0']")?.focus({ preventScroll: true });
  });

  const take = (message, buffers) => {
    if (message.kind === "file") return saveFile(message.name, buffers[0]);
    if (message.kind === "tensors") {
      ({ serial } = message);
      const known = new Map(message.rows);  // no object: a tensor may be called `constructor`
      rows = message.tensors.map((tensor) => ({ ...tensor, weights: tensor.shape.reduce((a, b) => a * b, 1), found: known.get(tensor.name) ?? null,
        text: `${tensor.name} ${tensor.shape.join(" × ")} ${tensor.dtype} ${tensor.why && `carried ${tensor.why}`}`.toLowerCase() }));
      byName = new Map(rows.map((row) => [row.name, row]));
      for (const name of ticked) if (!byName.has(name)) ticked.delete(name);
      largest = Math.max(1, ...rows.map((row) => row.bytes));
      measure();
      arrange();
      return;
    }
    if (message.kind === "old") {
      serial = message.serial;
      for (const row of rows) if (row.found) row.found = { ...row.found, old: true };
      drawn.clear();
      drawRows();
    } else if (message.kind === "found" && message.serial === serial) {
      for (const [name, found] of message.rows) {
        const row = byName.get(name);
        if (!row) continue;
        row.found = found;
        drawn.delete(row);
      }
      if (heads.sorted()) arrange();
      else drawRows();
    }
  };
  const tell = () => {
    status.textContent = model.get("status");
    bar.hidden = !model.get("status");
    bar.value = model.get("progress");
    problem.textContent = model.get("problem");
    arm();
    const t = model.get("totals");
    whole.hidden = told.hidden = legend.hidden = !t.known;
    greyKey.hidden = !t.carried;
    if (!t.known) return;
    const sum = t.dense + t.carried_bytes, about = t.exact === t.known ? "" : "≈ ";
    for (const [one, bytes] of [[before, t.dense], [after, t.coded]]) {
      one.layers.style.width = `${100 * bytes / sum}%`;
      one.carried.style.width = `${100 * t.carried_bytes / sum}%`;
      one.words.textContent = one === before ? size(sum) : `${about}${size(bytes + t.carried_bytes)}, ${(sum / (bytes + t.carried_bytes)).toFixed(2)} times smaller`;
    }
    const part = t.known < t.layers ? `${grouped(t.known)} of ${plural(t.layers, "layer")}` : plural(t.layers, "layer");
    told.textContent = `${part}: ${size(t.dense)} → ${about}${size(t.coded)}.${t.carried ? ` Carried unchanged: ${plural(t.carried, "tensor")}, ${size(t.carried_bytes)}.` : ""} Each layer counts as a file of its own; one file of all holds equal matrices once, and is a little smaller.`;
  };
  const observer = new ResizeObserver(together(() => { measure(); drawRows(); }));
  observer.observe(long);
  const watched = "change:status change:progress change:problem change:totals change:working change:together change:rated", telling = together(tell);
  watch(model, watched, telling);
  const anew = together(() => { drawn.clear(); arrange(); });
  watch(model, "change:order change:pruning change:shown", anew);
  model.on("msg:custom", take);
  tell();
  send("hello");
  return () => {
    observer.disconnect();
    unwatch(model, watched, telling);
    unwatch(model, "change:order change:pruning change:shown", anew);
    hideTip();
    model.off("msg:custom", take);
  };
}
export default { render };
