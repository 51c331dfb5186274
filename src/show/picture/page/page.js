// The page around a picture: opening and closing, moving, finding, telling. Knows no layout.
"use strict";
(() => {
  const scene = npc.unpack(JSON.parse(document.getElementById("graph").textContent));
  const { items } = scene;
  const byId = (id) => document.getElementById(id);
  const view = byId("view"), picture = byId("picture"), about = byId("about"), find = byId("find"), found = byId("found");
  const state = { open: items.map((item) => item.open), shapes: scene.shapes, zoom: 1, at: null, matches: [], hit: -1 };
  let placed = null, size = [0, 0];

  const escape = (text) => text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
  const f = (v) => v.toFixed(1);
  const hue = (item) => (item.kind === null ? "" : ` k${item.kind % scene.hues}`);
  const chain = (i) => (i > 0 ? [...chain(items[i].parent), i] : []);
  const children = items.map(() => []);
  items.forEach((item, i) => { if (i > 0) children[item.parent].push(i); });

  function texts(item) {
    const which = item.instance && `<tspan class="which" dx="6">${escape(item.instance)}</tspan>`;
    return escape(item.title) + which;
  }

  function frame(i, { x, y, w, h, head }) {
    const item = items[i];
    return `<g class="frame${hue(item)}" data-item="${i}"><rect class="field" x="${f(x)}" y="${f(y)}" width="${f(w)}" height="${f(h)}" rx="8"/>`
      + `<g class="fold" role="button" aria-expanded="true" aria-label="Close ${escape(item.path)}" data-item="${i}" tabindex="-1">`
      + `<rect class="grip" x="${f(head + 4)}" y="${f(y + 4)}" width="${f(item.head - 6)}" height="20" rx="5"/>`
      + `<text class="head" x="${f(head + 10)}" y="${f(y + 18)}">${texts(item)}<tspan dx="6">−</tspan></text></g></g>`;
  }

  function box(i, { x, y, w, h }) {
    const item = items[i], end = item.what === "input" || item.what === "result";
    const kind = end ? "end" : `${item.folds ? "block" : "op"} s${item.shade}${hue(item)}`;
    const rect = (name, x, y, w, h, r) => `<rect class="${name}" x="${f(x)}" y="${f(y)}" width="${f(w)}" height="${f(h)}" rx="${r}"/>`;
    const middle = x + w / 2 + (item.folds ? 6 : 0);
    const pressed = item.folds ? ` role="button" aria-expanded="false"` : ` role="img"`;
    return `<g class="box ${kind}" data-item="${i}" tabindex="-1"${pressed} aria-label="${escape(spoken(item))}">`
      + (item.folds ? rect("under", x + 3, y + 3, w, h, 6) : "")
      + rect("face", x, y, w, h, end ? h / 2 : 6)
      + (item.folds ? rect("mark", x + 6, y + 7, 5, h - 14, 2.5) : "")
      + `<text class="title" x="${f(middle)}" y="${f(y + (item.second ? 17.5 : 17))}">${texts(item)}</text>`
      + (item.second ? `<text class="second" x="${f(middle)}" y="${f(y + 31.5)}">${escape(item.second)}</text>` : "")
      + "</g>";
  }

  const spoken = (item) => [item.title, item.instance, item.second, item.labels.map((l) => l[0]).join(", ")].filter(Boolean).join(", ");

  function draw() {
    placed = npc.place(scene, state.open, state.shapes);
    size = placed.size;
    const parts = [], late = [];
    placed.spots.forEach((spot, i) => {
      if (spot && state.open[i]) parts.push(frame(i, spot));
      else if (spot) late.push(box(i, spot));
    });
    placed.rows.forEach((row, i) => {
      if (i) parts.push(`<path class="row" d="M${npc.MARGIN} ${f(row.top - npc.ROW_GAP / 2)}H${f(size[0] - npc.MARGIN)}"/>`);
      parts.push(`<text class="level" x="${npc.MARGIN}" y="${f(row.top + 12)}">${escape(row.size)}</text>`);
    });
    for (const line of npc.lines(scene, placed)) {
      const owner = `data-line="${line.level}.${line.net}"`;
      line.paths.forEach((d, size) => { if (d) parts.push(`<path class="edge${size ? " size" : ""}" ${owner} d="${d}"/>`); });
      for (const [x, y, size, up] of line.tips) {
        parts.push(`<path class="tip${size ? " size" : ""}" ${owner} d="M${f(x)} ${f(y)}L${f(x - 3.5)} ${f(up ? y + npc.ARROW : y - npc.ARROW)}H${f(x + 3.5)}Z"/>`);
      }
    }
    for (const [i, port, x, y] of placed.labels) {
      late.push(`<text class="shape" x="${f(x)}" y="${f(y)}">${escape(items[i].labels[port][state.shapes] || items[i].labels[port][0])}</text>`);
    }
    picture.setAttribute("viewBox", `0 0 ${f(size[0])} ${f(size[1])}`);
    picture.innerHTML = parts.join("") + late.join("");
    scale();
    mark();
    focusable();
  }

  function scale() {
    picture.style.width = `${size[0] * state.zoom}px`;
    picture.style.height = `${size[1] * state.zoom}px`;
  }

  const element = (i) => picture.querySelector(`.fold[data-item="${i}"], .box[data-item="${i}"]`);

  // One box at a time is in the order of the tabulator; arrows go on from there.
  function focusable() {
    if (state.at === null || !element(state.at)) state.at = Number(picture.querySelector(".box, .fold")?.dataset.item ?? 0);
    element(state.at)?.setAttribute("tabindex", "0");
  }

  function go(i, focus) {
    element(state.at)?.setAttribute("tabindex", "-1");
    state.at = i;
    const target = element(i);
    target?.setAttribute("tabindex", "0");
    if (focus) target?.focus({ preventScroll: true });
    reveal(i);
    tell(i);
  }

  function reveal(i) {
    const spot = placed.spots[i];
    if (!spot) return;
    const z = state.zoom, left = picture.offsetLeft + spot.x * z, top = picture.offsetTop + spot.y * z;
    const h = state.open[i] ? 30 : spot.h, w = Math.min(spot.w * z, view.clientWidth / 2), edge = 40;
    if (left < view.scrollLeft + edge) view.scrollLeft = left - edge;
    else if (left + w > view.scrollLeft + view.clientWidth - edge) view.scrollLeft = left + w - view.clientWidth + edge;
    if (top < view.scrollTop + edge) view.scrollTop = top - edge;
    else if (top + h * z > view.scrollTop + view.clientHeight - edge) view.scrollTop = top + h * z - view.clientHeight + edge;
  }

  // What stays, stays where it is on the screen.
  function keep(i, change) {
    const before = placed.spots[i], z = state.zoom;
    change();
    draw();
    const after = placed.spots[i];
    if (before && after) {
      view.scrollLeft += (after.x - before.x) * z;
      view.scrollTop += (after.y - before.y) * z;
    }
  }

  function toggle(i) {
    if (!items[i].folds) return;
    keep(i, () => { state.open[i] = !state.open[i]; });
    go(i, true);
  }

  function all(open) {
    items.forEach((item, i) => { if (i > 0) state.open[i] = item.folds && open(item, i); });
    draw();
  }

  const deepest = () => items.reduce((most, item, i) => (state.open[i] && placed.spots[i] ? Math.max(most, item.depth) : most), 0);

  // What is told of an item.
  function tell(i) {
    const item = items[i];
    const rows = item.path ? [["path", item.path]] : [];
    if (item.what === "block" || item.what === "run") rows.push(["block", scene.kinds[item.kind][0]], ["operators", item.size.toLocaleString("en")]);
    if (item.what === "operator") rows.push(["operator", item.op]);
    rows.push(...item.config.filter(([, value]) => value));
    if (item.reads.length) rows.push([item.reads.length > 1 ? "inputs" : "input", item.reads.join("\n")]);
    if (item.labels.length) rows.push([item.labels.length > 1 ? "outputs" : "output", item.labels.map(([n, form]) => (form && form !== n ? `${n}\n${form}` : n)).join("\n")]);
    if (item.params) rows.push(["parameters", item.params.toLocaleString("en")]);
    if (item.macs) rows.push(["MACs", `${item.macs.toLocaleString("en")} (${(100 * item.share).toFixed(item.share < 0.001 ? 4 : 1)} %)`]);
    if (item.field) rows.push(["receptive field", item.field]);
    if (item.source) rows.push(["source", item.source]);
    const same = alike(i).length;
    if (same > 1) rows.push(["the same", `${same} times, outlined`]);
    about.innerHTML = `<h2>${escape(item.title || scene.name)}</h2><dl>${rows.map(([k, v]) => `<dt>${escape(k)}</dt><dd>${escape(String(v))}</dd>`).join("")}</dl>`;
    mark(i);
  }

  const alike = (i) => (items[i].class === null ? [] : items.flatMap((item, k) => (item.class === items[i].class ? [k] : [])));

  // What it reads and gives, in the block around it.
  function linesOf(i) {
    const level = i > 0 && scene.levels[items[i].parent];
    if (!level) return [];
    if (scene.u && items[i].parent === 0) {
      const part = scene.u.parts.findIndex((p) => p.item === i);
      return scene.u.lines.flatMap((line, k) => (line.from === part || line.to === part ? [`0.${k}`] : []));
    }
    const cell = level.cells.findIndex((c) => c.kind === 0 && c.of === i);
    const touches = (net) => net.from === cell || net.hops.some((h) => h.to === cell);
    return level.nets.flatMap((net, k) => (touches(net) ? [`${items[i].parent}.${k}`] : []));
  }

  function mark(at = state.at) {
    for (const e of picture.querySelectorAll(".same, .hit, .holds, .now, .lit")) e.classList.remove("same", "hit", "holds", "now", "lit");
    for (const line of at === null ? [] : linesOf(at)) {
      for (const e of picture.querySelectorAll(`[data-line="${line}"]`)) e.classList.add("lit");
    }
    const same = at === null ? [] : alike(at);
    if (same.length > 1) for (const i of same) element(i)?.classList.add("same");
    for (const i of state.matches) {
      // A match inside a closed block marks the block.
      const shown = chain(i).find((k) => !state.open[k]) ?? i;
      element(shown)?.classList.add(shown === i ? "hit" : "holds");
    }
    if (state.hit >= 0) element(state.matches[state.hit])?.classList.add("now");
    picture.classList.toggle("searching", state.matches.length > 0);
  }

  function search() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const text = (item) => [item.path, item.title, item.op, item.instance, ...item.around, ...item.labels.flat()].join(" ").toLowerCase();
    state.matches = words.length ? items.flatMap((item, i) => (i > 0 && words.every((w) => text(item).includes(w)) ? [i] : [])) : [];
    state.hit = -1;
    found.textContent = words.length ? `${state.matches.length} found` : "";
    mark();
  }

  function next(by) {
    const n = state.matches.length;
    if (!n) return;
    state.hit = (state.hit + by + n) % n;
    const i = state.matches[state.hit];
    found.textContent = `${state.hit + 1} of ${n}`;
    if (chain(items[i].parent).some((k) => !state.open[k])) {
      for (const k of chain(items[i].parent)) state.open[k] = true;
      draw();
    }
    go(i, false);
    mark();
  }

  function zoom(by, x = view.clientWidth / 2, y = view.clientHeight / 2) {
    const before = state.zoom, after = Math.min(4, Math.max(0.05, before * by));
    const px = (view.scrollLeft + x - picture.offsetLeft) / before, py = (view.scrollTop + y - picture.offsetTop) / before;
    state.zoom = after;
    scale();
    view.scrollLeft = px * after + picture.offsetLeft - x;
    view.scrollTop = py * after + picture.offsetTop - y;
  }

  const fit = () => zoom(Math.min((view.clientWidth - 24) / size[0], (view.clientHeight - 24) / size[1]) / state.zoom);

  // The nearest box in a direction.
  function nearest(dx, dy) {
    const middle = (s, i) => [s.x + s.w / 2, s.y + (state.open[i] ? 14 : s.h / 2)];
    const from = placed.spots[state.at];
    if (!from) return null;
    const [x, y] = middle(from, state.at);
    let best = null, least = Infinity;
    placed.spots.forEach((spot, i) => {
      if (!spot || i === state.at) return;
      const [a, b] = middle(spot, i), along = (a - x) * dx + (b - y) * dy, aside = Math.abs((a - x) * dy) + Math.abs((b - y) * dx);
      if (along > 1 && along + 2 * aside < least) { least = along + 2 * aside; best = i; }
    });
    return best;
  }

  const target = (event) => {
    const e = event.target.closest?.(".fold, .box");
    return e ? Number(e.dataset.item) : null;
  };

  picture.addEventListener("click", (event) => {
    const i = target(event);
    if (i === null || state.dragged) return;
    if (items[i].folds) toggle(i); else go(i, true);
  });
  picture.addEventListener("pointerover", (event) => {
    const i = target(event);
    if (i !== null) tell(i);
  });
  picture.addEventListener("pointerleave", () => { if (state.at !== null) tell(picture.contains(document.activeElement) ? state.at : 0); });
  picture.addEventListener("focusin", (event) => {
    const i = target(event);
    if (i !== null && i !== state.at) go(i, false);
  });
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowLeft: [-1, 0] }[event.key];
    const i = state.at;
    if (step) {
      const to = nearest(...step);
      if (to !== null) go(to, true);
    } else if (event.key === "Enter" || event.key === " ") toggle(i);
    else if (event.key === "Backspace") {
      const parent = items[i].parent;
      if (parent > 0) toggle(parent);
    } else return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.target === find || event.ctrlKey || event.metaKey || event.altKey) return;
    const does = { "/": () => find.focus(), "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: fit, 1: () => zoom(1 / state.zoom) }[event.key];
    if (does) { does(); event.preventDefault(); }
  });
  find.addEventListener("input", search);
  find.addEventListener("keydown", (event) => {
    if (event.key === "Enter") next(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") { find.value = ""; search(); element(state.at)?.focus(); }
  });
  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const r = view.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 300), event.clientX - r.left, event.clientY - r.top);
  }, { passive: false });
  view.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.pointerType === "touch") return;
    const from = { x: event.clientX, y: event.clientY, left: view.scrollLeft, top: view.scrollTop };
    state.dragged = false;
    const move = (e) => {
      const dx = e.clientX - from.x, dy = e.clientY - from.y;
      if (Math.abs(dx) + Math.abs(dy) > 4) state.dragged = true;
      if (state.dragged) { view.scrollLeft = from.left - dx; view.scrollTop = from.top - dy; view.classList.add("dragged"); }
    };
    const stop = () => {
      removeEventListener("pointermove", move);
      view.classList.remove("dragged");
      setTimeout(() => { state.dragged = false; });
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", stop, { once: true });
  });
  byId("close").addEventListener("click", () => all(() => false));
  byId("deeper").addEventListener("click", () => { const to = deepest() + 1; all((item) => item.depth <= to); });
  byId("open").addEventListener("click", () => all(() => true));
  byId("nearer").addEventListener("click", () => zoom(1.25));
  byId("farther").addEventListener("click", () => zoom(0.8));
  byId("fit").addEventListener("click", fit);
  byId("shapes").value = String(state.shapes);
  byId("shapes").addEventListener("change", (event) => { state.shapes = Number(event.target.value); draw(); });

  draw();
  // As wide as the window, if the letters stay readable.
  state.zoom = Math.min(1, Math.max(0.6, (view.clientWidth - 24) / size[0]));
  scale();
  tell(0);
  // For tests and for the console.
  window.graph = { scene, state, draw, all, toggle, placed: () => placed };
})();
