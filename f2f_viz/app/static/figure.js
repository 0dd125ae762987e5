// One Bokeh document in one view: patches in, changes and events out. BokehJS is evaluated once a
// page and version, as a module of its own: window.Bokeh is left to others.
const LIBRARIES = (globalThis[Symbol.for("f2f-viz.bokehjs")] ??= new Map());

const bytes = (b) => ArrayBuffer.isView(b) ? new Uint8Array(b.buffer, b.byteOffset, b.byteLength) : new Uint8Array(b);
// typed arrays need alignment, and the buffers of a message may share one
const own = (b) => bytes(b).slice().buffer;
const pair = (ids, buffers) => new Map(ids.map((id, i) => [id, own(buffers[i])]));

const inflate = (gz) => new Response(new Blob([bytes(gz)]).stream().pipeThrough(new DecompressionStream("gzip")));
// what a state holds of a document: its text and its buffers, end to end
async function unpack({ gz, sizes, ...message }) {
  const all = await inflate(gz).arrayBuffer();
  let end = 0;
  const [text, ...buffers] = sizes.map((size) => new Uint8Array(all, (end += size) - size, size));
  return [{ ...message, text: new TextDecoder().decode(text) }, buffers];
}
async function evaluate(gz) {
  const text = await inflate(gz).text();
  // BokehJS hangs itself on `this`
  const source = `const root = {};\n(function () {\n${text}\n}).call(root);\nexport default root.Bokeh;`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  try { return (await import(/* webpackIgnore: true */ /* @vite-ignore */ url)).default; }
  finally { URL.revokeObjectURL(url); }
}
// a page opened anew on a living kernel restores its widgets one after another: the library may come last
async function restored(host, ref) {
  for (let wait = 100; ; wait *= 2) {
    try { return await host.getModel(ref); }
    catch (error) { if (wait > 10000) throw error; }
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}
function library(model, host) {
  const version = model.get("version");
  if (!LIBRARIES.has(version)) {
    const loading = restored(host, model.get("library")).then((found) => evaluate(found.get("gz")));
    LIBRARIES.set(version, loading);
    loading.catch(() => LIBRARIES.delete(version));
  }
  return LIBRARIES.get(version);
}

// a kernel that ends with the page takes no more; a page that is not left after all goes on
let leaving = false;
window.addEventListener("beforeunload", () => {
  leaving = true;
  setTimeout(() => { leaving = false; }, 3000);
});

async function render({ model, el, host }) {
  const me = `${Math.random().toString(36).slice(2)}`;
  el.classList.add("f2f-figure", "f2f-building");
  if (model.get("name")) el.classList.add(`f2f-figure-${model.get("name")}`);
  let doc = null, views = null, revision = -1, alive = true, changes = [], waiting = [];

  const send = (content, buffers = []) => {
    try { if (!leaving) model.send({ view: me, ...content }, undefined, buffers); }
    catch (error) { console.debug("f2f-viz: no kernel", error); }
  };
  const ask = () => send({ kind: "open", revision });

  const flush = () => {
    const events = changes;
    changes = [];
    if (!alive || !doc) return;
    const ids = [], buffers = [];
    const text = JSON.stringify(doc.create_json_patch(events), (_, value) => {
      if (!(value instanceof ArrayBuffer || value?.buffer instanceof ArrayBuffer)) return value;
      ids.push(`${ids.length}`);
      buffers.push(value.buffer ?? value);
      return { id: ids.at(-1) };
    });
    send({ kind: "patch", text, ids }, buffers);
  };
  const changed = (event) => {
    if (event.sync === false) return;
    if (changes.push(event) === 1) queueMicrotask(flush);
  };
  const drop = (Bokeh) => {
    if (!doc) return;
    doc.remove_on_change(changed);
    for (const view of [...(views?.roots ?? [])]) view.remove();
    doc.clear({ sync: false });
    const at = Bokeh.documents.indexOf(doc);
    if (at >= 0) Bokeh.documents.splice(at, 1);
    doc = views = null;
  };
  let Bokeh = null, queued = 0, chain = Promise.resolve();
  const build = async (message, buffers) => {
    Bokeh = await library(model, host);
    if (!alive) return;
    drop(Bokeh);
    el.replaceChildren();  // of a figure that failed its message stands there
    revision = message.revision;
    const { Document } = Bokeh.require("document");
    doc = Document.from_json(JSON.parse(message.text), undefined, pair(message.ids, buffers));
    doc.on_change(changed);
    views = await Bokeh.embed.add_document_standalone(doc, el);
  };
  // one after another; patches that come meanwhile wait for the last
  const show = (...whole) => {
    waiting ??= [];
    queued += 1;
    chain = chain.then(async () => build(...(whole[0].gz ? await unpack(whole[0]) : whole))).catch(failed).then(() => {
      queued -= 1;
      if (queued) return;
      const missed = waiting;
      waiting = null;
      if (!doc) { revision = -1; return; }  // the next patch asks for the whole
      el.classList.remove("f2f-building");
      for (const [content, parts] of missed) heard(content, parts);
    });
  };
  const failed = (error) => {
    console.error(error);
    el.classList.remove("f2f-building");
    el.textContent = `The figure cannot be drawn: ${error.message ?? error}`;
  };
  const heard = (content, buffers = []) => {
    if (content.kind === "whole") {
      if (content.to === me) show(content, buffers);
      return;
    }
    if (content.kind !== "patch") return;
    if (waiting) { waiting.push([content, buffers]); return; }
    if (content.revision <= revision) return;
    if (content.revision !== revision + 1) { ask(); return; }
    revision = content.revision;
    if (content.from === me) return;
    try {
      doc.apply_json_patch(JSON.parse(content.text), pair(content.ids, buffers));
    } catch (error) {
      console.warn("f2f-viz: a patch does not fit, asking for the whole figure", error);
      revision = -1;
      ask();
    }
  };
  // where the pointer is, in plots that say what lies there; not while it drags
  const plots = function* (found) {
    for (const view of found) {
      if (view.frame) yield view;
      yield* plots(view.child_views ?? []);
    }
  };
  const light = (at) => el.dispatchEvent(new CustomEvent("f2f-light", { bubbles: true, detail: at }));
  // BokehJS leaves a tip where the pointer went on to an axis
  const hush = (plot) => {
    for (const tool of plot.tool_views.values())
      for (const tip of tool.ttmodels?.values() ?? []) if (tip.position) tip.clear();
  };
  const point = (event) => {
    if (event.buttons || event.pointerType === "touch" || !views) return;
    let found = null;
    for (const view of plots(views.roots)) {
      const box = view.el.getBoundingClientRect(), scale = view.el.offsetWidth / box.width;
      const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
      if (!view.frame.bbox.contains(x, y)) hush(view);
      else if (view.model.tags.includes("light"))
        found = { figure: model.get("name"), plot: view.model.name ?? "", x: view.frame.x_scale.invert(x), y: view.frame.y_scale.invert(y) };
    }
    light(found);
  };
  const gone = () => light(null);
  el.addEventListener("pointermove", point);
  el.addEventListener("pointerleave", gone);
  model.on("msg:custom", heard);
  // what came with the state is drawn at once; if it is old, the kernel answers with the whole
  const state = model.get("whole");
  if (state?.gz) {
    revision = state.revision;
    show(state);
  }
  ask();
  return () => {
    alive = false;
    el.removeEventListener("pointermove", point);
    el.removeEventListener("pointerleave", gone);
    model.off("msg:custom", heard);
    send({ kind: "gone" });
    if (Bokeh) drop(Bokeh);
    el.replaceChildren();
  };
}
export default { render };
