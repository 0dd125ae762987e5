// Lanes side by side: what irregular rows, a bitmask and blocks of fixed size make of them. The
// schedules are those of hardware/lanes.py, made anew here so that a page needs no kernel; a test
// holds the two equal. `work` is what figures/lanes.py hands out.
const LANES = 256, SHOWN = 32, SPAN = 240;
const COUNTS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 160, 192, 256];
const total = (counts) => counts.reduce((sum, one) => sum + one, 0);

// lane, start and stop of each piece of work, which `place` writes; since when its lane had waited,
// and until when each lane works; the cycles that all take, and would take if no lane ever waited
function taken(pieces, lanes, ideal, place) {
  const [lane, start, stop, since] = [0, 0, 0, 0].map(() => new Int32Array(pieces));
  const s = { lane, start, stop, since, until: new Int32Array(lanes), ideal, cycles: 0 };
  for (let i = 0; i < pieces; i++) {
    place(i, s);
    since[i] = s.until[lane[i]];
    if (stop[i] > s.start[i]) s.until[lane[i]] = stop[i];
    if (stop[i] > s.cycles) s.cycles = stop[i];
  }
  return s;
}
function lockstep({ rows }, lanes) {
  let begin = 0;
  return taken(rows.length, lanes, total(rows) / lanes, (i, s) => {
    if (i % lanes === 0) begin = s.cycles;
    s.lane[i] = i % lanes;
    s.start[i] = begin;
    s.stop[i] = begin + rows[i];
  });
}
function dealt({ rows }, lanes) {
  return taken(rows.length, lanes, total(rows) / lanes, (i, s) => {
    s.lane[i] = i % lanes;
    s.start[i] = s.until[i % lanes];
    s.stop[i] = s.start[i] + rows[i];
  });
}
function free({ rows }, lanes) {
  return taken(rows.length, lanes, total(rows) / lanes, (i, s) => {
    let lane = 0;
    for (let j = 1; j < lanes; j++) if (s.until[j] < s.until[lane]) lane = j;
    s.lane[i] = lane;
    s.start[i] = s.until[lane];
    s.stop[i] = s.start[i] + rows[i];
  });
}
function bitmask({ care, planes, width, buffer }, lanes) {
  const pieces = care.length * planes, each = width * lanes, groups = Math.ceil(pieces / lanes), out = [];
  let read = 0, now = 0, bits = 0;
  for (let g = 0; g < groups; g++) {
    let own = 0;
    for (let i = g * lanes; i < Math.min((g + 1) * lanes, pieces); i++) own += care[i % care.length];
    read = Math.max(read, g >= buffer ? out[g - buffer] * each : 0) + own;
    out.push(now = Math.max(now + 1, Math.ceil(read / each)));
    bits += own;
  }
  return taken(pieces, lanes, Math.max(bits / each, groups), (i, s) => {
    s.lane[i] = i % lanes;
    s.stop[i] = out[Math.floor(i / lanes)];
    s.start[i] = s.stop[i] - 1;
  });
}
function blocks({ corrections }, lanes) {
  const pieces = corrections.length;
  return taken(pieces, lanes, pieces / lanes, (i, s) => {
    s.lane[i] = Math.floor(i * lanes / pieces);
    s.start[i] = s.until[s.lane[i]];
    s.stop[i] = s.start[i] + Math.max(corrections[i], 1);
  });
}
const SCHEMES = [
  { name: "CSR, lanes in lockstep", short: "CSR in lockstep", run: lockstep, tint: "muted", dash: "", shape: STAGE_SHAPES[1] },
  { name: "CSR, rows dealt out beforehand", short: "CSR dealt out", run: dealt, tint: "muted", dash: "6 3", shape: STAGE_SHAPES[2] },
  { name: "CSR, rows taken as lanes fall free", short: "CSR as lanes fall free", run: free, tint: "muted", dash: "2 3", shape: STAGE_SHAPES[3] },
  { name: "Bitmask with a buffer", short: "bitmask", run: bitmask, tint: "mask", dash: "", shape: "M-5 -2h10v4h-10z" },
  { name: "F2F, blocks and corrector", short: "F2F", run: blocks, tint: "symbol", dash: "", shape: STAGE_SHAPES[0] },
];
const share = ({ ideal, cycles }) => (cycles ? ideal / cycles : 1);
// cut, not rounded: less is not equal
const cut = (value) => (Math.floor(10 * value + 1e-9) / 10).toLocaleString("en", { minimumFractionDigits: 1 });
const percent = (part) => `${cut(100 * part)}\u2009%`;

