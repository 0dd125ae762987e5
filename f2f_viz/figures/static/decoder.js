// The decoder, one clock cycle at a time. The same module draws the live view (on an ipywidgets
// model) and the stand-alone lesson (on an object with get, set, on, off, save_changes).
const SVG = "http://www.w3.org/2000/svg";
const svg = (tag, props = {}, text = "") => {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(props)) node.setAttribute(key, value);
  if (text) node.textContent = text;
  return node;
};
const hex = (value, bits) => value.toString(16).padStart(Math.ceil(bits / 4), "0").toUpperCase();
const lower = (number) => [...String(number)].map((digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]).join("");
const stage = (k) => (k === 0 ? "xₜ" : `xₜ₋${lower(k)}`);
const GUTTER = 118, GAP = 8, LABEL = 22;

function render({ model, el }) {
  el.classList.add("f2f", "f2f-decoder");
  let code, matrix, win, mismatches, heavy, width = 0, room = Infinity;

  // ---- state -------------------------------------------------------------------------------
  const at = () => model.get("cycle");
  const bit = () => Math.min(model.get("bit"), code.n_out - 1);
  const put = (name, value) => { model.set(name, value); model.save_changes(); };
  const inside = (cycle) => win && cycle >= win.start && cycle < win.start + win.n;
  const go = (cycle) => !bare.textContent && put("cycle", Math.max(0, Math.min(code.blocks - 1, cycle)));
  const next = (cycles) => {
    let low = 0, high = cycles.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cycles[middle] > at()) high = middle; else low = middle + 1;
    }
    if (cycles.length) go(cycles[low < cycles.length ? low : 0]);
  };
  let jumped = false;
  const toWrong = () => { jumped = true; next(mismatches); };
  const read = () => {
    code = model.get("code");
    matrix = array(model.get("matrix"), Uint8Array);
    const w = model.get("window");
    const flags = array(w.flags, Uint8Array);
    let kept = 0;
    win = w.n === undefined ? null : {
      ...w,
      register: array(w.register, Uint16Array),
      raw: flags.map((bits) => bits & 1), care: flags.map((bits) => bits >> 1 & 1), mismatch: flags.map((bits) => bits >> 2),
      place: Int32Array.from(flags, (bits) => bits & 2 ? kept++ : -1),  // among values, scales, words
      values: array(w.values, Float64Array), scales: array(w.scales, Float32Array), words: array(w.words, Uint8Array),
    };
    mismatches = array(model.get("mismatch_cycles"), Int32Array);
    heavy = array(model.get("heavy_cycles"), Int32Array);
  };

  const given = (p) => win.raw[p] ^ win.inverted ^ win.mismatch[p];
  // −1: padding
  const weightOf = (t, i) => {
    const group = t * code.step % code.blocks, index = code.spread ? group + i * code.blocks : group * code.n_out + i;
    return index < code.size ? index : -1;
  };

  // ---- toolbar -----------------------------------------------------------------------------
  const { controls, keys, start, stop } = makePlayer({ at, last: () => code.blocks - 1, go, ready: () => inside(at()),
    first: "First cycle", end: "Last cycle", unit: "Cycles", speeds: [1, 2, 4, 10, 30].map((n) => [n, n]), speed: 2 });
  const plane = h("select", { "aria-label": "Bit-plane", class: "f2f-plane",
    onchange: () => put("plane", Number(plane.value)) });
  // not overwritten while it is typed in; what is no cycle gives the nearest
  let typing = false;
  const cycle = h("input", { type: "number", min: 0, step: 1, "aria-label": "Cycle",
    oninput: () => { typing = true; }, onblur: () => { typing = false; showCycle(); },
    onchange: () => {
      typing = false;
      if (cycle.value.trim() !== "") go(Math.round(Number(cycle.value)));
      showCycle();
    } });
  const showCycle = () => { if (!typing) cycle.value = at(); };
  const total = h("span", { class: "f2f-quiet" });
  const run = button("Run", "Run some cycles", () => start(Number(runs.value) || 1));
  const runs = h("input", { type: "number", min: 1, value: 16, "aria-label": "Cycles to run" });
  const toMismatch = button("Next mismatch", "Go to the next mismatch", () => toWrong(), "M");
  const toHeavy = button("Next heavy", "Go to the next block with more care bits than n_in",
                         () => next(heavy), "H");
  const toolbar = h("div", { class: "f2f-toolbar", role: "toolbar", "aria-label": "Decoder" },
    h("label", { class: "f2f-group" }, "Plane", plane),
    h("span", { class: "f2f-group" }, ...controls),
    h("span", { class: "f2f-group" }, h("label", { class: "f2f-group" }, "Cycle", cycle), total),
    h("span", { class: "f2f-group" }, run, runs),
    h("span", { class: "f2f-group" }, toMismatch, toHeavy));

  // ---- drawing -----------------------------------------------------------------------------
  const stageBox = h("div", { class: "f2f-stage", tabindex: 0, role: "application",
    "aria-label": "Decoder. Arrow keys step, space plays, Home and End jump, M goes to the next mismatch, H to the next heavy block, up and down choose an output bit." });
  const equation = h("div", { class: "f2f-equation", "aria-live": "polite" });
  const legend = h("div", { class: "f2f-legend" });
  const wave = h("div", { class: "f2f-wave" });
  const registers = h("div", { class: "f2f-wave f2f-registers" });
  const bare = h("p", { class: "f2f-bare", role: "status" });
  el.append(toolbar, bare, stageBox, equation, wave, legend, registers);

  const geometry = () => {
    const rows = code.n_in * (code.n_s + 1), large = room < Infinity;
    const lanes = win?.inverted
      ? ["gates give", "inverted", "wanted", "corrected"] : ["gates give", "wanted", "corrected"];
    const cell = large ? 15 : 19, lane = large ? 17 : 22, rest = LABEL + code.n_s * GAP + 13 + lanes.length * lane + 10;
    const rowHeight = large ? Math.max(4, Math.min(24, (room - rest) / rows)) : Math.max(12, Math.min(16, Math.floor(208 / rows)));
    const columnWidth = Math.max(5, Math.min(24, (width - GUTTER - 8) / code.n_out));
    const y = (row) => LABEL + row * rowHeight + Math.floor(row / code.n_in) * GAP;
    const bottom = y(rows - 1) + rowHeight + 13;
    return { rows, rowHeight, columnWidth, y, bottom, lanes, cell, lane, height: bottom + lanes.length * lane + 10,
             x: (i) => GUTTER + i * columnWidth, w: GUTTER + code.n_out * columnWidth + 8 };
  };

  let scene = null;
  function build() {
    const g = geometry(), { height, lanes } = g;
    const root = svg("svg", { width: g.w, height, viewBox: `0 0 ${g.w} ${height}`, role: "img",
                              "aria-label": "XOR network" });
    const band = svg("rect", { class: "band", y: 0, height, width: g.columnWidth });
    root.append(band);
    const step = g.columnWidth >= 12 ? 4 : g.columnWidth >= 9 ? 8 : 16;
    for (let i = 0; i < code.n_out; i += step)
      root.append(svg("text", { class: "tick", x: g.x(i + 0.5), y: 12 }, `${i}`));
    // what names the rows stays at the left while the columns are scrolled
    const wires = [], cells = svg("g"), names = [], labels = svg("g");
    labels.append(svg("rect", { class: "paper", width: GUTTER - 10, height }),
      svg("text", { class: "tick start", x: 0, y: 12 }, "output bit i"));
    for (let row = 0; row < g.rows; row++) {
      const top = g.y(row), mid = top + g.rowHeight / 2;
      const wire = svg("line", { x1: GUTTER - 10, x2: g.x(code.n_out), y1: mid, y2: mid, class: "wire" });
      let path = "";
      for (let i = 0; i < code.n_out; i++)
        if (matrix[i * g.rows + row])
          path += `M${(g.x(i) + 1).toFixed(1)} ${top + 1.5}h${(g.columnWidth - 2).toFixed(1)}v${g.rowHeight - 3}h${(2 - g.columnWidth).toFixed(1)}z`;
      const dots = svg("path", { d: path });
      const box = svg("rect", { "data-box": row, x: GUTTER - 30, y: top + 0.5, width: 20, height: g.rowHeight - 1, rx: 2 });
      const text = svg("text", { "data-holds": row, x: GUTTER - 20, y: mid + 3.5, class: "bitvalue" });
      root.append(wire, dots);
      cells.append(box);
      if (g.rowHeight > 10.2) cells.append(text);  // letters have a height
      wires.push({ wire, dots, box, text, k: Math.floor(row / code.n_in) });
    }
    for (let k = 0; k <= code.n_s; k++) {
      const top = g.y(k * code.n_in), middle = top + (code.n_in * g.rowHeight) / 2;
      labels.append(svg("text", { x: 0, y: middle - 3, class: "stagename" }, stage(k)));
      const value = svg("text", { x: 0, y: middle + 12, class: "stagevalue" });
      labels.append(value);
      names.push(value);
      if (g.rowHeight >= 10)
        for (const j of [0, code.n_in - 1])
          labels.append(svg("text", { x: GUTTER - 35, y: g.y(k * code.n_in + j) + g.rowHeight / 2 + 3.5,
                                      class: "tick end" }, `bit ${j}`));
    }
    labels.append(cells);
    const out = svg("g");
    lanes.forEach((name, lane) => labels.append(svg("text", { x: 0,
      y: g.bottom + lane * g.lane + g.cell / 2 + 4, class: "lane" }, name)));
    root.append(out);
    for (let i = 0; i < code.n_out; i++)
      root.append(svg("rect", { class: "f2f-hit", "data-bit": i, x: g.x(i), y: 0, width: g.columnWidth, height }));
    root.addEventListener("click", (event) => {
      const box = root.getBoundingClientRect();  // larger than drawn in front of a class
      const x = (event.clientX - box.left) * g.w / box.width, i = Math.floor((x - GUTTER) / g.columnWidth);
      if (x - stageBox.scrollLeft >= GUTTER && i < code.n_out) put("bit", i);
    });
    root.append(labels);
    stageBox.replaceChildren(root);
    scene = { g, root, band, wires, names, out, cells, labels };
    hold();
  }

  const hold = () => scene?.labels.setAttribute("transform", `translate(${stageBox.scrollLeft} 0)`);
  stageBox.addEventListener("scroll", hold);
  let sought = "";
  // a narrow window shows some columns: the chosen one, when it was chosen just now
  function seek() {
    const { g } = scene, left = g.x(bit()), view = stageBox.clientWidth, key = `${bit()} ${g.w} ${view}`;
    if (!view || key === sought) return;
    sought = key;
    const from = stageBox.scrollLeft, seen = left >= from + GUTTER && left + g.columnWidth <= from + view;
    if (!seen) stageBox.scrollLeft = left + g.columnWidth / 2 - (GUTTER + view) / 2;
  }

  function drawOutput(t) {
    const { g, out } = scene, { lanes, cell } = g;
    const base = t * code.n_out, groups = {}, texts = [];
    for (let i = 0; i < code.n_out; i++) {
      const care = win.care[base + i], wrong = win.mismatch[base + i];
      const raw = win.raw[base + i], final = given(base + i);
      const kinds = lanes.map((lane) => {
        if (!care) return ["dont-care", lane === "wanted" ? "·" : lane === "corrected" ? final
                                        : lane === "inverted" ? raw ^ 1 : raw];
        if (lane === "wanted") return ["care", final];
        if (lane === "corrected") return [wrong ? "corrected" : "care", final];
        return [wrong ? "mismatch" : "care", lane === "inverted" ? raw ^ 1 : raw];
      });
      kinds.forEach(([kind, value], lane) => {
        const key = `${kind} ${value === 1 ? "one" : "zero"}`;
        const x = g.x(i) + 0.75, y = g.bottom + lane * g.lane, w = g.columnWidth - 1.5;
        groups[key] = (groups[key] ?? "") + `M${x.toFixed(1)} ${y}h${w.toFixed(1)}v${cell}h${(-w).toFixed(1)}z`;
        if (g.columnWidth >= 8.5)
          texts.push(`<text class="${key}" x="${g.x(i + 0.5).toFixed(1)}" y="${y + cell / 2 + 4}">${value}</text>`);
      });
      if (wrong) {
        const x = g.x(i + 0.5).toFixed(1);
        texts.push(`<text class="sign mismatch" x="${x}" y="${g.bottom - 3}">✕</text>`,
          `<text class="sign corrected" x="${x}" y="${g.bottom + lanes.length * g.lane + 8}">✓</text>`);
      }
    }
    out.innerHTML = Object.entries(groups).map(([key, d]) => `<path class="${key}" d="${d}"/>`).join("")
      + texts.join("");
  }

  function drawCycle(animate) {
    if (!inside(at())) { el.classList.add("f2f-waiting"); return; }
    el.classList.remove("f2f-waiting");
    const t = at() - win.start, { g, wires, names, band, cells } = scene;
    const register = [...win.register.slice(t * (code.n_s + 1), (t + 1) * (code.n_s + 1))];
    wires.forEach(({ wire, dots, box, text, k }, row) => {
      const on = (register[k] >> (row % code.n_in)) & 1;
      const kind = `${k ? "register" : "symbol"} ${on ? "on" : "off"}`;
      wire.setAttribute("class", `wire ${kind}`);
      dots.setAttribute("class", `dots ${kind}`);
      box.setAttribute("class", `cell ${kind}`);
      text.textContent = on;
      text.setAttribute("class", `bitvalue ${on ? "on" : ""}`);
    });
    names.forEach((node, k) => { node.textContent = `0x${hex(register[k], code.n_in)}`; });
    if (jumped) {  // show the equation of what went wrong
      jumped = false;
      const base = t * code.n_out;
      const i = win.mismatch.subarray(base, base + code.n_out).indexOf(1);
      if (i >= 0 && i !== bit()) return put("bit", i);
    }
    band.setAttribute("x", g.x(bit()));
    seek();
    drawOutput(t);
    if (animate && !matchMedia("(prefers-reduced-motion: reduce)").matches)
      cells.animate([{ transform: `translateY(${-(code.n_in * g.rowHeight + GAP)}px)`, opacity: 0.15 },
                     { transform: "none", opacity: 1 }], { duration: 220, easing: "ease-out" });
    explain(t, register);
    drawWave();
    markRegisters();
    const care = sum(win.care, t), wrong = sum(win.mismatch, t);
    stageBox.dataset.cycle = at();
    stageBox.dataset.bit = bit();
    stageBox.setAttribute("aria-description",
      `cycle ${at()}, symbol ${hex(register[0], code.n_in)}, ${plural(care, "care bit")}, ${wrong} corrected`);
  }
  const sum = (bits, t) => {
    let total = 0;
    for (let i = t * code.n_out; i < (t + 1) * code.n_out; i++) total += bits[i];
    return total;
  };

  function explain(t, register) {
    const i = bit(), p = t * code.n_out + i, rows = code.n_in * (code.n_s + 1);
    const terms = [], numbers = [];
    for (let row = 0; row < rows; row++)
      if (matrix[i * rows + row]) {
        const k = Math.floor(row / code.n_in), j = row % code.n_in;
        const on = (register[k] >> j) & 1;
        terms.push(`${stage(k)}[${j}]`);
        numbers.push(on ? `<b class="${k ? "register" : "symbol"}">1</b>` : "0");
      }
    const raw = win.raw[p], care = win.care[p], wrong = win.mismatch[p];
    const flipped = win.inverted ? ` → inverted ${raw ^ 1}` : "";
    const state = !care ? `<span class="f2f-chip dont-care">· don't-care</span>`
      : wrong ? `<span class="f2f-chip mismatch">✕ mismatch</span> wanted ${given(p)} <span class="f2f-chip corrected">✓ corrected</span>`
      : `<span class="f2f-chip care">■ care</span> as wanted`;
    const index = weightOf(win.start + t, i), k = win.place[p];
    let weight = "padding after the last weight";
    if (index >= 0) {
      const columns = code.shape.length > 1 ? code.size / code.shape[0] : code.size;
      const place = code.shape.length > 1
        ? `row ${Math.floor(index / columns)}, column ${index % columns}` : `index ${index}`;
      const bytes = win.words.slice(k * code.itemsize, (k + 1) * code.itemsize);
      const digits = [...bytes].reverse().map((b) => b.toString(2).padStart(8, "0")).join("")
        .slice(-code.planes.length);
      const chosen = model.get("plane");
      const value = !care ? "pruned, +0" : win.scales.length
        ? `${win.values[k]} · ${win.scales[k].toPrecision(4)} = ${(win.values[k] * win.scales[k]).toPrecision(4)}`
        : Number(win.values[k].toPrecision(6));  // an integer has no decimals
      weight = `weight at ${place} = <b>${value}</b>`
        + (care ? ` <code>${digits.slice(0, chosen)}<mark>${digits[chosen]}</mark>${digits.slice(chosen + 1)}</code>${code.recoded ? ` (${code.recoded} as rank)` : ""}` : "");
    }
    equation.innerHTML =
      `<div><code>yₜ[${i}] = ${terms.join(" ⊕ ") || "0"}${terms.length > 1 ? ` = ${numbers.join(" ⊕ ")}` : ""} = <b>${raw}</b></code>${flipped} ${state}</div>`
      + `<div>${weight}</div>`;
  }

  function drawWave() {
    const slots = Math.max(7, Math.min(31, 2 * Math.floor((width - GUTTER) / 96) + 1));
    const w = (width - GUTTER - 8) / slots, first = at() - Math.floor(slots / 2);
    const lane = 20, lanes = code.n_s + 1, bars = 34, height = lanes * lane + bars + 46;
    let parts = "";
    const most = Math.max(code.n_in * 2, win.most);
    const barTop = lanes * lane + 24, barY = (n) => barTop + bars * (1 - n / most);
    for (let k = 0; k < lanes; k++)
      parts += `<text class="lane" x="0" y="${k * lane + 15}">${k ? stage(k) : "xₜ, enters"}</text>`;
    parts += `<text class="lane" x="0" y="${barTop - 6}">care bits n_u</text><text class="lane" x="0" y="${barY(code.n_in) + 4}">dashed: n_in = ${code.n_in}</text><text class="lane" x="0" y="${height - 6}">corrections</text>`;
    for (let s = 0; s < slots; s++) {
      const c = first + s;
      if (!inside(c)) continue;
      const t = c - win.start, x = GUTTER + s * w, now = c === at();
      if (now) parts += `<rect class="now" x="${x}" y="0" width="${w}" height="${height}"/>`;
      for (let k = 0; k < lanes; k++) {
        const y = k * lane + 2, value = win.register[t * lanes + k];
        parts += `<path class="bus ${k ? "register" : "symbol"}" d="M${x + 1} ${y + 8}l4 -8h${w - 10}l4 8l-4 8h${10 - w}z"/>`
          + `<text class="hex" x="${x + w / 2}" y="${y + 12}">${hex(value, code.n_in)}</text>`;
      }
      const n = sum(win.care, t), wrong = sum(win.mismatch, t), full = n > code.n_in;
      parts += `<rect class="bar ${full ? "heavy" : ""}" x="${x + 3}" width="${w - 6}" y="${barY(n)}" height="${barTop + bars - barY(n)}"/>`
        + `<text class="hex small" x="${x + w / 2}" y="${barTop - 6}">${n}${full ? "▲" : ""}</text>`;
      if (wrong) parts += `<text class="wrong" x="${x + w / 2}" y="${height - 6}">✓${wrong}</text>`;
      parts += `<rect class="f2f-hit" data-cycle="${c}" x="${x}" y="0" width="${w}" height="${height}"><title>cycle ${c}: ${plural(n, "care bit")}, ${wrong} corrected</title></rect>`;
    }
    const y = barY(code.n_in);
    parts += `<line class="limit" x1="${GUTTER}" x2="${width - 8}" y1="${y}" y2="${y}"/>`;
    wave.innerHTML = `<svg width="${width}" height="${height}" role="img" aria-label="Cycles around the current one">${parts}</svg>`;
  }
  for (const clicked of [wave, registers])
    clicked.addEventListener("click", (event) => {
      const target = event.target.closest("[data-cycle]");
      if (target) go(Number(target.dataset.cycle));
    });

  // the same blocks, searched with other registers: every block a column, a mark per mismatch
  function drawRegisters() {
    const data = model.get("registers");
    if (!data.stages?.length || !data.n) { registers.replaceChildren(); return; }
    const lane = 30, left = GUTTER + 40, w = Math.min(16, (width - left - 8) / data.n);
    const height = lane * data.stages.length + 4;
    let parts = "";
    data.stages.forEach(({ n_s, wrong }, row) => {
      const total = wrong.reduce((a, b) => a + b, 0), base = (row + 1) * lane - 4;
      parts += `<path class="stagemark" d="${STAGE_SHAPES[n_s]}" transform="translate(8 ${base - 10})" style="fill:var(--f2f-stage-${n_s})"/>`
        + `<text class="lane" x="20" y="${base - 6}">n_s = ${n_s}: ${total} corrected</text>`
        + `<line class="wire" x1="${left}" x2="${left + w * data.n}" y1="${base + 0.5}" y2="${base + 0.5}"/>`;
      wrong.forEach((k, i) => {
        for (let j = 0; j < Math.min(k, 5); j++)
          parts += `<rect class="tally" x="${left + i * w + 0.5}" y="${base - 5 * (j + 1)}" width="${Math.max(w - 1.5, 1)}" height="4"/>`;
      });
    });
    parts = `<rect class="now" x="${left - 1}" y="0" width="${w + 1}" height="${height}"/>` + parts;
    for (let i = 0; i < data.n; i++)
      parts += `<rect class="f2f-hit" data-cycle="${data.start + i}" x="${left + i * w}" y="0" width="${w}" height="${height}"><title>cycle ${data.start + i}: ${data.stages.map((s) => `n_s = ${s.n_s}: ${s.wrong[i]}`).join(", ")} corrected</title></rect>`;
    registers.innerHTML = `<div class="f2f-quiet">Why the register helps: cycles ${data.start} to ${data.start + data.n - 1} searched with each register length</div>`
      + `<svg width="${width}" height="${height}" role="img" aria-label="${data.stages.map((s) => `n_s ${s.n_s}: ${s.wrong.reduce((a, b) => a + b, 0)} corrected`).join(", ")}">${parts}</svg>`;
  }

  // a step moves the mark alone: the columns stay as they are
  function markRegisters() {
    const mark = registers.querySelector(".now"), data = model.get("registers");
    if (!mark) return;
    const now = at() - data.start, { width } = mark;
    mark.style.display = now < 0 || now >= data.n ? "none" : "";
    mark.setAttribute("transform", `translate(${now * (width.baseVal.value - 1)} 0)`);
  }

  // ---- keeping up --------------------------------------------------------------------------
  function refresh() {
    read();
    if (!code.n_out || !win) { el.classList.add("f2f-waiting"); return; }
    if (!width) return;
    const key = JSON.stringify(code.planes);
    if (plane.dataset.key !== key) {
      plane.dataset.key = key;
      plane.replaceChildren(...code.planes
        .filter((p) => code.only === undefined || p.index === code.only).map((p) =>
        h("option", { value: p.index }, `${p.index}  ${p.name}${p.note}`)));
    }
    plane.value = model.get("plane");
    bare.textContent = code.planes[model.get("plane")].bare;
    for (const part of [stageBox, equation, wave, legend, registers]) part.hidden = Boolean(bare.textContent);
    total.textContent = `of 0 to ${grouped(code.blocks - 1)}`;
    cycle.max = code.blocks - 1;
    const still = Boolean(bare.textContent);  // there is nothing to step through
    for (const control of [...controls, cycle, run, runs]) control.disabled = still;
    toMismatch.disabled = still || !mismatches.length;
    toHeavy.disabled = still || !heavy.length;
    const gates = code.gates ? ` · ${plural(code.gates.shared, "XOR gate")}, depth ${code.gates.shared_depth} (${code.gates.naive}, depth ${code.gates.depth}, were none shared), ${plural(code.gates.flip_flops, "flip-flop")}` : "";
    legend.innerHTML = `<span class="f2f-chip care">■ care</span><span class="f2f-chip dont-care">· don't-care</span>`
      + `<span class="f2f-chip mismatch">✕ mismatch</span><span class="f2f-chip corrected">✓ corrected</span>`
      + `<span class="f2f-chip symbol">symbol xₜ</span><span class="f2f-chip register">register</span>`
      + `<span class="f2f-quiet">▲ n_u &gt; n_in, more than a symbol can choose${gates}</span>`;
    build();
    drawRegisters();
    move();
  }
  let last = null, moved = 0;
  function move() {
    if (!scene) return;
    showCycle();
    // symbols that slide down are drawn many times: not where the next step comes at once
    drawCycle(last !== null && at() === last + 1 && performance.now() - moved > 400);
    last = at();
    moved = performance.now();
  }
  onKeys(stageBox, { ...keys, m: () => toWrong(), h: () => next(heavy), ArrowUp: () => put("bit", Math.max(0, bit() - 1)),
                     ArrowDown: () => put("bit", Math.min(code.n_out - 1, bit() + 1)) });

  const changed = "change:code change:matrix change:window change:registers change:mismatch_cycles change:heavy_cycles";
  const soon = together(refresh);
  watch(model, changed, soon);
  watch(model, "change:cycle change:bit", move);
  const observer = new ResizeObserver(() => {
    if (!el.clientWidth || (el.clientWidth === width && roomOf(stageBox) === room)) return;
    width = el.clientWidth;
    room = roomOf(stageBox);
    refresh();
  });
  observer.observe(el);
  observer.observe(stageBox);
  read();
  return () => {
    stop();
    observer.disconnect();
    unwatch(model, changed, soon);
    unwatch(model, "change:cycle change:bit", move);
  };
}
export default { render };
