// The tour through the page: each step sets what it needs, lights a part, and names one thing to try and what to use for it.
// `done` sees what the page shows now, and what it showed when the step began.
const TOUR = [
  { title: "Irregular rows", set: {}, lit: "#lanes", use: '#lanes [aria-label="Number of lanes"]',
    text: "Pruning kept weights wherever they happened to be. A format that lists them row by row, such as CSR, has rows of different length, and lanes that take a row each wait for the longest: hatched is time in which a lane waits. Fixed-to-fixed coding gives every lane the same work, a fixed number of bits in for a fixed number of bits out, so that no lane waits for another (now and then one stops for a correction of its own, as a later step shows).",
    task: "Raise the number of lanes, and see which scheme stays busy.", done: (now, began) => now.lanes > began.lanes },
  { title: "Don't-cares", set: { n_s: 0, order: "interleaved" }, lit: ".f2f-stage", use: '#decoder [aria-label="Step"]',
    text: "A block is one bit, of the same place, of each of n_out weights, and one stored symbol of n_in bits, far fewer, makes all of them. That is possible because only the bits of kept weights are care bits and must come out right, some n_in in a block; bits of pruned weights are don't-cares and may come out as they like.",
    task: "Step to another block, and count its care bits.", done: (now, began) => now.cycle !== began.cycle },
  { title: "One XOR equation", set: { n_s: 0, order: "interleaved" }, lit: ".f2f-equation", use: '.f2f-stage',
    text: "Each bit of a block is the XOR of some bits of the symbol: of those where its row of the matrix M has a one. So a block with n_u care bits asks for n_u equations in n_in unknowns, the symbol's bits, and the encoder looks for a symbol that meets them all.",
    task: "Click another output bit, and read its equation.", done: (now, began) => now.bit !== began.bit },
  { title: "Blocks differ", set: { n_s: 0, order: "interleaved" }, lit: "[data-view=histogram]", use: '#decoder [aria-label^="Go to the next block"]',
    text: "On average a block has about as many care bits as a symbol has bits, but by chance light blocks have far fewer and heavy ones far more, as the histogram above the decoder shows. Where n_u is more than n_in, as a rule not all equations can be met, and some care bits come out wrong: mismatches; where it is less, a part of the symbol is wasted.",
    task: "In the decoder press Next heavy: a block with too many care bits.", done: (now, began) => now.cycle !== began.cycle && now.n_u > now.n_in },
  { title: "The register", set: { n_s: 0, order: "interleaved" }, lit: "[data-key^=Efficiency]", use: 'label:has([name=n_s][value="1"])',
    text: "A register keeps the last symbol, and each output bit is now the XOR of some bits of both: so each symbol takes part in two blocks, its own and the next, and what a light block leaves free helps a heavy one beside it. Nothing more is stored, for the last symbol is there already.",
    task: "Set n_s, the number of register stages, to 1, and see how many corrections are left.", done: (now) => now.n_s === 1 },
  { title: "The trellis", set: { n_s: 1, order: "interleaved" }, lit: "#unfolding", use: '#unfolding [aria-label="To the end"]',
    text: "With a register a symbol that is best now may spoil the next block, so the encoder weighs whole sequences: the trellis has a column for each block and in it a state for each value of the register; a way through costs the care bits its symbols get wrong. From a state on, all ways have the same choices at the same costs, so of those into it only the cheapest, the survivor, is kept, and what is found is truly the best.",
    task: "Step to the end, and follow the way back.", done: (now) => now.trellis > 12 },
  { title: "Corrections", set: { n_s: 1, order: "interleaved" }, lit: ".f2f-stage", use: '#decoder [aria-label="Go to the next mismatch"]',
    text: "What the best sequence still gets wrong is stored in a list of corrections, and flipped after decoding: so every kept weight comes back bit for bit. Such corrections are few, but each costs several bits to say where it is.",
    task: "Press Next mismatch, and see the bit corrected.", done: (now, began) => now.mismatch && now.cycle !== began.cycle },
  { title: "The bound", set: { n_s: 1, order: "interleaved" }, lit: ".card", use: 'label:has([name=n_s][value="2"])',
    text: "A random care bit holds one bit of information, so no code can store random care bits in fewer bits than they are: with S the share of pruned weights, the ratio of all bits to stored bits is at most 1\u00a0/\u00a0(1\u00a0−\u00a0S).",
    task: "Set n_s to 2, and see how near it comes.", done: (now) => now.n_s === 2 },
  { title: "Order", set: { n_s: 1, order: "row" }, lit: ".controls", use: 'label:has([name=order][value=interleaved])',
    text: "A real layer keeps some rows and columns more than others, so that in row order n_u varies more than by chance. Interleaved, a block takes weights that lie far apart, one from each stretch of the layer, and n_u varies as by chance.",
    task: "Set the order to Interleaved, and compare.", done: (now) => now.order === "interleaved" },
  { title: "The default code", set: { n_s: 1, order: "interleaved" }, lit: "[data-about=default]",
    text: "This page codes plainly. Kept weights share few exponents, so the planes (all weights' bits of one place) that hold exponents are far from random, and their care bits need much less than a bit each: the package's default code numbers the exponents that occur, by how often, and so passes 1\u00a0/\u00a0(1\u00a0−\u00a0S), which bounds random bits only.",
    task: "Change what you like: the search is exact at every setting.", done: (now, began) => now.setting !== began.setting },
];

