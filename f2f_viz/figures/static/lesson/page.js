// The page: controls, numbers and views of what the worker found.
const $ = (name) => document.querySelector(name);
const data = JSON.parse($("#data").textContent), status = $(".status"), WINDOW = 96;
const failed = (words) => { status.textContent = words; status.classList.add("wrong"); };
const bytesOf = async (text) => {
  const letters = atob(text), zipped = new Uint8Array(letters.length);
  for (let i = 0; i < zipped.length; i++) zipped[i] = letters.charCodeAt(i);  // Uint8Array.from takes 30 times as long
  const stream = new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
};
const KINDS = { index: Uint32Array, values: Float32Array, scales: Float32Array };
const view = (array) => new DataView(array.buffer, array.byteOffset, array.byteLength);

// ---- what is chosen, and its place in the address ---------------------------------------------
const ORDERS = Object.keys(data.orders), N_IN = Object.keys(data.n_out).map(Number);
const wanted = { tour: 0, plane: 0, cycle: -1, bit: 0, ...data.start };  // −1: where there is something to see
const fields = {  // how each stands in the address, and what may stand there
  rate: [(k) => data.rates[k], (text) => data.rates.indexOf(Number(text))],
  n_in: [String, (text) => (N_IN.includes(Number(text)) ? Number(text) : -1)],
  n_s: [String, (text) => (text !== "" && data.n_s.includes(Number(text)) ? Number(text) : -1)],
  order: [String, (text) => (ORDERS.includes(text) ? text : -1)],
  plane: [String, (text) => (Number(text) < data.planes.length ? Math.floor(Number(text)) : -1)],
  cycle: [String, (text) => (Number(text) >= 0 ? Math.floor(Number(text)) : -1)],
  bit: [String, (text) => (Number(text) >= 0 ? Math.floor(Number(text)) : -1)],
  tour: [String, (text) => (Number(text) <= TOUR.length ? Math.floor(Number(text)) : -1)],
};
let known = "";  // what the address said when it was read or written last
const readAddress = () => {
  known = location.hash;
  for (const [name, text] of new URLSearchParams(location.hash.slice(1))) {
    const value = fields[name]?.[1](text) ?? -1;
    if (value !== -1 && !(value < 0) && !Number.isNaN(value)) wanted[name] = value;
  }
};
let writing = null;
const writeAddress = () => {  // browsers take few a second
  clearTimeout(writing);
  writing = setTimeout(() => {
    if (location.hash !== known) return;  // somebody chose another, which is about to be read
    const text = Object.entries(fields).map(([name, [show]]) => `${name}=${show(wanted[name])}`).join("&");
    try {
      history.replaceState(null, "", `#${text}`);
      known = location.hash;
    } catch { /* a frame without an address */ }
  }, 250);
};

// ---- controls -----------------------------------------------------------------------------------
const slider = (name, label, values, show) => {
  const output = h("output", {}), input = h("input", { type: "range", min: 0, max: values.length - 1, step: 1,
    "aria-label": label, oninput: () => { wanted[name] = values[input.value]; settle(); } });
  if (values.length < 2) return { node: h("span", {}, `${label} `, output), show: () => { output.textContent = show(wanted[name]); } };
  return { node: h("label", {}, label, input, output),
    show: () => { input.value = values.indexOf(wanted[name]); input.setAttribute("aria-valuetext", output.textContent = show(wanted[name])); } };
};
const choice = (name, label, values, show) => {
  const inputs = values.map((value) => h("input", { type: "radio", name, value, onchange: () => { wanted[name] = value; settle(); } }));
  return { node: h("fieldset", {}, h("legend", {}, label), ...inputs.map((input, k) => h("label", {}, input, ...show(values[k])))),
    show: () => inputs.forEach((input, k) => { input.checked = values[k] === wanted[name]; }) };
};
const mark = (n_s) => {
  const box = h("span", {});
  box.innerHTML = `<svg viewBox="-7 -7 14 14" aria-hidden="true"><path d="${STAGE_SHAPES[n_s]}" style="fill:var(--f2f-stage-${n_s})"/></svg>`;
  return box;
};
const controls = [
  slider("rate", "Pruned, S", data.rates.map((_, k) => k), (k) => data.rates[k].toFixed(data.rates.length > 1 ? 2 : 4)),
  slider("n_in", "Symbol bits, n_in", N_IN, String),
  choice("n_s", "Register, n_s", data.n_s, (n_s) => [mark(n_s), `${n_s}`]),
  choice("order", "Order", ORDERS, (order) => [data.orders[order].label]),
];
$(".controls").append(...controls.map(({ node }) => node));
$(".controls").addEventListener("submit", (event) => event.preventDefault());

