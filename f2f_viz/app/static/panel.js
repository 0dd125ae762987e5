// The controls: native form elements bound to `values` by name; what is wrong stands beside them.
const CHUNK = 4 * 1024 * 1024;
const LIMIT = 200 * 1024 * 1024;

function render({ model, el }) {
  el.classList.add("f2f", "f2f-panel");
  const prefix = unique();
  const sync = [];
  // only what was changed goes to the kernel, which may change more by then; until it has heard,
  // the change stands over what it says. One is under way at a time, what comes meanwhile waits.
  let sent = null, waiting = {}, made = null;
  const me = Math.random().toString(36).slice(2);
  const values = () => ({ ...model.get("values"), ...sent?.change, ...waiting });
  const send = () => {
    if (sent || !Object.keys(waiting).length) return;
    sent = { kind: "set", view: me, change: waiting, made };
    waiting = {};
    made = null;
    model.send(sent);
  };
  const set = (change) => {
    Object.assign(waiting, change);
    made = [made?.[0] ?? Date.now(), Date.now()];
    send();
    show();
  };
  const heard = (message) => {
    if (message.kind !== "heard" || message.view !== me) return;
    sent = null;
    send();
    show();
  };
  const number = (input) => (input.value.trim() === "" ? null : Number(input.value));

  // ---- what a control is, in words, and where the guide tells more ---------------------------
  const told = (node, text) => { if (text) node.dataset.tip = text; return node; };
  const { tip, hide: hideTip } = tips(el, (tip, node) => {
    const box = node.getBoundingClientRect(), side = el.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const beside = side.right + 8 + own.width <= innerWidth;  // where the controls are as wide as the page: below
    tip.style.left = `${beside ? side.right + 8 : Math.max(8, innerWidth - own.width - 8)}px`;
    tip.style.top = `${Math.max(8, Math.min(beside ? box.top : box.bottom + 4, innerHeight - own.height - 8))}px`;
  });
  const guideLink = guideLinks(model, el);
  const helpLink = (name) => {
    const link = guideLink(name, { class: "f2f-help", "aria-label": `Help: ${name.replaceAll("_", " ")}` }, "?");
    return told(link, model.get("help")[name] && `${model.get("help")[name]} A click opens the guide.`);
  };

  // a labelled row; its error text is tied to the inputs named in `owns`
  const field = (name, label, owns, ...controls) => {
    const error = h("div", { class: "f2f-error", id: `${prefix}${name}-error`, role: "alert" });
    const hint = h("div", { class: "f2f-hint", id: `${prefix}${name}-hint` });
    const group = owns.length > 1;
    const title = group
      ? h("span", { class: "f2f-label", id: `${prefix}${name}-label` }, label)
      : h("label", { class: "f2f-label", for: owns[0].id }, label);
    const text = model.get("help")[name];
    const help = h("span", { class: "f2f-visually-hidden", id: `${prefix}${name}-help` }, text ?? "");
    sync.push(() => {
      const wrong = model.get("errors")[name] ?? "";
      if (error.textContent !== wrong) error.textContent = wrong;
      hint.textContent = model.get("hints")[name] ?? "";
      for (const input of owns) {
        input.setAttribute("aria-invalid", wrong !== "");
        input.setAttribute("aria-describedby", `${error.id} ${hint.id} ${help.id}`);
      }
    });
    return h("div", { class: `f2f-field f2f-field-${name}`, role: group ? "group" : null,
                      "aria-labelledby": group ? title.id : null },
      told(h("div", { class: "f2f-title" }, title, text ? helpLink(name) : null, help), text),
      told(h("div", { class: "f2f-controls" }, ...controls), text), hint, error);
  };

  const segmented = (name, label, options = model.get("choices")[name], choose = (value) => set({ [name]: value })) => {
    const inputs = options.map(([value, text, help]) => {
      const input = h("input", { type: "radio", name: prefix + name, id: `${prefix}${name}-${value}`,
                                 onchange: () => choose(value) });
      sync.push(() => { input.checked = values()[name] === value; });
      return [input, told(h("label", {}, input, h("span", {}, text)), help)];
    });
    return field(name, label, inputs.map(([input]) => input),
      h("div", { class: "f2f-segmented" }, ...inputs.map(([, option]) => option)));
  };

  const select = (name, label, options) => {
    const input = h("select", { id: prefix + name, onchange: () => set({ [name]: input.value }) });
    sync.push(() => {
      const wanted = options();
      const key = JSON.stringify(wanted);
      if (input.dataset.key !== key) {
        input.dataset.key = key;
        const groups = new Map();
        for (const [value, text, help, group] of wanted)
          groups.set(group, [...(groups.get(group) ?? []), h("option", { value, title: help || null }, text)]);
        input.replaceChildren(...[...groups].flatMap(([label, entries]) => label ? h("optgroup", { label }, ...entries) : entries));
      }
      input.value = values()[name] ?? "";
    });
    return field(name, label, [input], input);
  };

  const stepper = (name, label, min, max, props = {}) => {
    const input = h("input", { type: "number", id: prefix + name, min, max, step: 1, ...props,
                               oninput: () => set({ [name]: number(input) }) });
    // not while it is typed in; what changed meanwhile shows when the focus leaves
    const show = () => { input.value = values()[name] ?? ""; };
    input.addEventListener("blur", show);
    sync.push(() => document.activeElement !== input && show());
    return [field(name, label, [input], input), input];
  };

  // ---- layer -------------------------------------------------------------------------------
  const source = segmented("source", "Layer from",
    [...(values().source === "given" ? [["given", "Python"]] : []),
     ["sample", "Samples"], ["path", "Path"], ["upload", "Upload"]]);
  const sample = select("sample", "Sample layer", () => model.get("samples"));
  const formats = `Reads: ${model.get("choices").path.map(([, label]) => label).join(", ")}`;
  const pathInput = h("input", { type: "text", id: `${prefix}path`, spellcheck: "false",
    placeholder: "/data/model.safetensors", autocomplete: "off",
    onkeydown: (event) => { if (event.key === "Enter") openPath(); } });
  const openPath = () => set({ path: pathInput.value.trim(), tensor: null,
                           opened: (values().opened ?? 0) + 1 });
  sync.push(() => {
    if (document.activeElement !== pathInput) pathInput.value = values().path ?? "";
  });
  const path = field("path", "Path on this machine", [pathInput], told(pathInput, formats),
    h("button", { type: "button", class: "f2f-button", onclick: openPath }, "Open"));
  // forgotten at a click: a browser tells of no change where the same file is chosen again
  const file = h("input", { type: "file", id: `${prefix}upload`, onclick: () => { file.value = ""; },
                            onchange: () => file.files[0] && upload(file.files[0]) });
  const meter = h("progress", { class: "f2f-hidden", max: 1, value: 0, "aria-label": "Upload progress" });
  const uploading = field("upload", "File to upload", [file], told(file, formats), meter);
  const note = (text) => {
    model.set("errors", { ...model.get("errors"), upload: text });
    show();
  };

  let newest = null;  // the upload under way: one that is chosen later ends it
  async function upload(chosen) {
    const id = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    if (newest) model.send({ kind: "given up", id: newest });
    newest = id;
    meter.classList.add("f2f-hidden");
    if (chosen.size > LIMIT)
      return note(`${(chosen.size / 2 ** 20).toFixed(0)} MB is more than an upload takes (200 MB): give the file's path instead`);
    note("");
    meter.value = 0;
    meter.classList.remove("f2f-hidden");
    try { await sendParts(chosen, id); }
    catch (error) {
      model.send({ kind: "given up", id });
      if (id === newest) note(`the file cannot be read: ${error.message}`);
    }
    if (id !== newest) return;
    newest = null;
    meter.classList.add("f2f-hidden");
  }
  async function sendParts(chosen, id) {
    for (let at = 0; at < chosen.size || at === 0; at += CHUNK) {
      const part = await chosen.slice(at, at + CHUNK).arrayBuffer();
      if (id !== newest) return;
      const received = new Promise((resolve) => {
        const answer = (message) => {
          if (message.kind !== "received" || message.id !== id) return;
          model.off("msg:custom", answer);
          resolve();
        };
        model.on("msg:custom", answer);
      });
      model.send({ kind: "upload", id, name: chosen.name, size: chosen.size, at },
                 undefined, [part]);
      await received;
      if (id === newest) meter.value = Math.min(1, (at + CHUNK) / chosen.size);
    }
  }

  const filter = h("input", { type: "search", id: `${prefix}filter`, placeholder: "filter",
                              "aria-label": "Filter tensors", oninput: () => show() });
  // the list is narrow: its groups are named by what names begin with, up to a number, and its
  // entries by the rest, of which the end is always seen; whole stands the one chosen below it
  const whole = (t) => `${t.text} · ${t.shape.join(" × ")} · ${t.dtype}`;
  const tensor = select("tensor", "Tensor", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const list = tensor?.querySelector("select"), font = fontOf(list ?? el);
    const room = (list?.clientWidth || 212) - 32;  // its padding and its arrow
    return model.get("tensors")
      .filter((t) => t.name === values().tensor || words.every((word) => whole(t).toLowerCase().includes(word)))
      .map((t) => {
        const [, group, end] = /^(.*[._/]\d+)[./](.+)$/.exec(t.text) ?? [t.text, "", t.text];
        const long = `${end} · ${t.shape.join(" × ")}`;
        return [t.name, widthOf(long, font) <= room ? long : fitted(end, room, font), whole(t), group];
      });
  });
  tensor.querySelector(".f2f-controls").prepend(filter);
  sync.push(() => {
    const chosen = model.get("tensors").find((t) => t.name === values().tensor);
    tensor.querySelector(".f2f-hint").textContent = chosen ? whole(chosen) : "";
  });
  sync.push(() => {
    const from = values().source;
    sample.hidden = from !== "sample";
    path.hidden = from !== "path";
    uploading.hidden = from !== "upload";
    const tensors = model.get("tensors");
    tensor.hidden = !["path", "upload"].includes(from) || tensors.length < 2;
    filter.hidden = tensors.length < 9;
  });

  const numberFormat = select("number_format", "Number format", () => model.get("choices").number_format);

  // ---- pruning -----------------------------------------------------------------------------
  const method = select("method", "Method", () => model.get("choices").method);
  const slider = h("input", { type: "range", id: `${prefix}rate-slider`, min: 0, max: 0.99,
    step: 0.01, "aria-label": "Pruning rate, slider", oninput: () => set({ rate: Number(slider.value) }) });
  const rateInput = h("input", { type: "number", id: `${prefix}rate`, min: 0, max: 0.99, step: 0.01,
    "aria-label": "Pruning rate", oninput: () => set({ rate: number(rateInput) }) });
  const showRate = () => { rateInput.value = values().rate ?? ""; };
  rateInput.addEventListener("blur", showRate);
  sync.push(() => {
    const { rate } = values();
    if (document.activeElement !== rateInput) showRate();
    if (rate !== null) {
      slider.value = rate;
      slider.style.setProperty("--filled", `${(100 * rate) / 0.99}%`);
      slider.setAttribute("aria-valuetext", `${(100 * rate).toFixed(0)} percent pruned`);
    }
  });
  const rate = field("rate", "Pruning rate", [slider, rateInput], slider, rateInput);
  const [threshold] = stepper("threshold", "Threshold on |w|", 0, null, { step: "any" });
  const per = segmented("per", "Prune alike each");
  const text = (name, label, placeholder) => {
    const input = h("input", { type: "text", id: prefix + name, spellcheck: "false", placeholder,
      onchange: () => set({ [name]: input.value.trim() || null }) });
    sync.push(() => { if (document.activeElement !== input) input.value = values()[name] ?? ""; });
    return field(name, label, [input], input);
  };
  const pattern = text("pattern", "Keep N of every M", "2:4");
  const mask = text("mask", "Mask file", "/data/mask.npy");
  const scores = text("scores", "Scores file", "/data/scores.npy");
  const [seed] = stepper("seed", "Seed of random pruning", 0, null);
  sync.push(() => {
    const shown = model.get("options")[values().method] ?? [];
    for (const [name, row] of Object.entries({ rate, per, threshold, pattern, mask, scores, seed }))
      row.hidden = !shown.includes(name);
  });

  // ---- code --------------------------------------------------------------------------------
  const [nIn, nInInput] = stepper("n_in", "n_in, symbol bits", 1, 12);
  const offered = model.get("stages");
  const most = (n_s) => offered.find((stage) => stage.n_s === n_s)?.most ?? 12;
  // a register length that does not take this n_in brings the largest that it takes
  let brought = "";
  const stages = segmented("n_s", "n_s, register", offered.map(({ n_s, label, help }) => [n_s, label, help]), (n_s) => {
    const { n_in } = values(), fits = Math.min(n_in ?? most(n_s), most(n_s));
    brought = fits === n_in ? "" : `n_in went from ${n_in} to ${fits}, the most that n_s = ${n_s} takes`;
    set({ n_s, n_in: fits });
  });
  sync.push(() => {
    nInInput.max = most(values().n_s);
    if (brought && values().n_in !== most(values().n_s)) brought = "";
    if (brought) stages.querySelector(".f2f-hint").textContent = brought;
  });
  const auto = h("input", { type: "checkbox", id: `${prefix}n_out-auto`,
    onchange: () => set({ n_out: auto.checked ? null : model.get("auto_n_out") }) });
  const [nOut, nOutInput] = stepper("n_out", "n_out, block bits", 1, 4096);
  nOut.querySelector(".f2f-controls").append(
    h("label", { class: "f2f-check", for: auto.id }, auto, "auto"));
  sync.push(() => {
    auto.checked = values().n_out === null;
    nOutInput.disabled = auto.checked;
    if (auto.checked) nOutInput.value = model.get("auto_n_out") || "";
  });
  const order = segmented("order", "Block order");
  const coding = segmented("coding", "Corrections");
  const maskCoding = segmented("mask_coding", "Mask");
  const check = (name, label) => {
    const input = h("input", { type: "checkbox", id: prefix + name,
                               onchange: () => set({ [name]: input.checked }) });
    sync.push(() => { input.checked = Boolean(values()[name]); });
    return told(h("div", { class: "f2f-title" }, h("label", { class: "f2f-check", for: input.id }, input, label),
      helpLink(name)), model.get("help")[name]);
  };
  const more = h("details", { class: "f2f-more" }, h("summary", {}, "What is stored, and how"),
    coding, maskCoding,
    check("recode", "Exponents as ranks"),
    check("zero_rate", "No symbols for skewed planes"),
    check("fit_n_out", "Longest blocks that pay"),
    check("plain", "Planes as they are where that is less"));
  const matrix = select("matrix", "Matrix M", () => model.get("choices").matrix);
  const weights = text("weights", "Ones of a row, at most", "3, 1");
  const [matrixSeed] = stepper("matrix_seed", "Seed of the matrix", 0, null);
  sync.push(() => { weights.hidden = values().matrix !== "light"; });

  // ---- whole settings ----------------------------------------------------------------------
  const said = h("div", { class: "f2f-hint", role: "status" });
  const say = (text) => { said.textContent = text; setTimeout(() => { said.textContent = ""; }, 4000); };
  const copy = async (text, what) => {
    try {
      await navigator.clipboard.writeText(text);
      say(`${what} copied`);
    } catch {
      say(text);
    }
  };
  // n_in, n_s, seeds and pruning stay free: a preset is active whatever they are
  const plain = (value) => String(value ?? "").replaceAll(" ", "");
  const same = (chosen) => Object.entries(chosen).every(([name, value]) => plain(values()[name]) === plain(value));
  const preset = ({ label, help, values: chosen }) => {
    const button = told(h("button", { type: "button", class: "f2f-button", onclick: () => set(chosen) }, label), help);
    sync.push(() => button.setAttribute("aria-pressed", same(chosen)));
    return button;
  };
  const load = h("input", { type: "file", id: `${prefix}settings`, accept: "application/json,.json",
    class: "f2f-visually-hidden", "aria-label": "Load settings from a JSON file",
    onchange: async () => {
      model.send({ kind: "settings", text: await load.files[0].text() });
      load.value = "";
    } });
  const save = () => {
    const url = URL.createObjectURL(new Blob([model.get("as_json")], { type: "application/json" }));
    h("a", { href: url, download: "f2f-settings.json" }).click();
    URL.revokeObjectURL(url);
  };
  const link = () => copy(location.href, "Link");
  const action = (label, onclick, help) =>
    told(h("button", { type: "button", class: "f2f-button", onclick }, label), help);
  const settings = h("div", { class: "f2f-field f2f-field-settings" },
    h("div", { class: "f2f-title" }, h("span", { class: "f2f-label" }, "Presets"), helpLink("presets")),
    h("div", { class: "f2f-buttons", role: "group", "aria-label": "Presets" },
      ...model.get("presets").map(preset)),
    h("div", { class: "f2f-buttons" },
      action("Save JSON", save, "These settings as a file, for Python, the command line or another analyzer."),
      action("Load JSON", () => load.click(), "Settings from such a file."),
      load,
      action("Copy as Python", () => copy(model.get("as_python"), "Python"), "Code that gives this analysis."),
      ownPage() ? action("Copy link", link, "The address of this page: it opens the analyzer here.") : null),
    said);
  const loadError = h("div", { class: "f2f-error", role: "alert" });
  // also what a control that is not shown would say
  const unseen = (name) => !el.querySelector(`.f2f-field-${name}:not([hidden]) > .f2f-error`)?.checkVisibility();
  sync.push(() => {
    const told = Object.entries(model.get("errors")).filter(([name, text]) => text && (name === "settings" || unseen(name)));
    loadError.textContent = told.map(([, text]) => text).join("; ");
  });
  settings.append(loadError);

  const step = (kind, sign, label, keys) => {
    const button = told(h("button", { type: "button", class: "f2f-button", "aria-label": label,
      onclick: () => model.send({ kind }) }, `${sign} ${label}`), `${label} a change of layer or settings (${keys}).`);
    sync.push(() => { button.disabled = !model.get(`can_${kind}`); });
    return button;
  };
  const steps = h("div", { class: "f2f-steps" }, step("undo", "↶", "Undo", "Ctrl-Z"), step("redo", "↷", "Redo", "Ctrl-Y"));
  const section = (title, ...content) =>
    h("section", { "aria-label": title }, h("h2", {}, title), ...content);
  el.append(
    steps,
    section("Layer", source, sample, path, uploading, tensor, numberFormat),
    section("Pruning", method, rate, per, threshold, pattern, mask,
            scores, seed),
    section("Code", h("div", { class: "f2f-pair" }, nIn, stages), nOut, order, more,
      matrix, weights, matrixSeed),
    section("Settings", settings), tip);

  const show = () => sync.forEach((update) => update());
  const observer = new ResizeObserver(together(show));  // the list of tensors is fitted to its width
  observer.observe(tensor);
  const watched = "change:values change:errors change:hints change:samples change:tensors change:auto_n_out change:can_undo change:can_redo";
  watch(model, watched, show);
  model.on("msg:custom", heard);
  show();
  return () => { observer.disconnect(); hideTip(); unwatch(model, watched, show); model.off("msg:custom", heard); };
}
export default { render };
