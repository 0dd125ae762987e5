// The analyzer's frame: draws its parts, shows one tab, and tells the kernel of the page.
const systemDark = matchMedia("(prefers-color-scheme: dark)");
const CHOSEN = "f2f-viz-theme";
// Lab and marimo say which theme they have; our own page follows the system, unless its address
// or its switch say otherwise
function hostTheme() {
  const { jpThemeLight, voila, theme } = document.body.dataset;
  if (voila && !new URLSearchParams(location.search).has("theme")) return systemDark.matches ? "dark" : "light";
  if (jpThemeLight !== undefined) return jpThemeLight === "false" ? "dark" : "light";
  if (theme || document.body.classList.contains("dark")) return theme === "dark" || document.body.classList.contains("dark") ? "dark" : "light";
  return systemDark.matches ? "dark" : "light";
}
const stored = () => { try { return localStorage.getItem(CHOSEN); } catch { return null; } };

function render({ model, el, host, signal }) {
  const own = unique();
  el.classList.add("f2f", "f2f-app");
  const panel = h("div", { class: "f2f-side" }), headline = h("div", {}), stack = h("div", { class: "f2f-stack" });
  const strip = h("div", { class: "f2f-tabs", role: "tablist", "aria-label": "Views" });
  const tour = h("div");
  const way = h("nav", { class: "f2f-trail", "aria-label": "Selection" });
  const main = h("div", { class: "f2f-main" }, headline, strip, way, stack, tour);
  el.append(h("div", { class: "f2f-frame" }, panel, main));
  if (el.matches(".jupyter-widgets-disconnected")) {  // out of a saved state: nobody would answer
    panel.inert = strip.inert = way.inert = true;
    el.prepend(h("p", { class: "f2f-note" }, "No kernel holds this analyzer: this is its last result. Run the notebook to change anything."));
  }
  const draw = async (ref, into, until) => (await host.getWidget(ref)).render({ el: into, signal: until });
  const failed = (error) => { if (!signal.aborted) console.error(error); };
  draw(model.get("panel"), panel, signal).catch(failed);
  draw(model.get("headline"), headline, signal).catch(failed);
  draw(model.get("tour"), tour, signal).catch(failed);

  // ---- tabs, after the ARIA practice: one stop in the tab order, arrows move along it ------
  const names = model.get("tabs");
  const choose = (name) => { model.set("tab", name); model.save_changes(); };
  const buttons = names.map((name, index) => h("button", { type: "button", role: "tab", id: `${own}tab-${index}`,
    "aria-controls": `${own}view-${index}`, "data-text": name, onclick: (event) => {
      choose(name);
      // a pointer leaves arrows to the view before a class; keys that reached the tab stay with it
      if (event.detail && presenter?.large()) event.currentTarget.blur();
    },
    onkeydown: (event) => {
      const shown = buttons.filter((button) => !button.hidden), at = shown.indexOf(buttons[index]);
      const to = { ArrowRight: shown[at + 1] ?? shown[0], ArrowLeft: shown.at(at - 1), Home: shown[0], End: shown.at(-1) }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      choose(to.dataset.text);
      to.focus();
    } }, name));
  strip.append(...buttons);
  // what one is looking at: a sentence, more at a click, and the way to the guide
  const whatIs = (name) => {
    const told = model.get("about")[name];
    if (!told) return null;
    const more = h("span", { id: unique(), hidden: true }, ...explained(told.more), " ");
    host.getModel(model.get("panel")).then((panel) =>
      more.append(guideLinks(panel, el)(told.chapter, { class: "f2f-more-link" }, "More in the guide"))).catch(failed);
    const fold = h("button", { type: "button", class: "f2f-fold", "aria-expanded": "false", "aria-controls": more.id,
      onclick: () => {
        more.hidden = !more.hidden;
        fold.setAttribute("aria-expanded", !more.hidden);
        fold.textContent = more.hidden ? "more" : "less";
      } }, "more");
    return h("p", { class: "f2f-about f2f-what" }, ...explained(told.sentence), " ", more, " ", fold);
  };
  const { tip, hide: hideTip } = tips(stack, (tip, node) => {
    const box = node.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const below = box.bottom + 4 + own.height <= innerHeight;
    tip.style.left = `${Math.max(8, Math.min(box.left, innerWidth - own.width - 8))}px`;
    tip.style.top = `${below ? box.bottom + 4 : Math.max(8, box.top - own.height - 4)}px`;
  });
  const views = names.map((name, index) => {
    const note = h("p", { class: "f2f-note", role: "status" });
    const body = h("div", { class: `f2f-view f2f-view-${name.toLowerCase()}` });
    const box = h("div", { class: "f2f-tabpanel", role: "tabpanel", id: `${own}view-${index}`,
                           "aria-labelledby": `${own}tab-${index}`, hidden: true }, whatIs(name), note, body);
    return { box, note, body, drawn: null, ending: null };
  });
  stack.append(...views.map(({ box }) => box), tip);

  const showTab = () => {
    const chosen = names.indexOf(model.get("tab"));
    el.dataset.tab = names[chosen];
    el.dataset.picture = 0;
    way.style.minHeight = "";
    buttons.forEach((button, index) => {
      button.setAttribute("aria-selected", index === chosen);
      button.tabIndex = index === chosen ? 0 : -1;
      button.hidden = index !== chosen && model.get("needless").includes(names[index]);
      views[index].box.hidden = index !== chosen;
    });
  };
  const showViews = () => {
    const wanted = model.get("views");
    names.forEach((name, index) => {
      const view = views[index], key = JSON.stringify(wanted[name] ?? null);
      if (view.drawn === key) return;
      view.drawn = key;
      view.ending?.abort();
      view.ending = new AbortController();
      const until = AbortSignal.any([signal, view.ending.signal]);
      view.body.replaceChildren(...(wanted[name] ?? []).map((ref) => {
        const part = h("div", { class: "f2f-part f2f-building" });
        draw(ref, part, until).catch(failed).finally(() => {
          if (!part.classList.contains("f2f-figure")) part.classList.remove("f2f-building");
        });
        return part;
      }));
    });
  };
  const showNotes = () => {
    const notes = model.get("notes");
    names.forEach((name, index) => {
      views[index].note.textContent = notes[name] ?? "";
      views[index].box.classList.toggle("f2f-old", Boolean(notes[name]));
    });
  };
  // the way of the selected bit; each station leads to the view that shows it
  const showTrail = () => tellWay(model.get("trail"));
  const tellWay = (stations) => way.replaceChildren(...stations.flatMap(({ text, kind, tab }, index) => [
    index ? h("span", { class: "f2f-quiet", "aria-hidden": "true" }, "→") : "",
    h("button", { type: "button", class: "f2f-station", style: `--kind: var(--f2f-${kind.replaceAll("_", "-")})`,
      title: `Show it: ${tab}`, onclick: () => choose(tab) }, text)]));
  model.on("change:trail", showTrail);
  watch(model, "change:tab change:needless", showTab);
  model.on("change:views", showViews);
  model.on("change:notes", showNotes);
  showTab(); showViews(); showNotes(); showTrail();

  // ---- what the pointer is on: lit in passing wherever it is told of, until a click keeps it ----
  const TOLD = ["plane", "cycle", "bit"];
  const places = ":is(.f2f-hit, tr)";
  let lit = null, asking = false, newer = false;
  const ask = () => {  // the kernel of one at a time, and of the newest
    newer = asking;
    if (asking) return;
    asking = true;
    send({ kind: "light", at: lit });
  };
  const light = (at) => {
    if (JSON.stringify(at) === JSON.stringify(lit)) return;
    lit = at;
    for (const node of stack.querySelectorAll(".f2f-lit")) node.classList.remove("f2f-lit");
    for (const name of TOLD.filter((name) => lit && name in lit))
      for (const node of stack.querySelectorAll(`.f2f-tabpanel:not([hidden]) ${places}[data-${name}="${lit[name]}"]`)) node.classList.add("f2f-lit");
    if (!lit) glance([]);
    ask();
  };
  const glance = (stations) => {
    way.classList.toggle("f2f-glance", Boolean(stations.length));
    if (!stations.length) return showTrail();
    tellWay(stations);
    way.style.minHeight = `${way.offsetHeight}px`;  // or the view would move under the pointer
  };
  const answered = ({ kind, trail }) => {
    if (kind !== "lit") return;
    asking = false;
    if (newer) ask();
    else if (lit) glance(trail);
  };
  stack.addEventListener("pointerover", (event) => {
    if (event.buttons || event.pointerType === "touch" || event.target.closest(".f2f-figure")) return;
    const own = event.target.closest(places)?.dataset ?? {};
    const told = TOLD.filter((name) => name in own).map((name) => [name, Number(own[name])]);
    light(told.length ? Object.fromEntries(told) : null);
  });
  stack.addEventListener("pointerleave", () => light(null));
  stack.addEventListener("f2f-light", (event) => light(event.detail));
  model.on("msg:custom", answered);

  // ---- where it stands, in the address of our own page ---------------------------------------
  const owner = Symbol.for("f2f-viz.address");
  const owns = ownPage() && !globalThis[owner];
  if (owns) globalThis[owner] = model;
  let asked = 0, late = null, search = location.search;
  const write = (how) => {
    clearTimeout(late);
    late = null;
    if (search !== location.search) history[how](null, "", `${location.pathname}${search}${location.hash}`);
  };
  const showLocation = () => {
    const told = model.get("location");
    if (!owns || told.search === undefined || told.serial < asked) return;
    if (late) write("replaceState");  // what stood before is an entry of its own
    search = told.search;
    if (told.push) write("pushState");
    else late = setTimeout(write, 250, "replaceState");  // browsers take some writes a second
  };
  const went = () => {
    clearTimeout(late);
    late = null;
    search = location.search;
    asked += 1;
    send({ kind: "go", query: search, serial: asked });
  };
  const undo = (event) => {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || event.altKey || !["z", "y"].includes(key)) return;
    if (event.target.matches?.("input:is([type=text], [type=number], [type=search]), textarea")) return;  // its own
    event.preventDefault();
    event.stopPropagation();
    send({ kind: key === "y" || event.shiftKey ? "redo" : "undo" });
  };
  if (owns) {
    addEventListener("popstate", went);
    model.on("change:location", showLocation);
  }
  const keys = owns ? document : el;
  keys.addEventListener("keydown", undo);

  // ---- the page and the kernel -------------------------------------------------------------
  const send = (content) => {
    try { model.send({ ...content, theme: theme(), large: presenter?.large() ?? false }); } catch { /* the headline says so */ }
  };
  // a slow page slows the kernel down: say when everything sent so far is on the screen
  const drawn = async () => {
    const serial = model.get("serial"), until = performance.now() + 1500;
    while (!signal.aborted && el.querySelector(".f2f-building") && performance.now() < until)
      await new Promise((resume) => setTimeout(resume, 20));
    requestAnimationFrame(() => setTimeout(() => { if (!signal.aborted) send({ kind: "drawn", serial }); }));
  };
  model.on("change:serial", drawn);

  let chosen = ownPage() ? stored() : null;
  const theme = () => chosen ?? hostTheme();
  const dress = () => {
    el.classList.toggle("f2f-dark", theme() === "dark");
    el.classList.toggle("f2f-light", theme() === "light");
    if (ownPage())  // our own page: nothing else is on it
      document.body.style.background = getComputedStyle(el).getPropertyValue("--f2f-surface");
  };
  const themed = () => { dress(); send({ kind: "look" }); };
  const flip = (event) => {
    chosen = theme() === "dark" ? "light" : "dark";
    if (ownPage()) try { localStorage.setItem(CHOSEN, chosen); } catch { /* private window */ }
    event?.stopPropagation?.();
    themed();
  };
  el.addEventListener("f2f-flip-theme", flip);
  el.addEventListener("f2f-tour", (event) => {
    event.stopPropagation();
    send({ kind: "tour" });
  });
  const observer = new MutationObserver(themed);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-theme", "class"] });
  systemDark.addEventListener("change", themed);
  dress();
  let presenter = null;
  host.getModel(model.get("tour")).then((tourModel) => {
    if (signal.aborted) return;
    presenter = presenting({ el, stack, tabs: names, choose, send, flip, tour: tourModel, on: keys });
    main.append(presenter.bar);
  }).catch(failed);
  setTimeout(() => send({ kind: "ready", query: owns ? location.search : "" }));
  return () => {
    presenter?.end();
    hideTip();
    observer.disconnect();
    keys.removeEventListener("keydown", undo);
    removeEventListener("popstate", went);
    model.off("change:location", showLocation);
    if (owns) delete globalThis[owner];
    systemDark.removeEventListener("change", themed);
    model.off("change:trail", showTrail);
    model.off("msg:custom", answered);
    unwatch(model, "change:tab change:needless", showTab);
    model.off("change:views", showViews);
    model.off("change:notes", showNotes);
    model.off("change:serial", drawn);
  };
}
export default { render };