// ---- what the analyzer's own views read: a model without a kernel ---------------------------------------
const modelOf = (traits) => {
  const listeners = {}, fire = (name) => { for (const listener of listeners[`change:${name}`] ?? []) listener(); };
  return {
    traits, fire, get: (name) => traits[name],
    set: (name, value) => { if (traits[name] !== value) { traits[name] = value; fire(name); } },
    on: (names, listener) => { for (const name of names.split(" ")) (listeners[name] ??= []).push(listener); },
    off: () => {}, save_changes: () => {}, send: () => {},
  };
};
const model = modelOf({ code: {}, window: {}, registers: {}, plane: 0, cycle: 0, bit: 0 }), { traits, fire } = model;
const work = modelOf({ work: {}, lanes: 16 }), trellis = modelOf({ small: {}, layer: {}, cycle: 0 });

// ---- what was found --------------------------------------------------------------------------------
// the chosen search and what the decoder asks for; and apart, what other registers would give
let parts, slots, chosen, others, shown = null, stages = {};

const wantedBits = (g, plane, t) => {  // of a block: slots, and what the decoder must give
  const own = { slot: new Int32Array(g.n_out).fill(-1), bits: new Uint8Array(g.n_out) };
  for (let i = 0; i < g.n_out; i++) {
    const index = g.weightAt(t, i), slot = index < 0 ? -1 : slots[index];
    if (slot < 0 || slot >= g.kept) continue;
    own.slot[i] = slot;
    own.bits[i] = planeBit(data, parts, slot, plane) ^ shown.inverted[plane];
  }
  return own;
};

// the cycles around one, as figures/decoder.py's window_data
const windowOf = (plane, cycle) => {
  const { g, matrix } = shown, { n_out, n_s, n_in } = g, width = n_in * (n_s + 1), { symbols } = shown.planes[plane];
  const start = Math.min(Math.max(cycle - WINDOW / 2, 0), Math.max(g.blocks - WINDOW, 0));
  const n = Math.min(start + WINDOW, g.blocks) - start, all = n * n_out, size = data.itemsize;
  const w = { register: new Uint16Array(n * (n_s + 1)), flags: new Uint8Array(all) }, kept = [];
  let most = 0;
  for (let t = 0; t < n; t++) {
    const block = start + t, own = wantedBits(g, plane, block);
    let n_u = 0;
    for (let k = 0; k <= n_s && k <= block % data.tile_blocks; k++) w.register[t * (n_s + 1) + k] = symbols[block - k];
    for (let i = 0; i < n_out; i++) {
      const p = t * n_out + i, slot = own.slot[i];
      let y = 0;
      for (let j = 0; j < width; j++)
        y ^= matrix[i * width + j] & (w.register[t * (n_s + 1) + Math.floor(j / n_in)] >> (j % n_in));
      w.flags[p] = slot < 0 ? y : y + 2 + 4 * (y !== own.bits[i]);
      if (slot < 0) continue;
      n_u++;
      kept.push(slot);
    }
    most = Math.max(most, n_u);
  }
  w.values = Float64Array.from(kept, (slot) => parts.values[slot]);
  w.scales = Float32Array.from(parts.scales.length ? kept : [], (slot) => parts.scales[slot]);
  w.words = Uint8Array.from(kept.flatMap((slot) => [...parts.words.subarray(slot * size, (slot + 1) * size)]));
  const views = Object.fromEntries(Object.entries(w).map(([name, array]) => [name, view(array)]));
  return { start, n, plane, inverted: shown.inverted[plane], most, ...views };
};

