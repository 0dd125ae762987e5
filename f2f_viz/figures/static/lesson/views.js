// The pictures of the lesson's page: data in, markup out.

const percent = (share, digits = 2) => `${(100 * share).toFixed(digits)}\u2009%`;
const text = (x, y, words, kind = "") => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" class="${kind}">${words}</text>`;
const picture = (width, height, label, parts) =>
  `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(label)}">${parts}</svg>`;

// P(n_u = k) of as many weights kept at random: Binomial(n_out, 1 − S)
const binomial = (n_out, share) => {
  const p = new Float64Array(n_out + 1);
  let log = n_out * Math.log1p(-share);
  for (let k = 0; k <= n_out; k++) {
    p[k] = share >= 1 ? Number(k === n_out) : Math.exp(log);
    log += Math.log((n_out - k) / (k + 1)) + Math.log(share) - Math.log1p(-share);
  }
  return p;
};

// n_u of the chosen order, full; of the other, a line; the binomial
const histogramView = (counts, other, n_out, n_in, share, words) => {
  const bins = (n_u) => {
    const found = [];
    for (const n of n_u) found[n] = (found[n] ?? 0) + 1 / n_u.length;
    return found;
  };
  const own = bins(counts), theirs = bins(other), expected = binomial(n_out, share);
  let top = Math.max(own.length, theirs.length, n_in + 2);
  while (top <= n_out && expected[top] > 1e-4) top++;
  const W = 460, H = 210, left = 40, bottom = 34, w = (W - left - 8) / top;
  const most = Math.max(...Array.from({ length: top }, (_, n) => Math.max(own[n] ?? 0, theirs[n] ?? 0, expected[n] ?? 0)));
  const x = (n) => left + n * w, y = (p) => H - bottom - (p / most) * (H - bottom - 26);
  let parts = "", line = "", steps = "";
  for (let n = 0; n < top; n++) {
    if (own[n]) parts += `<rect class="blocks" x="${(x(n) + w * 0.08).toFixed(1)}" width="${(w * 0.84).toFixed(1)}" y="${y(own[n]).toFixed(1)}" height="${(H - bottom - y(own[n])).toFixed(1)}"/>`;
    steps += `${n ? "L" : "M"}${x(n).toFixed(1)} ${y(theirs[n] ?? 0).toFixed(1)}L${x(n + 1).toFixed(1)} ${y(theirs[n] ?? 0).toFixed(1)}`;
    line += `${n ? "L" : "M"}${x(n + 0.5).toFixed(1)} ${y(expected[n] ?? 0).toFixed(1)}`;
    const every = Math.max(1, Math.ceil(top / 14));
    if (n % every === 0) parts += text(x(n + 0.5), H - bottom + 14, n, "quiet middle");
  }
  parts += `<path class="other" d="${steps}"/><path class="binomial" d="${line}"/>`
    + `<line class="rule" x1="${left}" x2="${W - 8}" y1="${H - bottom}" y2="${H - bottom}"/>`
    + `<line class="limit" x1="${x(n_in + 0.5)}" x2="${x(n_in + 0.5)}" y1="6" y2="${H - bottom}"/>`
    + text(x(n_in + 0.5) + 4, 14, `n_in = ${n_in}`, "quiet")
    + text(left - 5, y(most) + 4, percent(most, 0), "quiet end") + text(left - 5, H - bottom, "0", "quiet end")
    + text(W - 8, H - 4, "n_u, care bits of a block", "quiet end");
  const keys = [["blocks", `${words.own} order`], ["other", `${words.other} order`], ["binomial", "binomial"]];
  keys.forEach(([kind, name], row) => {
    const at = 40 + 15 * row;
    parts += kind === "blocks" ? `<rect class="blocks" x="${W - 130}" y="${at - 8}" width="14" height="8"/>`
      : `<path class="${kind}" d="M${W - 130} ${at - 4}h14"/>`;
    parts += text(W - 110, at, name);
  });
  return picture(W, H, `Care bits of blocks: variance over the binomial's ${dispersion(counts, n_out).toFixed(2)}`, parts);
};

// variance of n_u over the binomial's: entropy.BlockStats.dispersion
const dispersion = (n_u, n_out) => {
  const mean = n_u.reduce((a, n) => a + n, 0) / n_u.length;
  const variance = n_u.reduce((a, n) => a + (n - mean) ** 2, 0) / n_u.length;
  const wanted = mean * (1 - mean / n_out);
  return wanted ? variance / wanted : 0;
};

