// A trellis that unfolds: every symbol that may enter is a candidate, only the cheapest way into each
// state survives, and at the end the way back along the survivors is the answer. `data` is what
// figures/unfolding.py hands out: of every block its care bits as rows of M over [x_t; x_{t-1}; …].
const NAMED = 16, TOLD = 4;  // states with room for a cost in each, and for words on every edge
const parity = (bits) => { let odd = 0; for (; bits; bits &= bits - 1) odd ^= 1; return odd; };
const binary = (value, bits) => value.toString(2).padStart(bits, "0");

// the columns of the search: all ways into the states after a block, which of them survive, and the
// least cost of each state, null where no way leads; of equals the encoder's own way survives
function unfold({ n_in, n_s, costs, blocks, path, states }) {
  const columns = [];
  let before = costs, at = states[0];
  blocks.forEach(({ rows, wanted }, t) => {
    const ways = [], after = before.map(() => null), best = before.map(() => null);
    for (let symbol = 0; symbol < 2 ** n_in; symbol++)
      before.forEach((cost, state) => {
        if (cost === null) return;
        const word = symbol + state * 2 ** n_in, next = word % 2 ** (n_in * n_s);
        const wrong = rows.reduce((sum, row, i) => sum + (parity(row & word) !== wanted[i]), 0);
        const way = { state, symbol, next, wrong, total: cost + wrong, survives: false };
        ways.push(way);
        const own = state === at && symbol === path[t];
        if (best[next] === null || way.total < after[next] || (own && way.total === after[next])) {
          best[next] = way;
          after[next] = way.total;
        }
      });
    for (const way of best) if (way) way.survives = true;
    columns.push({ ways, costs: after });
    before = after;
    at = states[t + 1];
  });
  return columns;
}
// the way back along the survivors, from the state in which the encoder ends, first way last
function traceback({ states }, columns) {
  const found = [];
  let at = states.at(-1);
  for (const { ways } of [...columns].reverse()) {
    const way = ways.find((one) => one.survives && one.next === at);
    found.push(way);
    at = way.state;
  }
  return found;
}

// the height that so many states have at least, but before a class
const leastHeight = (states) => (states <= TOLD ? 62 : states <= NAMED ? 24 : Math.max(6, 400 / states)) * (states - 1) + 72;