// corrections of each block of a plane
const wrongsOf = (plane) => {
  const found = new Uint16Array(shown.g.blocks), { ranks } = shown.planes[plane];
  let t = 0, before = shown.n_u[0];
  for (const rank of ranks) {
    while (rank >= before) before += shown.n_u[++t];
    found[t]++;
  }
  return found;
};
const wrongCycles = (plane) => Int32Array.from([...wrongsOf(plane).entries()].filter(([, wrong]) => wrong).map(([t]) => t));

// who has what to do, as figures/lanes.py's lanes_data
const showLanes = () => {
  const { g } = shown, B = data.planes.length, { most_rows, most_blocks, buffer } = data.lanes;
  const columns = data.shape.length > 1 ? data.size / data.shape[0] : data.size, rows = new Int32Array(data.size / columns);
  for (let k = 0; k < g.kept; k++) rows[Math.floor(parts.index[k] / columns)]++;
  const blocks = Math.min(g.blocks, Math.floor(most_blocks / B)), corrections = new Uint16Array(B * blocks);
  shown.planes.forEach((_, plane) => corrections.set(wrongsOf(plane).subarray(0, blocks), plane * blocks));
  const taken = [[rows.length, most_rows, "rows"], [g.blocks, blocks, "blocks of each plane"]].filter(([all, some]) => all > some);
  work.set("work", { planes: B, width: g.n_in, buffer, rows: view(rows.subarray(0, most_rows)), care: view(Int32Array.from(shown.n_u.subarray(0, blocks))),
    corrections: view(corrections), note: taken.length ? `Shown: ${taken.map(([all, some, what]) => `the first ${grouped(some)} of ${grouped(all)} ${what}`).join(" and ")}.` : "" });
};

// where a plane is first corrected
const firstWrong = (plane) => {
  const t = wrongCycles(plane)[0] ?? 0, { g } = shown, { ranks } = shown.planes[plane];
  let rank = shown.n_u.subarray(0, t).reduce((sum, n) => sum + n, 0), i = 0;
  const own = wantedBits(g, plane, t);
  for (; i < g.n_out - 1; i++) if (own.slot[i] >= 0 && rank++ === ranks[0]) break;
  return ranks.length ? [t, i] : [0, 0];
};

const showWindow = () => {
  const w = windowOf(wanted.plane, wanted.cycle);
  traits.window = w;
  traits.registers = { start: w.start, n: w.n, stages: [] };
  fire("window");
  const setting = shown.setting, found = [];
  chosen.first("registers", data.n_s.map((n_s) => ({
    task: { kind: "blocks", setting: { ...setting, n_s }, plane: w.plane, start: w.start, n: w.n },
    then: ({ wrong }) => {
      found.push({ n_s, wrong });
      if (found.length < data.n_s.length || traits.window !== w) return;
      traits.registers = { start: w.start, n: w.n, stages: found };
      fire("registers");
    },
  })));
};

const showDecoder = () => {
  const { g } = shown;
  Object.assign(traits, {
    code: { n_in: g.n_in, n_s: g.n_s, n_out: g.n_out, blocks: g.blocks, tile_blocks: data.tile_blocks, spread: g.spread, step: g.step, shape: data.shape, size: data.size,
      itemsize: data.itemsize, recoded: "", planes: data.planes.map((name, index) => ({ index, name, note: shown.inverted[index] ? ", inverted" : "" })) },
    matrix: view(shown.matrix),
    mismatch_cycles: view(wrongCycles(wanted.plane)),
    heavy_cycles: view(Int32Array.from([...shown.n_u.keys()].filter((t) => shown.n_u[t] > g.n_in))),
    plane: wanted.plane, cycle: wanted.cycle, bit: wanted.bit,
  });
  showWindow();
  fire("code");
};