// a row for each register length; what is not searched yet has no mark
const stagesView = (rows, chosen) => {
  const known = rows.filter((row) => row.efficiency !== undefined).map((row) => row.efficiency);
  const low = Math.floor(100 * Math.min(...known, 0.99) - 0.5) / 100, W = 460, left = 62, right = 148, lane = 34;
  const H = rows.length * lane + 26, x = (e) => left + ((e - low) / (1 - low)) * (W - left - right);
  let parts = "";
  for (const tick of [low, (low + 1) / 2, 1])
    parts += `<line class="rule" x1="${x(tick)}" x2="${x(tick)}" y1="4" y2="${H - 20}"/>` + text(x(tick), H - 6, percent(tick, 1), "quiet middle");
  rows.forEach((row, k) => {
    const y = k * lane + 20;
    if (row.n_s === chosen) parts = `<rect class="chosen" x="0" width="${W}" y="${y - 15}" height="30"/>` + parts;
    parts += text(8, y + 4, `n_s = ${row.n_s}`);
    if (row.efficiency === undefined) { parts += text(W - right + 12, y + 4, "searching…", "quiet"); return; }
    parts += `<path class="rule" d="M${left} ${y}H${x(row.efficiency)}"/>`
      + `<path d="${STAGE_SHAPES[row.n_s]}" transform="translate(${x(row.efficiency).toFixed(1)} ${y})" style="fill:var(--f2f-stage-${row.n_s})"/>`
      + text(W - right + 12, y + 4, `${percent(row.efficiency)}, ${grouped(row.wrong)} wrong`);
  });
  return picture(W, H, rows.map((row) => `n_s ${row.n_s}: ${row.efficiency === undefined ? "searching" : percent(row.efficiency)}`).join(", "), parts);
};

// a column for each plane, as high as its corrections
const planesView = (wrong, names, kept, chosen) => {
  const W = 460, H = 190, left = 40, bottom = 30, w = (W - left - 8) / names.length, most = Math.max(...wrong, 1);
  const y = (n) => H - bottom - (n / most) * (H - bottom - 14);
  let parts = `<line class="rule" x1="${left}" x2="${W - 8}" y1="${H - bottom}" y2="${H - bottom}"/>`
    + text(left - 5, y(most) + 4, grouped(most), "quiet end") + text(left - 5, H - bottom, "0", "quiet end")
    + text(left, H - 4, `${names[0]} first`, "quiet") + text(W - 8, H - 4, "bit-plane", "quiet end");
  names.forEach((name, p) => {
    const x = left + p * w;
    if (p === chosen) parts = `<rect class="chosen" x="${x}" width="${w}" y="6" height="${H - bottom - 6}"/>` + parts;
    parts += `<rect class="wrongs" x="${(x + 0.12 * w).toFixed(1)}" width="${(0.76 * w).toFixed(1)}" y="${y(wrong[p]).toFixed(1)}" height="${(H - bottom - y(wrong[p])).toFixed(1)}"/>`;
    if (p % Math.max(1, Math.ceil(names.length / 16)) === 0) parts += text(x + w / 2, H - bottom + 13, p, "quiet middle");
    parts += `<rect class="hit" data-plane="${p}" x="${x}" width="${w}" y="0" height="${H - bottom}"><title>${p} ${escape(name)}: ${grouped(wrong[p])} of ${grouped(kept)} care bits wrong</title></rect>`;
  });
  return picture(W, H, `Corrections of ${names.length} planes, at most ${most}`, parts);
};

const MARK = 2;  // pixels that are seen

// kept weights, and those of one block; a large layer is drawn with several weights a cell
const maskView = (canvas, shape, kept, block, colours) => {
  const columns = shape.length > 1 ? shape.slice(1).reduce((a, n) => a * n, 1) : shape[0] ?? 1;
  const rows = shape.length > 1 ? shape[0] : 1, by = Math.max(1, Math.ceil(Math.max(rows, columns) / 640));
  const tall = Math.ceil(rows / by), wide = Math.ceil(columns / by), draw = canvas.getContext("2d");
  const turned = tall > wide * 1.5;  // drawn sideways, to be seen whole
  [canvas.width, canvas.height] = turned ? [tall, wide] : [wide, tall];
  const zoom = Math.max(1, Math.min(6, Math.floor(520 / canvas.width), Math.floor(260 / canvas.height)));
  canvas.style.width = `${canvas.width * zoom}px`;
  const cell = (index) => {
    const row = Math.floor(Math.floor(index / columns) / by), column = Math.floor((index % columns) / by);
    return turned ? [row, column] : [column, row];
  };
  draw.fillStyle = colours.pruned;
  draw.fillRect(0, 0, canvas.width, canvas.height);
  const paint = (colour, indices, alpha, more = 0) => {
    draw.fillStyle = colour;
    draw.globalAlpha = alpha;
    for (const index of indices) {
      const [x, y] = cell(index);
      draw.fillRect(x - more, y - more, 1 + 2 * more, 1 + 2 * more);
    }
    draw.globalAlpha = 1;
  };
  paint(colours.kept, kept, 1 / Math.min(by * by, 4));
  // marks of the few weights of a block are as large as is seen, however small a weight is
  const pixels = Math.min(zoom, canvas.parentElement.clientWidth / canvas.width || zoom);
  const more = Math.ceil((MARK / pixels - 1) / 2);
  paint(colours.symbol, block.pruned, more > 0 ? 0.85 : 0.6, Math.max(0, more));
  paint(colours.ink, block.kept, 1, more > 0 ? more + 1 : 0);
  paint(colours.symbol, block.kept, 1, Math.max(0, more));
  return {
    turned,
    indexAt: (x, y) => {
      const [column, row] = turned ? [y, x] : [x, y];
      return Math.min(row * by, rows - 1) * columns + Math.min(column * by, columns - 1);
    },
  };
};
