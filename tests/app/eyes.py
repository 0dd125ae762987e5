"""What a person would see of a page: what is cut off, overlaps, or lies under something else.

Playwright's "visible" is true of what is clipped away; here everything is measured against the
boxes that clip it. Every check gives sentences; an empty list is a page that is whole.
"""

CLIPPED = """() => {
  const found = [];
  const app = document.querySelector('.f2f-app');
  const name = (node) => `${node.tagName.toLowerCase()}.${[...node.classList].join('.')} "${(node.textContent || '').trim().slice(0, 40)}"`;
  const shown = (node) => node.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  // by CSS only what is hidden on purpose: for screen readers, or the closed rest of a control
  const meant = (node) => node.closest('.f2f-visually-hidden, option, select, details:not([open]) > :not(summary)');
  const scrolls = (style, axis) => ['auto', 'scroll'].includes(style[`overflow${axis}`]);
  function* all(root) {
    for (const node of root.querySelectorAll('*')) {
      yield node;
      if (node.shadowRoot) yield* all(node.shadowRoot);
    }
  }
  const up = (node) => node.parentElement ?? node.getRootNode().host ?? null;
  for (const node of all(app)) {
    if (!shown(node) || meant(node) || node instanceof SVGElement) continue;
    const style = getComputedStyle(node);
    // 1. nothing is larger than its clipping box unless it scrolls
    for (const [axis, size, inner] of [['X', node.clientWidth, node.scrollWidth], ['Y', node.clientHeight, node.scrollHeight]])
      if (['hidden', 'clip'].includes(style[`overflow${axis}`]) && inner > size + 1 && size > 0
          && !node.closest('.bk-CanvasPanel, .bk-Canvas, .bk-events, input'))  // a field follows its caret
        found.push(`${name(node)} hides ${inner - size} px of itself along ${axis}`);
    // 2. no text is shortened by dots
    if (style.textOverflow === 'ellipsis' && node.scrollWidth > node.clientWidth + 1)
      found.push(`${name(node)} ends in an ellipsis`);
    // 3. text stays within what holds it
    const text = [...node.childNodes].filter((child) => child.nodeType === 3 && child.data.trim());
    for (const part of text) {
      const range = document.createRange();
      range.selectNodeContents(part);
      const box = range.getBoundingClientRect();
      let holder = node;
      let box2 = holder.getBoundingClientRect();
      if (getComputedStyle(holder).display.startsWith('inline')) continue;
      if (box.right > box2.right + 1.5 || box.left < box2.left - 1.5)
        found.push(`text of ${name(node)} leaves its box by ${Math.round(Math.max(box.right - box2.right, box2.left - box.left))} px`);
      // and within every box that clips without scrolling
      for (let above = up(node); above && above !== app; above = up(above)) {
        const s = getComputedStyle(above), r = above.getBoundingClientRect();
        const out = (['hidden', 'clip'].includes(s.overflowX) && (box.right > r.right + 1 || box.left < r.left - 1))
          || (['hidden', 'clip'].includes(s.overflowY) && (box.bottom > r.bottom + 1 || box.top < r.top - 1));
        if (scrolls(s, 'X') || scrolls(s, 'Y')) break;
        if (out) { found.push(`text of ${name(node)} is cut off by ${name(above)}`); break; }
      }
    }
  }
  // 4. what a list of choices or an empty field says fits it (the page draws neither as text)
  for (const field of all(app)) {
    if (!field.matches('select, input[placeholder]') || !shown(field)) continue;
    const words = field instanceof HTMLSelectElement ? field.selectedOptions[0]?.text : field.value ? '' : field.placeholder;
    const style = getComputedStyle(field), pen = document.createElement('canvas').getContext('2d');
    pen.font = style.font;
    const arrow = field instanceof HTMLSelectElement ? 14 : 0;
    const room = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - arrow;
    const wide = pen.measureText(words ?? '').width;
    if (wide > room + 1) found.push(`"${words}" is ${Math.round(wide - room)} px too wide for its ${field.tagName.toLowerCase()}`);
  }
  // no legend lies where points may be
  for (const legend of all(app))
    if (legend.matches('.bk-Legend') && shown(legend) && up(legend)?.matches?.('.bk-center'))
      found.push(`${name(legend)} lies over its plot`);
  // 5. the view is as wide as its stage, and scrolling ends where something is
  const stage = app.querySelector('.f2f-stack');
  if (stage.scrollWidth > stage.clientWidth + 1) found.push(`the view is ${stage.scrollWidth - stage.clientWidth} px wider than its stage`);
  const view = [...stage.querySelectorAll('.f2f-tabpanel')].find(shown);
  const ends = view && Math.max(...[...view.querySelectorAll('.f2f-part')].map((part) => part.getBoundingClientRect().bottom));
  const blank = view && stage.getBoundingClientRect().top + stage.scrollHeight - stage.scrollTop - ends;
  if (stage.scrollHeight > stage.clientHeight && blank > 40) found.push(`the view scrolls ${Math.round(blank)} px past its end`);
  const main = app.querySelector('.f2f-main');
  if (main && main.scrollWidth > main.clientWidth + 1) found.push(`what is right of the controls is ${main.scrollWidth - main.clientWidth} px wider than its room`);
  // 6. the frame is within the window, or the window scrolls to it
  const frame = app.getBoundingClientRect();
  const html = document.documentElement;
  if (frame.right > innerWidth + 1 && html.scrollWidth <= innerWidth)
    found.push(`the frame ends ${Math.round(frame.right - innerWidth)} px right of the window, which does not scroll`);
  return [...new Set(found)];
}"""