// the search itself, unfolded on a small code: as figures/unfolding.py's unfolding
const showTrellis = () => {
  const { n_in, n_s, rows } = data.small, chosenBlocks = smallBlocks(data, parts, slots, shown.g, shown.ones);
  if (!chosenBlocks) { trellis.set("small", { reason: "No weight is kept, so every way costs nothing" }); return; }
  const { n_out, care, bits, plane, start, stop } = chosenBlocks, states = 2 ** (n_in * n_s), set = shown.setting;
  chosen.first("small", [{ task: { kind: "small", ...chosenBlocks }, then: ({ symbols }) => {
    if (shown.setting !== set) return;
    const way = [0];
    for (const symbol of symbols) way.push(((way.at(-1) << n_in) | symbol) % states);
    trellis.set("small", {
      n_in, n_s, n_out, first: 0, whole: true, costs: Array.from({ length: states }, (_, state) => (state ? null : 0)), path: symbols, states: way,
      blocks: care.map((own, t) => {
        const cared = Array.from({ length: n_out }, (_, i) => i).filter((i) => (own >> i) & 1);
        return { care: cared, rows: cared.map((i) => rows[n_out][i]), wanted: cared.map((i) => (bits[t] >> i) & 1) };
      }),
      about: `A code of its own beside the layer's: n_in = ${n_in}, n_s = ${n_s}, n_out = ${n_out}, on ${care.length} blocks of plane ${plane} (${data.planes[plane]}), weights ${start} to ${stop - 1} of the layer. The settings stay as they are.`,
    });
  } }]);
};

// ---- numbers ---------------------------------------------------------------------------------------
const card = (name, value, about, formula) => {
  const node = h("div", { class: "card", "data-key": name }, h("span", {}, name), h("b", {}, value), h("small", {}, about), h("small", {}, formula));
  return node;
};
const showNumbers = () => {
  const { g, planes } = shown, B = data.planes.length, wrong = planes.reduce((sum, p) => sum + p.ranks.length, 0);
  const payload = g.blocks * g.n_in * B, corrections = planes.reduce((sum, p) => sum + p.bits, 0), cares = g.kept * B;
  const ratio = (data.size * B) / (payload + corrections), bound = data.size / g.kept, per = (bits) => (bits / data.size).toFixed(2);
  const mask = data.mask_bits[g.rate];
  $(".numbers").replaceChildren(
    card("Ratio, the paper's accounting", ratio.toFixed(3), `${percent(ratio / bound, 1)} of 1/(1\u00a0−\u00a0S)\u00a0= ${bound.toFixed(2)}, the bound of random care bits`,
      "dense bits / (payload + corrections)"),
    card("Efficiency E", percent(1 - wrong / cares), `${grouped(wrong)} of ${grouped(cares)} care bits are corrected`, "matched care bits / all care bits"),
    card("Bits per weight", per(payload + corrections + mask), `payload ${per(payload)} + corrections ${per(corrections)} + mask ${per(mask)}; dense ${B}`,
      "stored bits / all weights; matrix and header not counted"),
    card("Block", `${g.n_out} bits`, `${grouped(g.blocks)} blocks in each of ${B} planes; ${grouped(g.kept)} of ${grouped(data.size)} weights kept`,
      "n_out = ⌊n_in / (1 − S)⌋"));
  shown.numbers = { ratio, wrong, payload, corrections };
};