// what the first lanes do in a window: cycles of work, of further corrections, and of waiting
function pieces({ lane, start, stop, since, until, cycles }, shown, correcting, from = 0, to = cycles) {
  const found = { busy: [], corrects: [], waits: [] };
  for (let i = 0; i < lane.length; i++) {
    if (lane[i] >= shown || stop[i] === start[i] || stop[i] <= from || since[i] >= to) continue;
    const worked = correcting ? start[i] + 1 : stop[i];
    if (start[i] > since[i]) found.waits.push([lane[i], since[i], start[i]]);
    found.busy.push([lane[i], start[i], worked]);
    if (stop[i] > worked) found.corrects.push([lane[i], worked, stop[i]]);
  }
  for (let j = 0; j < shown; j++) if (until[j] < cycles) found.waits.push([j, until[j], cycles]);
  return found;
}

// the schedules of all schemes about a cycle, as an SVG picture; what is still to come is pale
function drawLanes(schedules, { lanes, cycle, width, room, own = "f2f-" }) {
  const shown = Math.min(lanes, SHOWN), head = 19, gap = room < 400 ? 5 : 10;
  const high = Math.max(0.2, Math.min(28, ((room - 18) / SCHEMES.length - head - gap) / shown));
  const panel = shown * high;
  const last = Math.max(1, ...schedules.map((s) => s.cycles)), span = Math.min(SPAN, last);
  const from = Math.max(0, Math.min(cycle - Math.floor(0.75 * span), last - span)), step = width / span;
  const height = SCHEMES.length * (head + panel + gap) + 18;
  const at = (c) => (c - from) * step;
  let out = `<defs><pattern id="${own}idle" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="f2f-hatch" d="M0 0v5"/></pattern></defs>`;
  SCHEMES.forEach(({ name, tint, shape }, k) => {
    const s = schedules[k], top = k * (head + panel + gap);
    const boxes = (list, low, high_) => list.map(([lane, a, b]) => {
      const [x0, x1] = [Math.max(at(Math.max(a, low)), 0), Math.min(at(Math.min(b, high_)), width)];
      if (x1 <= x0) return "";
      const air = step >= 4 ? 0.6 : 0, apart = Math.min(0.6, 0.3 * high);  // many lanes are thin
      return `M${x0.toFixed(1)} ${(top + head + lane * high + apart / 2).toFixed(1)}h${Math.max(x1 - x0 - air, 0.3).toFixed(1)}v${(high - apart).toFixed(1)}h${(-Math.max(x1 - x0 - air, 0.3)).toFixed(1)}z`;
    }).join("");
    const best = width < 420 ? "" : `, ideal ${cut(s.ideal)}`;  // on a phone the name needs the room
    const what = s.cycles ? `${plural(s.cycles, "cycle")}${best}: ${percent(share(s))}` : "nothing to do";
    out += `<path transform="translate(6 ${top + 10})" d="${shape}" style="fill:var(--f2f-${tint})"/><text class="f2f-scheme" x="17" y="${top + 14}">${name}</text>`
      + `<text class="end" x="${width}" y="${top + 14}">${what}</text>`;
    const found = pieces(s, shown, SCHEMES[k].run === blocks, from, from + span);
    for (const [kind, list] of Object.entries(found)) {
      const fill = kind === "waits" ? ` style="fill:url(#${own}idle)"` : "";
      out += `<path class="f2f-${kind}"${fill} d="${boxes(list, from, cycle)}"/><path class="f2f-${kind} f2f-later"${fill} d="${boxes(list, cycle, from + span)}"/>`;
    }
  });
  if (cycle > from && cycle < from + span)
    SCHEMES.forEach((_, k) => { out += `<path class="f2f-now" d="M${at(cycle).toFixed(1)} ${k * (head + panel + gap) + head - 1}v${panel + 2}"/>`; });
  out += `<rect class="f2f-at" fill="none" x="${at(cycle).toFixed(1)}" y="${(SCHEMES.length - 1) * (head + panel + gap) + head}" width="1" height="${panel}"/>`;
  const ticks = [1, 2, 5, 10, 20, 50, 100].find((t) => t * step >= 56) ?? 100;
  for (let c = Math.ceil(from / ticks) * ticks; c <= from + span; c += ticks)
    if (at(c) < width - 64) out += `<text class="${at(c) < 14 ? "" : "mid"}" x="${at(c).toFixed(1)}" y="${height - 4}">${grouped(c)}</text>`;
  out += `<text class="end" x="${width}" y="${height - 4}">cycles</text>`;
  const words = SCHEMES.map(({ name }, k) => `${name}: ${plural(schedules[k].cycles, "cycle")}, ${percent(share(schedules[k]))} of its ideal`).join("; ");
  return `<svg width="${width}" height="${height}" role="img" aria-label="${plural(lanes, "lane")}. ${words}">${out}</svg>`;
}