// the trellis after `step` steps, as an SVG picture: two steps a column, candidates and what
// survives of them; then a step for each way back
function drawUnfolding(data, columns, { step, width, room, hits = false }) {
  const { n_in, n_s, costs, first } = data, count = columns.length, states = costs.length;
  const told = states <= TOLD, head = 30, between = Math.max(states - 1, 1);
  const named = states <= NAMED && room - head - 42 >= 21 * between, fits = (room - head - (named ? 42 : 20)) / between;
  const space = Math.max(2, Math.min(fits, 150)), radius = told ? 13 : named ? 10 : 2.2;
  const newest = Math.min(count - 1, Math.max(0, Math.ceil(step / 2) - 1)), back = Math.max(0, step - 2 * count);
  const left = 16 + 7 * n_in * n_s + radius + 12, plot = width - left - radius - 8;
  const wide = told && !back ? Math.max(plot / count, Math.min(240, 0.34 * plot)) : plot / count;
  const slim = count > 1 ? (plot - wide) / (count - 1) : plot;
  const X = (t) => left + t * slim + (t > newest ? wide - slim : 0), Y = (state) => head + radius + 4 + state * space;
  const height = Y(states - 1) + radius + 10;
  let edges = "", labels = "", nodes = "";
  const text = (x, y, kind, words) => `<text class="${kind}" x="${x.toFixed(1)}" y="${y.toFixed(1)}">${words}</text>`;
  const chosen = new Set(back ? traceback(data, columns).slice(0, back) : []);
  const passed = new Set();
  columns.forEach(({ ways }, t) => {
    const decided = step >= 2 * (t + 1), fresh = t === newest && !back;
    labels += text((X(t) + X(t + 1)) / 2, 12, fresh ? "mid f2f-block f2f-fresh" : "mid f2f-block", `${first + t}`);
    if (hits) edges = `<rect class="f2f-hit" data-cycle="${first + t}" x="${X(t).toFixed(1)}" y="0" width="${(X(t + 1) - X(t)).toFixed(1)}" height="${height.toFixed(1)}"/>` + edges;
    if (step < 2 * t + 1) return;
    const sources = [...new Set(ways.map(({ state }) => state))].sort((a, b) => a - b);
    for (const way of ways) {
      if (decided && !way.survives && !fresh) continue;
      const kind = chosen.has(way) ? "f2f-chosen" : !decided ? "f2f-candidate" : way.survives ? "f2f-survivor" : "f2f-loser";
      const [x0, y0, x1, y1] = [X(t), Y(way.state), X(t + 1), Y(way.next)];
      const words = `${binary(way.symbol, n_in)} +${way.wrong}`;
      edges += `<path class="f2f-way ${kind}" d="M${x0.toFixed(1)} ${y0.toFixed(1)}L${x1.toFixed(1)} ${y1.toFixed(1)}"><title>state ${binary(way.state, n_in * n_s)}, symbol ${binary(way.symbol, n_in)}: ${plural(way.wrong, "care bit")} wrong, ${way.total} in all</title></path>`;
      if (fresh && told) {
        const share = sources.length > 1 ? 0.24 + 0.56 * sources.indexOf(way.state) / (sources.length - 1) : 0.5;
        const [x, y] = [x0 + share * (x1 - x0), y0 + share * (y1 - y0)], half = 2.9 * words.length;
        labels += text(x, y + 3.5, `mid f2f-words ${kind}`, words);
        if (kind === "f2f-loser") labels += `<path class="f2f-strike" d="M${(x - half).toFixed(1)} ${(y + 2).toFixed(1)}l${(2 * half).toFixed(1)} -4"/>`;
      } else if (told || (named && way.survives && chosen.has(way)))
        labels += text(x1 - radius - 3, y1 - 7, `right f2f-words ${kind}`, words);
      if (chosen.has(way)) { passed.add(`${t} ${way.state}`); passed.add(`${t + 1} ${way.next}`); }
    }
  });
  for (let t = 0; t <= count; t++) {
    const own = t ? columns[t - 1].costs : costs, known = step >= 2 * t;
    const least = Math.min(...own.filter((cost) => cost !== null));
    own.forEach((cost, state) => {
      const reached = cost !== null && step >= 2 * t - 1;
      const kind = !reached ? "f2f-unreached" : passed.has(`${t} ${state}`) ? "f2f-chosen" : known && cost === least ? "f2f-least" : "";
      nodes += `<circle class="f2f-state ${kind}" cx="${X(t).toFixed(1)}" cy="${Y(state).toFixed(1)}" r="${reached ? radius : Math.min(radius, 3)}"/>`;
      if (reached && named) nodes += text(X(t), Y(state) + 4, "mid f2f-cost", known ? cost : "?");
    });
  }
  for (let state = 0; state < states; state += named ? 1 : Math.ceil(Math.max(states / 8, 12 / space)))
    nodes += text(left - radius - 8, Y(state) + 4, "end f2f-name", binary(state, n_in * n_s));
  nodes += text(0, 12, "", "block") + `<rect class="f2f-at" fill="none" x="${X(newest).toFixed(1)}" y="${head}" width="${(X(newest + 1) - X(newest)).toFixed(1)}" height="${(height - head).toFixed(1)}"/>`;
  return `<svg${named ? "" : ' class="f2f-many"'} width="${width}" height="${height}" role="img" aria-label="Trellis of ${states} states, ${plural(Math.min(count, Math.ceil(step / 2)), "block")} of ${count}">${edges}${labels}${nodes}</svg>`;
}

// what the newest step did, in words
function tellStep(data, columns, step) {
  const { n_in, n_out, first, blocks, whole, costs } = data, count = columns.length;
  const least = (own) => Math.min(...own.filter((cost) => cost !== null));
  if (!step) return `The register holds what the states say. Step: each of the ${2 ** n_in} symbols of ${plural(n_in, "bit")} may enter.`;
  if (step > 2 * count) {
    const all = traceback(data, columns), done = step - 2 * count;
    if (done < count) return `All blocks are in. From ${whole ? "the cheapest state" : "the state that turned out best in the end"} back along the survivors: ${done} of ${count}.`;
    const symbols = [...all].reverse().map((way) => binary(way.symbol, n_in)).join(" ");
    const wrong = all.reduce((sum, way) => sum + way.wrong, 0), cared = blocks.reduce((sum, block) => sum + block.rows.length, 0);
    return `Symbols ${symbols}: ${wrong} of ${plural(cared, "care bit")} wrong. ${whole ? `None of the ${grouped(2 ** (n_in * count))} sequences has fewer.` : "What seemed dearer here may have paid later."}`;
  }
  const t = Math.ceil(step / 2) - 1, block = blocks[t], { ways } = columns[t];
  if (step % 2) return `Block ${first + t} of ${n_out} bits wants ${block.wanted.length ? block.wanted.join(" ") : "nothing"} at ${plural(block.wanted.length, "care bit")}. ${plural(ways.length, "way")}: symbol, and + the care bits it gets wrong.`;
  const lost = ways.filter((way) => !way.survives).length;
  return `Of all ways into a state only the cheapest survives: ${plural(lost, "loser")} struck out, for no later block can make good what they cost more. Least so far: ${plural(least(columns[t].costs) - (whole ? 0 : least(costs)), "care bit")} wrong.`;
}