// ---- pictures --------------------------------------------------------------------------------------
const place = (name) => $(`[data-view=${name}]`);
const about = (name, words) => { $(`[data-about=${name}]`).textContent = words; };
const canvas = h("canvas", { role: "img", tabindex: 0, "aria-label": "Mask" });
place("mask").append(canvas);
let mask;
const showMask = () => {
  const { g } = shown, own = { kept: [], pruned: [] }, colour = getComputedStyle($("main"));
  for (let i = 0; i < g.n_out; i++) {
    const index = g.weightAt(wanted.cycle, i);
    if (index >= 0) own[slots[index] >= 0 && slots[index] < g.kept ? "kept" : "pruned"].push(index);
  }
  const colours = Object.fromEntries(["kept", "pruned", "symbol", "ink"].map((name) => [name, colour.getPropertyValue(`--f2f-${name}`)]));
  mask = maskView(canvas, data.shape, parts.index.subarray(0, g.kept), own, colours);
  about("mask", `Kept weights are blue${mask.turned ? ", rows run downwards from the left" : ""}; marked: the ${g.n_out} weights of block ${wanted.cycle}, ${own.kept.length} of them kept. `
    + `Click a weight to see its block decoded below; try ${wanted.order === "row" ? "interleaved" : "row"} order.`);
  canvas.setAttribute("aria-label", `Mask, ${grouped(g.kept)} of ${grouped(data.size)} weights kept; block ${wanted.cycle} keeps ${own.kept.length}`);
};
canvas.addEventListener("click", (event) => {
  const box = canvas.getBoundingClientRect(), share = (at, from, size) => Math.floor(((at - from) / size));
  const index = mask.indexAt(share(event.clientX, box.left, box.width / canvas.width), share(event.clientY, box.top, box.height / canvas.height));
  model.set("cycle", shown.g.blockOf(index));
  model.set("bit", shown.g.bitOf(index));
});
const showHistogram = () => {
  const { g } = shown, other = ORDERS.find((order) => order !== g.order), theirs = careCounts(parts, geometryOf(data, { ...shown.setting, order: other }));
  place("histogram").innerHTML = histogramView(shown.n_u, theirs, g.n_out, g.n_in, g.kept / data.size,
    { own: data.orders[g.order].label, other: data.orders[other].label });
  const heavy = shown.n_u.reduce((sum, n) => sum + (n > g.n_in), 0);
  about("histogram", `How many care bits n_u the ${grouped(g.blocks)} blocks hold: ${grouped(heavy)} hold more than a symbol has bits. Variance over the binomial's: `
    + `${dispersion(shown.n_u, g.n_out).toFixed(2)} in this order, ${dispersion(theirs, g.n_out).toFixed(2)} in the other. Where kept weights cluster, row order makes uneven blocks.`);
};
const showStages = () => {
  place("stages").innerHTML = stagesView(data.n_s.map((n_s) => ({ n_s, ...stages[n_s] })), shown.g.n_s);
  about("stages", "Share of the care bits that come out right, the same blocks searched anew: an older symbol still helps later blocks, so a register evens out what blocks hold. "
    + "The first stage gains most.");
};
const showPlanes = () => {
  place("planes").innerHTML = planesView(shown.planes.map((p) => p.ranks.length), data.planes, shown.g.kept, wanted.plane);
  about("planes", "All planes share the mask, and each has its own symbols. A plane whose care bits are nearly all alike is easily met; one that looks random needs the most corrections. Click one to decode it.");
};
place("planes").addEventListener("click", (event) => {
  const bar = event.target.closest("[data-plane]");
  if (bar) model.set("plane", Number(bar.dataset.plane));
});

model.on("change:plane", () => {
  if (wanted.plane === traits.plane) return;
  wanted.plane = traits.plane;
  showDecoder();
  showPlanes();
  writeAddress();
});
model.on("change:cycle change:bit", () => {
  if (wanted.cycle === traits.cycle && wanted.bit === traits.bit) return;
  const moved = wanted.cycle !== traits.cycle, { start, n } = traits.window;
  [wanted.cycle, wanted.bit] = [traits.cycle, traits.bit];
  writeAddress();
  if (!moved) return;
  showMask();
  const near = WINDOW / 4, { blocks } = shown.g;
  if ((wanted.cycle - near < start && start > 0) || (wanted.cycle + near >= start + n && start + n < blocks)) showWindow();
});

// ---- searching ----------------------------------------------------------------------------------
let asked = 0;
const settle = () => {
  asked = performance.now();
  controls.forEach((control) => control.show());
  const { rate, n_in, n_s, order } = wanted, setting = { rate, n_in, n_s, order };
  $("main").classList.add("f2f-searching");
  status.textContent = "Searching…";
  status.classList.remove("wrong");
  delete status.dataset.shown;
  const efficiency = ({ planes }) => {
    const wrong = planes.reduce((sum, p) => sum + p.ranks.length, 0);
    return { wrong, efficiency: 1 - wrong / (data.kept[rate] * planes.length) };
  };
  others.replace([]);
  chosen.replace([{ task: { kind: "all", setting }, then: (found) => {
    const g = geometryOf(data, setting);
    stages = { [n_s]: efficiency(found) };
    shown = { setting, g, ...found, matrix: matrixOf(data, parts, g), n_u: careCounts(parts, g) };
    if (wanted.cycle < 0) [wanted.cycle, wanted.bit] = firstWrong(wanted.plane);
    wanted.cycle = Math.min(wanted.cycle, g.blocks - 1);
    wanted.bit = Math.min(wanted.bit, g.n_out - 1);
    showNumbers(); showMask(); showHistogram(); showStages(); showPlanes(); showDecoder();
    $("main").classList.remove("f2f-searching");
    status.textContent = `All ${data.planes.length} planes searched exactly in ${found.ms.toFixed(0)} ms, here; shown ${(performance.now() - asked).toFixed(0)} ms after the change.`;
    status.dataset.shown = [data.rates[rate], n_in, n_s, order].join(" ");
    writeAddress();
    tour.relight();
    setTimeout(showLanes);
    setTimeout(showTrellis);
    setTimeout(tour.update);
    others.replace(data.n_s.filter((other) => other !== n_s).map((other) => ({
      task: { kind: "all", setting: { ...setting, n_s: other } },
      then: (more) => { stages[other] = efficiency(more); showStages(); },
    })));
  } }]);
};