# SVG texts and HTML texts of one view that lie upon each other, and lines that strike them through
OVERLAPS = """() => {
  const found = [];
  const view = [...document.querySelectorAll('.f2f-tabpanel, .f2f-stack > .widget-box')].find((v) => v.checkVisibility());
  for (const svg of view.querySelectorAll('svg')) {
    if (!svg.checkVisibility({ visibilityProperty: true })) continue;
    const texts = [...svg.querySelectorAll('text')].filter((t) => t.textContent.trim());
    const boxes = texts.map((t) => t.getBoundingClientRect());
    const sorted = boxes.map((box, i) => [box, texts[i]]).sort((a, b) => a[0].left - b[0].left);
    for (let i = 0; i < sorted.length; i++)
      for (let j = i + 1; j < sorted.length && sorted[j][0].left < sorted[i][0].right - 1; j++) {
        const [a, b] = [sorted[i][0], sorted[j][0]];
        const x = Math.min(a.right, b.right) - Math.max(a.left, b.left), y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        // a line of text is taller than its letters
        if (x > 1.5 && y > 4.5) found.push(`"${sorted[i][1].textContent}" and "${sorted[j][1].textContent}" overlap by ${x.toFixed(0)} × ${y.toFixed(0)} px`);
      }
    const frame = svg.getBoundingClientRect();
    boxes.forEach((box, i) => {
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 3 || box.bottom > frame.bottom + 3)
        found.push(`"${texts[i].textContent}" leaves its picture`);
    });
    // numbers beside an axis stand apart by more than their height
    const ticks = texts.filter((t) => t.classList.contains('end')).map((t) => t.getBoundingClientRect()).sort((a, b) => a.top - b.top);
    ticks.slice(1).forEach((box, i) => {
      if (box.top - ticks[i].top < 1.3 * box.height) found.push('the numbers beside an axis are crowded');
    });
    for (const line of svg.querySelectorAll('line.limit, line.axis, line.grid')) {
      const l = line.getBoundingClientRect();
      boxes.forEach((box, i) => {
        const third = (box.bottom - box.top) / 4;
        if (l.width > 2 && l.top > box.top + third && l.top < box.bottom - third && l.left < box.right - 1 && l.right > box.left + 1)
          found.push(`"${texts[i].textContent}" is struck through by a ${line.getAttribute('class')} line`);
      });
    }
    for (const cell of svg.querySelectorAll('[data-holds]')) {
      const outer = svg.querySelector(`[data-box="${cell.dataset.holds}"]`)?.getBoundingClientRect(), inner = cell.getBoundingClientRect();
      // a line of text is taller than its digits, by a quarter
      if (outer && (inner.right > outer.right + 0.5 || inner.left < outer.left - 0.5 || 0.8 * inner.height > outer.height + 0.5)) found.push(`"${cell.textContent}" leaves its box`);
    }
  }
  return [...new Set(found)].slice(0, 12);
}"""