function render({ model, el }) {
  el.classList.add("f2f", "f2f-unfolding");
  let mode = "small", data = null, columns = [], step = model.get("step") ?? 1;
  const put = (name, value) => { model.set(name, value); model.save_changes(); };
  const last = () => 3 * columns.length;
  const newest = () => data.first + Math.min(columns.length - 1, Math.max(0, Math.ceil(step / 2) - 1));
  const go = (to) => {
    if (!data) return;
    step = Math.max(0, Math.min(last(), to));
    draw();
    if (mode === "small") put("step", step);
    else if (newest() !== model.get("cycle")) put("cycle", newest());
  };
  const { controls, keys, stop } = makePlayer({ at: () => step, last, go, first: "Reset", end: "To the end",
    unit: "Steps", speeds: [[0.5, "½"], [1, 1], [2, 2], [5, 5]], speed: 1 });
  const codes = { small: "Small code", layer: "This layer's code" };
  const chooser = Object.entries(codes).map(([name, label]) => h("button", { type: "button", class: "f2f-button", "data-code": name,
    onclick: () => { put("code", name); read(); } }, label));
  const why = h("span", { class: "f2f-quiet" });
  const toolbar = h("div", { class: "f2f-toolbar", role: "toolbar", "aria-label": "Steps" },
    h("span", { class: "f2f-group" }, ...chooser, why),
    h("span", { class: "f2f-group f2f-player" }, ...controls));
  const about = h("p", { class: "f2f-quiet" });
  const picture = h("div", { class: "f2f-trellis", tabindex: 0, role: "application",
    "aria-label": "Trellis. Arrow keys step, space plays, Home resets, End goes to the end." });
  const said = h("p", { class: "f2f-said", "aria-live": "polite" });
  const key = h("p", { class: "f2f-legend" });
  key.innerHTML = `<span class="f2f-chip">01 +2: symbol 01 enters, 2 care bits wrong</span><span class="f2f-chip care">cheapest state</span><span class="f2f-chip symbol">the encoder's way</span><span class="f2f-quiet f2f-key-words">in a state: the fewest care bits wrong of all ways there</span>`;
  el.append(toolbar, about, said, picture, key);

  onKeys(picture, keys);
  picture.addEventListener("click", (event) => {
    const block = event.target.closest(".f2f-hit")?.dataset.cycle;
    if (block !== undefined) go(2 * (Number(block) - data.first) + 2);
  });

  function draw() {
    const width = Math.floor(picture.clientWidth);
    if (!data || !width) return;
    picture.style.setProperty("--f2f-least", `${leastHeight(data.costs.length)}px`);
    picture.innerHTML = drawUnfolding(data, columns, { step, width, room: picture.clientHeight, hits: mode === "layer" });
    said.textContent = tellStep(data, columns, step);
    picture.dataset.step = step;
    picture.dataset.costs = columns.map(({ costs }) => costs.map((cost) => cost ?? "").join(",")).join(" ");
  }
  function read() {
    stop();
    const reason = model.get("layer").reason ?? "";
    const wanted = reason ? "small" : model.get("code") ?? "small", turned = wanted !== mode;
    mode = wanted;
    chooser.forEach((one) => {
      one.setAttribute("aria-pressed", one.dataset.code === mode);
      one.disabled = one.dataset.code === "layer" && Boolean(reason);
    });
    const alone = !("blocks" in model.get("layer")) && !reason;  // there is no layer, so nothing to choose
    for (const one of [...chooser, why]) one.hidden = alone;
    why.textContent = reason;
    const found = model.get(mode), before = data, same = data && data.first === found.first && data.about === found.about && JSON.stringify(data.path) === JSON.stringify(found.path);
    data = found.blocks?.length ? found : null;
    about.textContent = found.reason ?? found.about ?? "";
    picture.hidden = said.hidden = key.hidden = !data;
    if (!data) return;
    columns = unfold(data);
    if (mode === "layer") step = same && !turned ? step : 2 * (inside() - data.first) + 2;
    else if (turned || !before) step = Math.min(model.get("step") ?? 1, last());
    else if (!same) put("step", step = 1);
    draw();
  }
  const inside = () => Math.max(data.first, Math.min(data.first + data.blocks.length - 1, model.get("cycle")));
  const follow = () => {
    if (mode !== "layer" || !data || newest() === model.get("cycle") || inside() !== model.get("cycle")) return;
    step = 2 * (inside() - data.first) + 2;
    draw();
  };
  const restep = () => {
    if (mode !== "small" || !data || model.get("step") === step) return;
    step = Math.max(0, Math.min(last(), model.get("step")));
    draw();
  };
  const observer = new ResizeObserver(draw);
  observer.observe(picture);
  const soon = together(read);
  watch(model, "change:small change:layer change:code", soon);
  model.on("change:cycle", follow);
  model.on("change:step", restep);
  read();
  return () => {
    stop();
    observer.disconnect();
    unwatch(model, "change:small change:layer change:code", soon);
    model.off("change:cycle", follow);
    model.off("change:step", restep);
  };
}
export default { render };