// ---- the tour ------------------------------------------------------------------------------------
const tour = makeTour($(".tour"), {
  go: (set) => { Object.assign(wanted, set); settle(); },
  moved: (step) => { wanted.tour = step; writeAddress(); },
  look: () => {
    if (!status.dataset.shown) return null;
    const { window: w, cycle, bit } = traits, at = (cycle - w.start) * shown.g.n_out + bit;
    return { ...shown.setting, setting: status.dataset.shown, cycle, bit, n_u: shown.n_u[cycle], lanes: work.traits.lanes,
      mismatch: cycle >= w.start && cycle < w.start + w.n && w.flags.getUint8(at) > 3, trellis: Number($(".f2f-trellis")?.dataset.step ?? 0) };
  },
});
$("#take").addEventListener("click", () => tour.start(1));
for (const name of ["click", "keyup", "change"]) $("main").addEventListener(name, () => setTimeout(tour.update));
model.on("change:cycle change:bit change:plane", () => setTimeout(tour.update));

// ---- light or dark: as the system is, if the page was not written as one, until the button is pressed --------
const system = matchMedia("(prefers-color-scheme: dark)"), { classList: look } = document.body;
const dress = (dark) => {
  look.toggle("f2f-dark", dark);
  look.toggle("f2f-light", !dark);
  if (shown) showMask();  // the others are drawn in the page's own colours
};
const followSystem = () => dress(system.matches);
if (!look.contains("f2f-light") && !look.contains("f2f-dark")) {
  followSystem();
  system.addEventListener("change", followSystem);
}
$("#theme").onclick = () => {
  system.removeEventListener("change", followSystem);
  dress(!look.contains("f2f-dark"));
};

const begin = async () => {
  const { wasm, ...zipped } = data.parts;
  const raw = await Promise.all(Object.entries(zipped).map(async ([name, text]) => [name, await bytesOf(text)]));
  parts = Object.fromEntries(raw.map(([name, bytes]) => [name, new (KINDS[name] ?? Uint8Array)(bytes.buffer)]));
  if (!parts.values.length) parts.values = new (data.dtype === "float64" ? Float64Array : Float32Array)(parts.words.buffer);
  slots = new Int32Array(data.size).fill(-1);
  parts.index.forEach((index, slot) => { slots[index] = slot; });
  const core = await WebAssembly.compile(await bytesOf(wasm)), { parts: _, ...values } = data;
  const { index, words, matrices } = parts;
  const url = URL.createObjectURL(new Blob([$("#worker").textContent], { type: "text/javascript" }));
  const start = () => {
    const worker = new Worker(url);
    worker.postMessage({ core, data: values, parts: { index, words, matrices } });
    return worker;
  };
  [chosen, others] = [makeRunner(start, failed), makeRunner(start, failed)];
  readAddress();
  decoder.render({ model, el: $("#decoder") });
  lanes.render({ model: work, el: $("#lanes") });
  unfolding.render({ model: trellis, el: $("#unfolding") });
  about("default", data.default);
  const follow = () => { readAddress(); if (wanted.tour) tour.start(wanted.tour); else settle(); };
  addEventListener("hashchange", follow);
  follow();
};
// what is shown, for who scripts the page
globalThis.f2fLesson = () => ({ small: trellis.get("small"), inverted: shown.inverted, ...shown.numbers,
  planes: shown.planes.map(({ symbols, ranks, bits }) => ({ symbols: [...symbols], ranks: [...ranks], bits })) });
begin().catch((error) => failed(`This browser cannot run the search: ${error.message ?? error}`));
