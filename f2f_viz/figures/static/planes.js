// A table of bit-planes; a click opens the plane in the decoder.
function render({ model, el }) {
  el.classList.add("f2f", "f2f-planes");
  const show = () => {
    const about = model.get("exact") ? "" : "≈\u202f";
    const rows = model.get("rows");
    const most = Math.max(1, ...rows.map((row) => row.per_bit));
    const bar = (share, kind) =>
      `<i class="f2f-meter"><b class="${kind}" style="width:${(100 * share).toFixed(2)}%"></b></i>`;
    // before a class all planes at once, in two tables beside each other
    const half = roomOf(el) < Infinity ? Math.ceil(rows.length / 2) : rows.length;
    const table = (rows) => `<table><thead><tr><th scope="col">Plane</th>
      <th scope="col" title="share of ones among care bits">Ones</th>
      <th scope="col" title="h(ones), bits per care bit">Entropy</th>
      <th scope="col" title="matched care bits / care bits">Efficiency</th>
      <th scope="col" title="care bits the decoder gets wrong">Corrected</th>
      <th scope="col" title="payload + corrections over the plane's care bits; the bound for random bits is 1">Stored bits per care bit</th>
      <th scope="col">How</th></tr></thead><tbody>${rows.map((row) => `<tr data-plane="${row.index}"${row.index === model.get("plane") ? ' aria-current="true"' : ""}>
      <th scope="row"><button type="button" class="f2f-link" data-plane="${row.index}" title="open in the decoder">${row.index} · ${row.name}</button></th>
      <td>${bar(row.ones, "care")}<span>${(100 * row.ones).toFixed(1)} %</span></td>
      <td>${bar(row.entropy, "register")}<span>${row.entropy.toFixed(3)}</span></td>
      <td><span>${about}${(100 * row.efficiency).toFixed(2)} %</span></td>
      <td><span>${about}${grouped(row.mismatches)}</span></td>
      <td><i class="f2f-meter"><b class="symbol" style="width:${(100 * row.payload / (row.payload + row.corrections || 1) * row.per_bit / most).toFixed(2)}%"></b><b class="corrected" style="width:${(100 * row.corrections / (row.payload + row.corrections || 1) * row.per_bit / most).toFixed(2)}%"></b></i><span>${about}${row.per_bit.toFixed(3)}</span></td>
      <td>${[row.inverted ? "inverted" : "", row.symbols ? "" : "no symbols"].filter(Boolean).join(", ")}</td>
      </tr>`).join("")}</tbody></table>`;
    el.innerHTML = [rows.slice(0, half), rows.slice(half)].filter((part, i) => part.length || !i).map(table).join("");
  };
  el.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-plane]");
    if (!button) return;
    model.send({ kind: "open", plane: Number(button.dataset.plane) });
  });
  watch(model, "change:rows change:exact change:plane", show);
  show();
  return () => unwatch(model, "change:rows change:exact change:plane", show);
}
export default { render };
