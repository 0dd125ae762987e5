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
const escape = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
// whether the page is the app's, and not a notebook's: then its address and its ground are ours
const ownPage = () => Boolean(document.body.dataset.voila);
// a prefix for ids and names that no other view on the page has
const unique = () => {
  const key = Symbol.for("f2f-viz.views");
  globalThis[key] = (globalThis[key] ?? 0) + 1;
  return `f2f-${globalThis[key]}-`;
};
// one shape for each register length n_s, as in palette.py
const STAGE_SHAPES = ["M0 -5a5 5 0 1 0 .01 0z", "M-4.5 -4.5h9v9h-9z", "M0 -6l5.5 10h-11z", "M0 -6l6 6l-6 6l-6 -6z"];
