// Coordinates and lines of a picture, for one fold. The same as align.rs, place.rs and route.rs, in the same order, so that
// the numbers are the same; a test holds them side by side. Knows nothing of the page.
"use strict";
const npc = (() => {
  const LOW = 26, HIGH = 40, LABEL = 19, HEAD = 28, PAD = 12, MARGIN = 16, STEP = 36, APART = 22, LANE = 5, BEND = 90;
  const NEAR = 20, FAR = 40, PORT = 14, ARROW = 6, SHEET = 3;
  // Kinds of cells.
  const ITEM = 0, IN = 1, OUT = 2;

  const gap = (a, b) => (a.lane && b.lane ? 6 : a.lane || b.lane ? 10 : 22);

  function align(rows, hops, extents) {
    const n = extents.length, place = new Array(n).fill(0), rowOf = new Array(n).fill(-1);
    rows.forEach((row, i) => row.forEach((cell, k) => { place[cell] = k; rowOf[cell] = i; }));
    const kept = straight(rows.length, hops.filter(([a, b]) => rowOf[a] >= 0 && rowOf[b] >= 0), extents, place, rowOf);
    const results = [];
    for (const up of [false, true]) for (const right of [false, true]) results.push(pass(rows, kept, extents, place, up, right));
    const cells = rows.flat();
    const spans = results.map((xs) => {
      let low = Infinity, high = -Infinity;
      for (const c of cells) {
        low = Math.min(low, xs[c] - extents[c].left);
        high = Math.max(high, xs[c] + extents[c].right);
      }
      return [low, high];
    });
    let narrowest = 0;
    for (let i = 1; i < 4; i++) if (spans[i][1] - spans[i][0] < spans[narrowest][1] - spans[narrowest][0]) narrowest = i;
    const [low, high] = spans[narrowest];
    results.forEach((xs, i) => {
      const by = i % 2 === 0 ? low - spans[i][0] : high - spans[i][1];
      for (let c = 0; c < n; c++) xs[c] += by;
    });
    const axes = new Array(n).fill(0);
    for (const c of cells) {
      const four = results.map((xs) => xs[c]).sort((a, b) => a - b);
      axes[c] = (four[1] + four[2]) / 2;
    }
    return axes;
  }

  function straight(count, hops, extents, place, rowOf) {
    const byRow = Array.from({ length: count }, () => []), kept = [];
    for (const h of hops) byRow[rowOf[h[0]]].push(h);
    const inner = (h) => extents[h[0]].lane && extents[h[1]].lane;
    for (const list of byRow) {
      for (const h of list) {
        const crosses = (o) => {
          const above = Math.sign(place[h[0]] - place[o[0]]), below = Math.sign(place[h[1]] - place[o[1]]);
          return above !== 0 && below !== 0 && above !== below;
        };
        if (inner(h) || !list.some((o) => inner(o) && crosses(o))) kept.push(h);
      }
    }
    return kept;
  }

  function pass(rows, hops, extents, place, up, right) {
    const n = extents.length, near = Array.from({ length: n }, () => []);
    for (const [a, b] of hops) up ? near[a].push(b) : near[b].push(a);
    const length = Math.max(0, ...rows.map((row) => row.length));
    const seen = (cell) => (right ? length - 1 - place[cell] : place[cell]);
    const ordered = rows.map((row) => (right ? row.slice().reverse() : row));
    if (up) ordered.reverse();
    const root = near.map((_, i) => i), next = near.map((_, i) => i);
    for (const row of ordered) {
      let free = 0;
      for (const cell of row) {
        const list = near[cell].sort((a, b) => seen(a) - seen(b));
        if (!list.length) continue;
        for (const m of [(list.length - 1) >> 1, list.length >> 1]) {
          const other = list[m];
          if (next[cell] === cell && free <= seen(other)) {
            next[other] = cell;
            root[cell] = root[other];
            next[cell] = root[cell];
            free = seen(other) + 1;
          }
        }
      }
    }
    const apart = (a, b) => {
      const [l, r] = right ? [extents[b], extents[a]] : [extents[a], extents[b]];
      return l.right + gap(l, r) + r.left;
    };
    const after = near.map(() => []), waits = new Array(n).fill(0);
    for (const row of ordered) {
      for (let i = 1; i < row.length; i++) {
        const a = root[row[i - 1]], b = root[row[i]];
        after[a].push([b, apart(row[i - 1], row[i])]);
        waits[b] += 1;
      }
    }
    const x = new Array(n).fill(0), done = [], ready = [];
    for (const row of ordered) for (const c of row) if (root[c] === c && waits[c] === 0) ready.push(c);
    while (ready.length) {
      const at = ready.pop();
      done.push(at);
      for (const [b, distance] of after[at]) {
        x[b] = Math.max(x[b], x[at] + distance);
        if (--waits[b] === 0) ready.push(b);
      }
    }
    for (const at of done.reverse()) {
      let room = Infinity;
      for (const [b, distance] of after[at]) room = Math.min(room, x[b] - distance);
      if (room < Infinity) x[at] = Math.max(x[at], room);
    }
    const axes = new Array(n).fill(0);
    for (const row of ordered) for (const c of row) axes[c] = right ? -x[root[c]] : x[root[c]];
    return axes;
  }

  function columns(level, bodies) {
    const extents = bodies.map((b) => b.extent), hops = level.nets.flatMap((net) => net.hops.map((h) => [h.from, h.to]));
    const count = Math.max(-1, ...level.cells.map((c) => c.column)) + 1;
    const x = new Array(bodies.length).fill(0), edge = new Array(level.rows.length).fill(-1);
    let before = null;
    for (let column = 0; column < count; column++) {
      const rows = level.rows.map((row) => row.filter((c) => level.cells[c].column === column));
      const axes = align(rows, hops, extents);
      const least = before === null ? 0 : before + STEP - head(level, rows, axes);
      const offsets = rows.map((row, i) => {
        if (!row.length) return null;
        const first = row[0], last = edge[i], left = extents[first].left - axes[first];
        const reach = row.reduce((most, c) => (extents[c].lane ? most : Math.max(most, extents[c].left)), 0);
        if (last < 0) return [least, reach];
        const between = Math.min(gap(extents[last], extents[first]), APART);
        return [Math.max(least, x[last] + extents[last].right + between + left), reach];
      });
      const tied = new Array(rows.length).fill(false);
      for (const [a, b] of hops) {
        const both = level.cells[a].column === column && level.cells[b].column === column;
        if (both && (extents[a].lane || extents[b].lane)) tied[level.cells[a].row] = true;
      }
      const shared = levelled(offsets, tied);
      rows.forEach((row, i) => {
        for (const c of row) x[c] = axes[c] + shared[i];
        if (row.length) edge[i] = row[row.length - 1];
      });
      before = head(level, rows, x);
    }
    return x;
  }

  function head(level, rows, x) {
    const cells = rows.flat(), part = cells.find((c) => level.cells[c].kind === ITEM);
    return part !== undefined ? x[part] : cells.length ? x[cells[0]] : 0;
  }

  function levelled(offsets, tied) {
    const runs = [];
    offsets.forEach((at, i) => {
      if (at === null) return;
      const run = runs[runs.length - 1], [offset, left] = at;
      if (run && run[1] === i - 1 && tied[i - 1]) runs[runs.length - 1] = [run[0], i, Math.max(run[2], offset), Math.max(run[3], left)];
      else runs.push([i, i, offset, left]);
    });
    for (let i = 1; i < runs.length;) {
      const a = runs[i - 1], b = runs[i];
      if (Math.min(Math.abs(b[2] - a[2]), Math.abs(b[3] - a[3])) < BEND) {
        runs.splice(i - 1, 2, [a[0], b[1], Math.max(a[2], b[2]), Math.max(a[3], b[3])]);
        i = Math.max(i - 1, 1);
      } else i += 1;
    }
    const all = new Array(offsets.length).fill(0);
    for (const [first, last, offset] of runs) all.fill(offset, first, last + 1);
    return all;
  }

  // Whether a cell is at the upper end of a block that runs down, or up.
  const atTop = (cell, up) => cell.kind === (up ? OUT : IN);

  function rowsOf(level, bodies, x, up) {
    const reach = new Array(level.rows.length).fill(0), rows = [];
    for (const net of level.nets) {
      for (const hop of net.hops) {
        const out = level.cells[hop.from].kind === ITEM ? bodies[hop.from].outs[net.port] : 0;
        const ins = bodies[hop.to].ins, into = ins && hop.port >= 0 ? ins[hop.port] : 0;
        const row = level.cells[hop.from].row;
        reach[row] = Math.max(reach[row], Math.abs(x[hop.to] + into - x[hop.from] - out));
      }
    }
    let y = 0;
    level.rows.forEach((row, i) => {
      const entry = row.some((c) => level.cells[c].kind === IN);
      let height = row.some((c) => atTop(level.cells[c], up)) ? HEAD : 0;
      for (const c of row) height = Math.max(height, bodies[c].height + bodies[c].below);
      rows.push([y, y + height]);
      y += height + (entry ? NEAR - 8 : NEAR) + Math.floor(Math.min(reach[i] / 8, FAR));
    });
    return rows;
  }

  function lane(half) {
    const extent = { left: half, right: half, lane: true };
    return { extent, left: half, right: half, height: 0, below: 0, ins: null, outs: [0], labelled: [], inside: null };
  }

  // Widths of labels: numbers at 0, formulas at 1.
  function insideOf(scene, open, shapes, item, marked, up) {
    const level = scene.levels[item], labelled = level.cells.map(() => []);
    level.cells.forEach((c, at) => { if (c.kind === ITEM) labelled[at] = scene.items[c.of].labels.map(() => false); });
    for (const net of level.nets) if (net.labelled) labelled[net.from][net.port] = true;
    const bodies = level.cells.map((c, at) => {
      if (c.kind === ITEM) return body(scene, open, shapes, c.of, labelled[at], level.ports[at], up);
      if (c.kind === OUT && marked[c.of]) return lane(Math.max(LANE, scene.items[item].widths[c.of][shapes] / 2));
      return lane(LANE);
    });
    const x = columns(level, bodies), rows = rowsOf(level, bodies, x, up);
    let low = Infinity, high = -Infinity;
    bodies.forEach((b, i) => { low = Math.min(low, x[i] - b.extent.left); high = Math.max(high, x[i] + b.extent.right); });
    const pad = item === 0 ? 0 : PAD;
    let w = high - low + 2 * pad, h = rows.length ? rows[rows.length - 1][1] : 0, head = 0;
    const move = (by) => { for (let i = 0; i < x.length; i++) x[i] += by; };
    move(pad - low);
    if (item !== 0) {
      const need = scene.items[item].head, lines = x.filter((_, i) => atTop(level.cells[i], up));
      const first = Math.min(w, ...lines), last = Math.max(0, ...lines);
      if (first >= w - last || !lines.length) {
        const missing = Math.ceil(Math.max(need + 6 - first, 0));
        move(missing);
        w += missing;
      } else {
        head = last;
        w += Math.ceil(Math.max(need + 6 - (w - last), 0));
      }
      const above = lines.length ? 0 : HEAD, below = level.cells.some((c) => atTop(c, !up)) ? 0 : PAD;
      // A block that runs up is turned later, so that its upper end comes last.
      for (const r of rows) { r[0] += up ? below : above; r[1] += up ? below : above; }
      h += above + below;
    }
    return { bodies, x, rows, w, h, head };
  }

  function body(scene, open, shapes, child, labelled, ports, up) {
    const item = scene.items[child], below = labelled.includes(true) ? LABEL : 0;
    if (open[child] && scene.levels[child]) {
      const inside = insideOf(scene, open, shapes, child, labelled, up);
      const ins = new Array(item.inputs).fill(0), outs = item.labels.map(() => 0);
      scene.levels[child].cells.forEach((c, i) => {
        if (c.kind === IN) ins[c.of] = inside.x[i];
        if (c.kind === OUT) outs[c.of] = inside.x[i];
      });
      const axis = ins.length ? ins[0] : outs.length ? outs[0] : inside.w / 2;
      const from = (list) => list.map((v) => v - axis);
      const left = axis, right = inside.w - axis, extent = { left, right, lane: false };
      return { extent, left, right, height: inside.h, below, ins: from(ins), outs: from(outs), labelled, inside };
    }
    const widths = labelled.map((l, i) => (l ? item.widths[i][shapes] : 16));
    const span = widths.reduce((sum, w) => sum + w, 0) + 8 * (widths.length - 1);
    const half = (widths.length > 1 ? Math.max(item.width, span) : item.width) / 2;
    const wide = widths.length === 1 ? Math.max(half, widths[0] / 2) : half;
    const outs = widths.map(() => 0);
    let at = -span / 2;
    for (const port of ports) {
      outs[port] = at + widths[port] / 2;
      at += widths[port] + 8;
    }
    const extent = { left: wide, right: wide, lane: false }, height = item.second ? HIGH : LOW;
    return { extent, left: half, right: half, height, below, ins: null, outs, labelled, inside: null };
  }

  function put(scene, placed, item, inside, ax, ay, up) {
    const level = scene.levels[item], turned = (y) => (up ? ay + inside.h - y : ay + y);
    const cells = level.cells.map((cell, i) => {
      const body = inside.bodies[i], x = ax + inside.x[i], [start, end] = inside.rows[cell.row];
      // A line out of the block ends at its frame, beyond the name where that is in the same row.
      if (cell.kind !== ITEM) return { top: turned(cell.kind === OUT ? end : start), bottom: turned(end), x, width: 0, ins: null, outs: [x] };
      const entry = start + Math.floor((end - start - body.height - body.below) / 2);
      return putItem(scene, placed, cell.of, body, x, turned(up ? entry + body.height : entry), up);
    });
    placed.joints[item] = { cells, rows: inside.rows.map((r) => r.map(turned)), up };
  }

  function putItem(scene, placed, item, body, x, top, up) {
    const spot = { x: x - body.left, y: top, w: body.left + body.right, h: body.height, head: 0 };
    if (body.inside) {
      spot.head = spot.x + body.inside.head;
      put(scene, placed, item, body.inside, spot.x, spot.y, up);
    }
    placed.spots[item] = spot;
    const outs = body.outs.map((o) => x + o), bottom = top + body.height;
    const sheet = !body.inside && scene.items[item].folds ? SHEET : 0;
    const [entry, exit, line] = up ? [bottom + sheet, top - body.below, top - 5] : [top, bottom + body.below, bottom + 14];
    body.labelled.forEach((l, port) => { if (l) placed.labels.push([item, port, outs[port], line]); });
    return { top: entry, bottom: exit, x, width: spot.w, ins: body.ins && body.ins.map((v) => x + v), outs };
  }

  /// Everything for one fold: `open[item]`, and 0 for numbers or 1 for formulas on the lines.
  function place(scene, open, shapes) {
    const n = scene.items.length;
    const placed = { size: [0, 0], spots: new Array(n).fill(null), joints: new Array(n).fill(null), labels: [], rows: [], u: [] };
    if (scene.u) {
      asU.place(scene, open, shapes, placed);
      return placed;
    }
    const inside = insideOf(scene, open, shapes, 0, [], false);
    placed.size = [inside.w + 2 * MARGIN, inside.h + 2 * MARGIN];
    put(scene, placed, 0, inside, MARGIN, MARGIN, false);
    return placed;
  }

  const start = (level, net, cell, joints) => (level.cells[cell].kind === ITEM ? joints.cells[cell].outs[net.port] : joints.cells[cell].x);

  function endsOf(level, joints) {
    const hops = level.nets.flatMap((net) => net.hops.map((hop) => [net, hop]));
    const into = level.cells.map(() => []);
    const ends = hops.map(([, hop], i) => {
      const cell = joints.cells[hop.to];
      if (hop.port >= 0 && cell.ins) return cell.ins[hop.port];
      if (hop.port >= 0 && level.cells[hop.to].kind === ITEM) into[hop.to].push(i);
      return cell.x;
    });
    const from = (i) => start(level, hops[i][0], hops[i][1].from, joints);
    into.forEach((list, at) => {
      const cell = joints.cells[at], step = Math.min(PORT, (cell.width - 20) / Math.max(list.length - 1, 1));
      list.sort((a, b) => from(a) - from(b));
      list.forEach((i, k) => { ends[i] = cell.x + step * (k - (list.length - 1) / 2); });
    });
    return ends;
  }

  function lines(scene, placed) {
    const all = [...placed.u], f = (v) => v.toFixed(1);
    placed.joints.forEach((joints, item) => {
      if (!joints) return;
      const level = scene.levels[item], ends = endsOf(level, joints);
      let at = 0;
      level.nets.forEach((net, number) => {
        const line = { level: item, net: number, paths: ["", ""], tips: [] };
        for (const hop of net.hops) {
          const end = ends[at++], from = joints.cells[hop.from], to = joints.cells[hop.to];
          const x = start(level, net, hop.from, joints);
          const leaves = level.cells[hop.from].kind === ITEM ? from.bottom : from.top;
          const arrow = level.cells[hop.to].kind === ITEM && !to.ins;
          const row = joints.rows[level.cells[hop.from].row][1], next = joints.rows[level.cells[hop.to].row][0];
          const { up } = joints, stop = arrow ? to.top - (up ? -1 : 1) * (ARROW - 1) : to.top;
          let d = `M${f(x)} ${f(leaves)}`;
          if (Math.abs(x - end) < 0.05) d += `V${f(stop)}`;
          else {
            const bend = up ? Math.max(next, stop) : Math.min(next, stop), m = f((row + bend) / 2);
            d += `V${f(row)}C${f(x)} ${m} ${f(end)} ${m} ${f(end)} ${f(bend)}`;
            if (stop !== bend) d += `V${f(stop)}`;
          }
          line.paths[hop.size] += d;
          if (arrow) line.tips.push([end, to.top, hop.size, up]);
        }
        all.push(line);
      });
    });
    return all;
  }

  /// The compact form of the file to the one that is used here.
  function unpack(data) {
    const level = (l) => l && {
      cells: l.cells.map(([kind, of, row, column]) => ({ kind, of, row, column })),
      rows: l.rows,
      ports: l.ports,
      nets: l.nets.map(([from, port, labelled, hops]) => ({
        from, port, labelled: labelled === 1, hops: hops.map(([from, to, port, size]) => ({ from, to, port, size })),
      })),
    };
    return { ...data, levels: data.levels.map(level), u: asU.unpack(data.u) };
  }

  const asU = npcU({ body, putItem, MARGIN, PORT, ARROW });

  return { place, lines, unpack, ARROW, MARGIN, ROW_GAP: asU.ROW_GAP };
})();