// the share of its own ideal that each scheme reaches, over the number of lanes
function drawShares(curves, { lanes, width, height }) {
  const left = 40, right = 12, top = 14, bottom = 36;
  const X = (p) => left + (width - left - right) * Math.log2(p) / Math.log2(LANES);
  const Y = (v) => height - bottom - (height - top - bottom) * v;
  let out = "";
  for (const v of [0, 0.25, 0.5, 0.75, 1])
    out += `<line class="grid" x1="${left}" x2="${width - right}" y1="${Y(v)}" y2="${Y(v)}"/><text class="end" x="${left - 5}" y="${Y(v) + 4}">${100 * v}\u2009%</text>`;
  for (const p of [1, 4, 16, 64, 256]) out += `<text class="mid" x="${X(p)}" y="${height - bottom + 15}">${p}</text>`;
  out += `<text class="mid" x="${(left + width - right) / 2}" y="${height - 5}">lanes</text><line class="f2f-now" x1="${X(lanes)}" x2="${X(lanes)}" y1="${top}" y2="${height - bottom}"/>`;
  SCHEMES.forEach(({ tint, dash, shape, name }, k) => {
    const line = curves.map(({ lanes: p, shares }, i) => `${i ? "L" : "M"}${X(p).toFixed(1)} ${Y(shares[k]).toFixed(1)}`).join("");
    out += `<path d="${line}" style="fill:none;stroke:var(--f2f-${tint});stroke-width:1.6;stroke-dasharray:${dash || "none"}"/>`;
    for (const { lanes: p, shares } of curves.filter(({ lanes: p }) => Number.isInteger(Math.log2(p))))
      out += `<path transform="translate(${X(p).toFixed(1)} ${Y(shares[k]).toFixed(1)}) scale(.8)" d="${shape}" style="fill:var(--f2f-${tint})"><title>${name}, ${plural(p, "lane")}: ${percent(shares[k])}</title></path>`;
  });
  return `<svg width="${width}" height="${height}" role="img" aria-label="Share of its own ideal that each scheme reaches, from 1 to 256 lanes">${out}</svg>`;
}
const reached = (work, lanes) => ({ lanes, shares: SCHEMES.map(({ run }) => share(run(work, lanes))) });