// A bar below the page. `go(set)` chooses settings; `look()` says what is shown, null while it is searched.
const makeTour = (bar, { go, look, moved }) => {
  let step = 0, began = null, aimed = [];
  const back = button("◀", "Step before", () => start(step - 1)), on = button("▶", "Next step", () => start(step + 1));
  const place = h("span", {}), title = h("b"), text = h("span"), task = h("p"), done = h("span", { class: "done", role: "status" });
  bar.append(h("span", { class: "way" }, back, place, on), h("div", {}, h("p", {}, title, " ", text), task), button("Leave", "Leave the tour", () => start(0)));
  // what a step lights and what it is done with, between what stays at the window's ends; where one has no room for both, the latter
  const aim = (scroll) => {
    for (const node of aimed) node.classList.remove("lit", "use");
    const { lit, use } = TOUR[step - 1] ?? {}, controls = document.querySelector(".controls");
    const [light, hand] = [lit, use].map((name) => (name ? document.querySelector(name) : null));
    light?.classList.add("lit");
    hand?.classList.add("use");
    aimed = [light, hand].filter(Boolean);
    if (!scroll) return;
    const above = getComputedStyle(controls).position === "sticky" ? controls.offsetHeight : 0, edge = 8;  // the frame's
    document.documentElement.style.scrollPadding = step ? `${above + edge}px 0 ${bar.offsetHeight + edge}px` : "";
    light?.scrollIntoView({ block: "center" });
    if (!controls.contains(hand) || !above) hand?.scrollIntoView({ block: "nearest" });
  };
  const update = () => {  // whether it is done, once what the step set is shown
    const now = step ? look() : null;
    if (!now) return;
    if (!began) {
      if (Object.entries(TOUR[step - 1].set).every(([name, value]) => now[name] === value)) {
        began = now;
        aim(true);  // all of it is drawn
      }
      return;
    }
    if (!done.textContent && TOUR[step - 1].done(now, began)) done.textContent = "✓ done";
  };
  const start = (to) => {
    step = to;
    bar.hidden = !step;
    moved(step);
    if (!step) { aim(true); return; }
    const own = TOUR[step - 1];
    [title.textContent, text.textContent, place.textContent] = [own.title, own.text, `${step} of ${TOUR.length}`];
    done.textContent = "";
    task.replaceChildren(h("b", {}, "Try: "), own.task, " ", done);
    back.disabled = step === 1;
    on.disabled = step === TOUR.length;
    began = null;
    aim(true);
    go(own.set);
    update();
  };
  return { start, update, relight: () => aim(false) };  // cards are made anew
};
