// The tour through the page: each step sets what it needs, lights a part, and names one thing to try.
// `done` sees what the page shows now, and what it showed when the step began.
const TOUR = [
  { title: "Irregular rows", set: {}, lit: "#lanes",
    text: "Pruning kept weights wherever they happened to be. A format that lists them row by row, such as CSR, has rows of different length, and lanes that take a row each wait for the longest. A code whose blocks have a fixed size never waits so.",
    task: "Raise the number of lanes, and see which scheme stays busy.", done: (now, began) => now.lanes > began.lanes },
  { title: "Don't-cares", set: { n_s: 0, order: "interleaved" }, lit: ".f2f-stage",
    text: "Each block is made from one stored symbol of n_in bits. The care bits, those of kept weights, must come out right; the don't-cares may come out as they like.",
    task: "Step to another block, and count its care bits.", done: (now, began) => now.cycle !== began.cycle },
  { title: "One XOR equation", set: { n_s: 0, order: "interleaved" }, lit: ".f2f-equation",
    text: "Each bit of a block is the XOR of some bits of the symbol: of those where its row of the matrix M has a one. So n_u care bits ask for n_u equations in n_in unknowns, and the encoder looks for a symbol that meets them all.",
    task: "Click another output bit, and read its equation.", done: (now, began) => now.bit !== began.bit },
  { title: "Blocks differ", set: { n_s: 0, order: "interleaved" }, lit: "[data-view=histogram]",
    text: "On average a block has about as many care bits as a symbol has bits, but some have far more. Then not all equations can be met, and some care bits come out wrong; where there are fewer, a part of the symbol is wasted.",
    task: "In the decoder press Next heavy: a block with too many care bits.", done: (now, began) => now.cycle !== began.cycle && now.n_u > now.n_in },
  { title: "The register", set: { n_s: 0, order: "interleaved" }, lit: ".controls",
    text: "A register keeps the last symbol, so that each symbol takes part in two blocks: what a light block leaves free helps a heavy neighbour. Nothing more is stored, for the last symbol is there already.",
    task: "Set n_s to 1, and see how many corrections are left.", done: (now) => now.n_s === 1 },
  { title: "The trellis", set: { n_s: 1, order: "interleaved" }, lit: "#unfolding",
    text: "With a register a symbol that is best now may spoil the next block, so the encoder weighs whole sequences. Of all ways into a state only the cheapest, the survivor, can be part of the best sequence; so nothing else need be kept, and the optimum is exact.",
    task: "Step to the end, and follow the way back.", done: (now) => now.trellis > 12 },
  { title: "Corrections", set: { n_s: 1, order: "interleaved" }, lit: ".f2f-stage",
    text: "What the best sequence still gets wrong is listed, and flipped after decoding: so every kept weight comes back bit for bit. Such corrections are few, but each costs several bits to say where it is.",
    task: "Press Next mismatch, and see the bit corrected.", done: (now, began) => now.mismatch && now.cycle !== began.cycle },
  { title: "The bound", set: { n_s: 1, order: "interleaved" }, lit: ".card",
    text: "A random care bit holds one bit of information, so no code can store fewer bits than there are: the ratio is at most 1 / (1 − S).",
    task: "Set n_s to 2: how near does it come?", done: (now) => now.n_s === 2 },
  { title: "Order", set: { n_s: 1, order: "row" }, lit: ".controls",
    text: "A real layer keeps some rows and columns more than others, so that in row order n_u varies more than by chance. Interleaved, a block takes weights that lie far apart, and n_u varies as by chance.",
    task: "Set the order to Interleaved, and compare.", done: (now) => now.order === "interleaved" },
  { title: "The default code", set: { n_s: 1, order: "interleaved" }, lit: "[data-about=default]",
    text: "This page codes plainly. Kept weights share few exponents, so exponent planes need far less than a bit a care bit: the package's default stores them as ranks.",
    task: "Change what you like: the search is exact at every setting.", done: (now, began) => now.setting !== began.setting },
];

// A bar below the page. `go(set)` chooses settings; `look()` says what is shown, null while it is searched.
const makeTour = (bar, { go, look, moved }) => {
  let step = 0, began = null, light = null;
  const button = (text, label, to) => h("button", { type: "button", class: "f2f-button", "aria-label": label, onclick: () => start(to()) }, text);
  const back = button("◀", "Step before", () => step - 1), on = button("▶", "Next step", () => step + 1);
  const place = h("span", {}), title = h("b"), text = h("span"), task = h("p"), done = h("span", { class: "done", role: "status" });
  bar.append(h("span", { class: "way" }, back, place, on), h("div", {}, h("p", {}, title, " ", text), task), button("Leave", "Leave the tour", () => 0));
  const update = () => {  // whether it is done, once what the step set is shown
    const now = step ? look() : null;
    if (!now) return;
    if (!began) {
      if (Object.entries(TOUR[step - 1].set).every(([name, value]) => now[name] === value)) began = now;
      return;
    }
    if (!done.textContent && TOUR[step - 1].done(now, began)) done.textContent = "✓ done";
  };
  const start = (to) => {
    step = to;
    bar.hidden = !step;
    light?.classList.remove("lit");
    moved(step);
    if (!step) return;
    const own = TOUR[step - 1];
    [title.textContent, text.textContent, place.textContent] = [own.title, own.text, `${step} of ${TOUR.length}`];
    done.textContent = "";
    task.replaceChildren(h("b", {}, "Try: "), own.task, " ", done);
    back.disabled = step === 1;
    on.disabled = step === TOUR.length;
    light = document.querySelector(own.lit);
    light?.classList.add("lit");
    light?.scrollIntoView({ block: "center" });
    began = null;
    go(own.set);
    update();
  };
  return { start, update, step: () => step, relight: () => {  // cards are made anew
    if (!step || light?.isConnected) return;
    light = document.querySelector(TOUR[step - 1].lit);
    light?.classList.add("lit");
  } };
};