function render({ model, el }) {
  const own = unique();
  el.classList.add("f2f", "f2f-lanes");
  let work = null, curves = [], schedules = [], cycle = 0, late = null;
  const lanes = () => model.get("lanes");
  const end = () => Math.max(1, ...schedules.map((s) => s.cycles));
  let kept = null;
  const keep = () => { model.set("clock", cycle); model.save_changes(); };
  const go = (to) => {
    cycle = Math.max(0, Math.min(end(), to));
    draw();
    clearTimeout(kept);
    kept = setTimeout(keep, 250);  // not each step of playing
  };
  const { controls, keys, stop } = makePlayer({ at: () => cycle, last: end, go, first: "First cycle", end: "Last cycle",
    unit: "Cycles", speeds: [2, 5, 10, 30].map((n) => [n, n]), speed: 10 });
  // a slider of equal ratios, and the number itself
  const slide = h("input", { type: "range", min: 0, max: 80, step: 1, "aria-label": "Lanes, slider",
    oninput: () => choose(Math.round(2 ** (Number(slide.value) / 10))) });
  const field = h("input", { type: "number", min: 1, max: LANES, step: 1, "aria-label": "Number of lanes",
    onchange: () => { choose(Math.round(Number(field.value)) || lanes()); field.value = lanes(); } });
  const choose = (count) => { model.set("clock", null); model.set("lanes", Math.max(1, Math.min(LANES, count))); model.save_changes(); };
  const toolbar = h("div", { class: "f2f-toolbar", role: "toolbar", "aria-label": "Clock" },
    h("label", { class: "f2f-group" }, "Lanes", field), slide,
    h("span", { class: "f2f-group f2f-player" }, ...controls));
  const told = h("span", { class: "f2f-quiet", role: "status" });
  const picture = h("div", { class: "f2f-schedules", tabindex: 0, role: "application",
    "aria-label": "Lanes over cycles. Arrow keys step, space plays, Home and End jump, plus and minus change the number of lanes." });
  const chart = h("figure", { class: "f2f-shares" });
  const key = h("p", { class: "f2f-quiet f2f-lanes-key" }), about = h("span", { class: "f2f-key-words" });
  toolbar.append(told);
  el.append(toolbar, h("div", { class: "f2f-lanes-body" }, picture, chart), key);

  onKeys(picture, { ...keys, "+": () => choose(lanes() + 1), "-": () => choose(lanes() - 1) });

  function draw() {
    const width = Math.floor(picture.clientWidth), side = Math.floor(chart.clientWidth), room = picture.clientHeight;
    if (!work || !width) return;
    picture.innerHTML = drawLanes(schedules, { lanes: lanes(), cycle, width, room, own });
    chart.innerHTML = `<figcaption>Share of its own ideal, whole layer</figcaption>${curves.length === COUNTS.length ? drawShares(curves, { lanes: lanes(), width: side, height: Math.min(room - 22, Math.max(250, side)) }) : ""}`;
    told.textContent = `cycle ${grouped(cycle)} of ${grouped(end())}${lanes() > SHOWN ? `; ${SHOWN} of ${lanes()} lanes are drawn` : ""}`;
    picture.dataset.cycle = cycle;
    picture.dataset.cycles = schedules.map((s) => s.cycles).join(" ");
  }
  function plan() {  // another number of lanes, or other work
    stop();
    clearTimeout(kept);
    field.value = lanes();
    const near = Math.round(10 * Math.log2(lanes()));
    if (Math.round(2 ** (Number(slide.value) / 10)) !== lanes()) slide.value = near;
    if (!work) return;
    schedules = SCHEMES.map(({ run }) => run(work, lanes()));
    cycle = Math.min(model.get("clock") ?? 0.75 * SPAN, end());
    draw();
  }
  function read() {
    const sent = model.get("work");
    el.classList.toggle("f2f-waiting", !sent.rows);
    if (!sent.rows) {
      told.textContent = "working out what each lane does when…";
      return;
    }
    work = { ...sent, rows: array(sent.rows, Int32Array), care: array(sent.care, Int32Array), corrections: array(sent.corrections, Uint16Array) };
    key.innerHTML = `<span class="f2f-chip care">work</span> <span class="f2f-chip corrected">a further correction</span> <span class="f2f-chip f2f-idle">waits</span> `;
    key.append(about);
    about.textContent = `A lane of CSR takes a kept weight a cycle; lanes of bitmask and F2F take ${work.width} bits a cycle and give a block of one plane; those of a bitmask wait where its blocks hold more. `
      + `A bitmask with a buffer keeps its lanes busy too, with some six times the logic of an F2F lane; F2F saves bandwidth, not multiplications. ${sent.note}`;
    curves = [];
    plan();
    clearTimeout(late);
    late = setTimeout(measure);
  }
  const measure = () => {  // one number of lanes at a time: a large layer takes a while
    curves.push(reached(work, COUNTS[curves.length]));
    if (curves.length < COUNTS.length) late = setTimeout(measure);
    else draw();
  };
  const soon = together(plan), follow = () => { if (work && model.get("clock") !== cycle) soon(); };
  const observer = new ResizeObserver(draw);
  observer.observe(picture);
  model.on("change:work", read);
  model.on("change:lanes", soon);
  model.on("change:clock", follow);
  read();
  return () => {
    stop();
    clearTimeout(late);
    clearTimeout(kept);
    observer.disconnect();
    model.off("change:work", read);
    model.off("change:lanes", soon);
    model.off("change:clock", follow);
  };
}
export default { render };