# what is written on each canvas since it was last cleared, and where; to run before the page does
WATCH_CANVASES = """() => {
  const written = globalThis.writtenOn = new Map();
  const { fillText, clearRect } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...more) {
    const m = this.measureText(text), t = this.getTransform(), list = written.get(this.canvas) ?? [];
    const corners = [[-m.actualBoundingBoxLeft, -m.actualBoundingBoxAscent], [m.actualBoundingBoxRight, m.actualBoundingBoxDescent]]
      .map(([dx, dy]) => t.transformPoint(new DOMPoint(x + dx, y + dy)));
    const [xs, ys] = [corners.map((c) => c.x), corners.map((c) => c.y)];
    if (String(text).trim()) list.push({ text, left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) });
    written.set(this.canvas, list);
    return fillText.call(this, text, x, y, ...more);
  };
  CanvasRenderingContext2D.prototype.clearRect = function (...box) {
    written.delete(this.canvas);
    return clearRect.apply(this, box);
  };
}"""

# texts on canvases (axis labels, ticks, titles) that leave them or lie upon each other
CANVASES = """() => {
  const found = [];
  const own = function* (root) {
    for (const node of root.querySelectorAll('*')) {
      if (node instanceof HTMLCanvasElement) yield node;
      if (node.shadowRoot) yield* own(node.shadowRoot);
    }
  };
  for (const canvas of own(document.querySelector('.f2f-app'))) {
    if (!canvas.checkVisibility() || !canvas.width) continue;
    const texts = globalThis.writtenOn.get(canvas) ?? [];
    for (const t of texts)
      if (t.left < -1 || t.top < -1 || t.right > canvas.width + 1 || t.bottom > canvas.height + 1)
        found.push(`"${t.text}" leaves its canvas`);
    texts.forEach((a, i) => texts.slice(i + 1).forEach((b) => {
      const x = Math.min(a.right, b.right) - Math.max(a.left, b.left), y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      // drawn twice at one place is one text
      if (x > 1.5 && y > 1.5 && !(a.text === b.text && Math.abs(a.left - b.left) < 1))
        found.push(`"${a.text}" and "${b.text}" overlap by ${x.toFixed(0)} × ${y.toFixed(0)} px on a canvas`);
    }));
  }
  return [...new Set(found)].slice(0, 12);
}"""

# whether what is at an element's own centre is the element
TOPMOST = """(node) => {
  const box = node.getBoundingClientRect();
  if (!(box.width && box.height)) return 'it has no size';
  const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
  for (const [px, py] of [[x, y], [box.left + 4, box.top + 4], [box.right - 4, box.bottom - 4]]) {
    if (px < 0 || py < 0 || px > innerWidth || py > innerHeight) return `it leaves the window at ${Math.round(px)}, ${Math.round(py)}`;
    // a tip lets the pointer through: ask as if it did not
    const had = node.style.pointerEvents;
    node.style.pointerEvents = 'auto';
    const top = document.elementFromPoint(px, py);
    node.style.pointerEvents = had;
    if (top !== node && !node.contains(top)) return `${top?.className || top?.tagName} lies over it`;
  }
  return '';
}"""

# of every figure with an image and tools (prints have none, and stay as they are while the Export
# tab is not seen): its axes, and where the image lies
_IMAGES = """async () => {
  const Bokeh = await [...globalThis[Symbol.for('f2f-viz.bokehjs')].values()][0];
  const found = [];
  for (const doc of Bokeh.documents)
    for (const model of doc._all_models.values()) {
      const source = model.type === 'Figure' && model.toolbar_location && model.renderers.find((r) => r.data_source?.data?.dw?.length)?.data_source;
      if (!source) continue;
      const { x_range: { start: x0, end: x1 }, y_range: { start: y0, end: y1 } } = model;
      const { x, y, dw, dh } = source.data;
      found.push(%s);
    }
  return found;
}"""
AXES = _IMAGES % "[x0, x1, y0, y1]"
DRAWN = _IMAGES % "[x[0], y[0], x[0] + dw[0], y[0] + dh[0]]"


# what shows no scroll bar is scrolled by a focus or a link all the same, and never back
STUCK = """() => [...document.querySelectorAll('body, .f2f-app, .f2f-frame, .f2f-main')]
  .filter((n) => getComputedStyle(n).overflowY === 'hidden' && n.scrollHeight > n.clientHeight + 1)
  .map((n) => `${n.className || n.tagName} can be scrolled by ${n.scrollHeight - n.clientHeight} px, but not by a person`)"""


def whole(page):
    """Return what is wrong with the view that is seen."""
    return [fault for look in (CLIPPED, OVERLAPS, CANVASES, STUCK) for fault in page.evaluate(look)]
