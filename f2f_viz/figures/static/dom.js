// What the front-end modules share; it stands before each of them.
const h = (tag, props = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "class") node.className = value;
    else if (value === true) node.setAttribute(key, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value);
  }
  node.append(...children.filter((c) => c !== null && c !== undefined));
  return node;
};
// wire arrays come as DataViews of any alignment: copy before viewing them wider than a byte
const array = (view, Kind) =>
  view ? new Kind(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)) : new Kind(0);
// several events at once, one by one: not every front end takes their names in one text
const watch = (model, events, call) => events.split(" ").forEach((event) => model.on(event, call));
const unwatch = (model, events, call) => events.split(" ").forEach((event) => model.off(event, call));
// one call for what several traits, arriving in one message, ask for
const together = (call) => {
  let queued = false;
  return () => {
    if (queued) return;
    queued = true;
    queueMicrotask(() => { queued = false; call(); });
  };
};
// hand bytes to the browser as a file
const saveFile = (name, bytes) => {
  const link = h("a", { href: URL.createObjectURL(new Blob([bytes])), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};
const button = (text, label, action, key) => h("button", { type: "button", class: "f2f-button", "aria-label": label,
  title: key ? `${label} (${key})` : label, onclick: action }, text);
const escape = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
// a whole number with commas between thousands, as everywhere
const grouped = (value) => Math.round(value).toLocaleString("en");
const plural = (count, word) => `${grouped(count)} ${word}${count === 1 ? "" : "s"}`;
// the font of a node as a canvas takes it: `font` itself is empty where digits are tabular
const fontOf = (node) => {
  const { fontWeight, fontSize, fontFamily } = getComputedStyle(node);
  return `${fontWeight} ${fontSize} ${fontFamily}`;
};
// how wide a text is in a font, in pixels
const pen = () => (pen.made ??= document.createElement("canvas").getContext("2d"));
const widthOf = (text, font) => {
  pen().font = font;
  return pen().measureText(text).width;
};
// a text that fits in `room` pixels; of a longer one the middle goes: names are told apart by their ends
const fitted = (text, room, font) => {
  if (widthOf(text, font) <= room) return text;
  const letters = [...text], cut = (n) => {
    const first = Math.floor(n / 4);
    return `${letters.slice(0, first).join("")}…${letters.slice(letters.length - n + first).join("")}`;
  };
  let least = 1, most = letters.length - 1;
  while (least < most) {
    const n = Math.ceil((least + most) / 2);
    if (widthOf(cut(n), font) <= room) least = n;
    else most = n - 1;
  }
  return cut(least);
};
// a name in two lines at most, broken after a dot, slash or the like; what does not fit goes from the middle
const inTwo = (name, room, font) => {
  if (widthOf(name, font) <= room) return [name];
  const parts = name.split(/(?<=[./_:-])/);
  let first = "";
  while (parts.length > 1 && widthOf(first + parts[0], font) <= room) first += parts.shift();
  return first ? [first, fitted(parts.join(""), room, font)] : [fitted(name, room, font)];
};
// headings of a table that sort it; a click asks `again` for that. Columns after the first `words`
// begin with the largest. `sort(rows, key)` takes what a row has in a column; rows without come last
const sorting = (columns, words, again) => {
  let by = null, down = false;
  const cells = columns.map(({ title, help }, i) => h("th", { scope: "col" }, h("button", { type: "button", class: "f2f-sort", title: help, onclick: () => {
    down = by === i ? !down : i >= words;
    by = i;
    again();
  } }, title)));
  const sort = (rows, key) => {
    cells.forEach((th, i) => th.setAttribute("aria-sort", i !== by ? "none" : down ? "descending" : "ascending"));
    if (by === null) return;
    const keys = new Map(rows.map((row) => [row, key(row, by) ?? null]));
    rows.sort((a, b) => {
      const [x, y] = [keys.get(a), keys.get(b)];
      return x === null || y === null ? (x === null) - (y === null) : (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
    });
  };
  return { cells, sort, sorted: () => by !== null };
};
// whether the page is the app's, and not a notebook's: then its address and its ground are ours
const ownPage = () => Boolean(document.body.dataset.voila);
// how high a drawing may be: before a class what its box has, elsewhere as high as it likes
const roomOf = (box) => (box.closest(".f2f-present") ? box.clientHeight : Infinity);
// a prefix for ids and names that no other view on the page has
const unique = () => {
  const key = Symbol.for("f2f-viz.views");
  globalThis[key] = (globalThis[key] ?? 0) + 1;
  return `f2f-${globalThis[key]}-`;
};
// one shape for each register length n_s, as in palette.py
const STAGE_SHAPES = ["M0 -5a5 5 0 1 0 .01 0z", "M-4.5 -4.5h9v9h-9z", "M0 -6l5.5 10h-11z", "M0 -6l6 6l-6 6l-6 -6z"];
// below what it tells of; above where the window ends
const below = (tip, node) => {
  const box = node.getBoundingClientRect(), own = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(8, Math.min(box.left, innerWidth - own.width - 8))}px`;
  tip.style.top = `${box.bottom + 4 + own.height > innerHeight ? box.top - own.height - 4 : box.bottom + 4}px`;
};
// a tip for whatever has data-tip, to the pointer and to the focus; `place(tip, node)` says where
const tips = (el, place = below) => {
  const tip = h("div", { class: "f2f f2f-float", popover: "manual", role: "tooltip" });
  let waiting = null;
  const hide = () => { clearTimeout(waiting); if (tip.matches(":popover-open")) tip.hidePopover(); };
  const show = (node) => {
    tip.textContent = node.dataset.tip;
    if (!tip.matches(":popover-open")) tip.showPopover();
    place(tip, node);
  };
  const wait = (event) => {
    const node = event.target.closest?.("[data-tip]");
    clearTimeout(waiting);
    if (!node || !el.contains(node)) return hide();
    waiting = setTimeout(() => {
      if (!node.isConnected) return;
      show(node);
      // a pointer that leaves hides it; a field that keeps the focus would have it stand for ever
      if (event.type === "focusin") waiting = setTimeout(hide, 4000);
    }, 350);
  };
  el.addEventListener("pointerover", wait);
  el.addEventListener("pointerleave", hide);
  el.addEventListener("pointerdown", hide);
  el.addEventListener("focusin", (event) => { if (event.target.matches(":focus-visible")) wait(event); });
  el.addEventListener("focusout", hide);
  el.addEventListener("keydown", (event) => { if (["Escape", "Enter"].includes(event.key)) hide(); });
  el.addEventListener("change", hide);
  return { tip, hide };
};
// links into the guide, which the kernel sends to the page's `panel` when somebody first asks
const guideLinks = (panel, el) => {
  let guide = null;
  const fetchGuide = () => guide ??= new Promise((resolve) => {
    const take = (message) => {
      if (message.kind !== "guide") return;
      panel.off("msg:custom", take);
      const look = el.closest(".f2f-dark") ? "f2f f2f-dark" : "f2f";
      const page = message.page.replace('<body class="f2f">', `<body class="${look}">`);
      resolve(URL.createObjectURL(new Blob([page], { type: "text/html" })));
    };
    panel.on("msg:custom", take);
    panel.send({ kind: "guide" });
  });
  return (name, props, text) => {
    const point = async () => { link.href = `${await fetchGuide()}#${name}`; };
    const link = h("a", { target: "_blank", href: `#${name}`, ...props, onpointerenter: point, onfocus: point,
      onclick: async (event) => {
        if (link.href.startsWith("blob:")) return;
        event.preventDefault();
        await point();
        open(link.href, "_blank");
      } }, text);
    return link;
  };
};
// text in which words of the glossary explain themselves
const explained = (pieces) => pieces.map(([text, meaning]) => meaning
  ? h("span", { class: "f2f-term", tabindex: 0, role: "note", "aria-description": meaning, "data-tip": meaning }, text) : text);
// text in which some words have a colour of the palette, and a bar of it below
const coloured = (pieces) => pieces.map((piece) => Array.isArray(piece)
  ? h("span", { class: "f2f-hued", style: `--kind: var(--f2f-${piece[1].replaceAll("_", "-")})` }, piece[0]) : piece);
