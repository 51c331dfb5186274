// Coordinates and lines of a network drawn as a U, for one fold. The same as u_place.rs, in the same order. `tools` are parts of
// place.js: body, putItem, MARGIN, PORT, ARROW.
"use strict";
const npcU = (tools) => {
  const { body, putItem, MARGIN, PORT, ARROW } = tools;
  const LANE = 9, FIRST_ENTRY = 15, STRAIGHT_ENTRY = 13, FIRST_EXIT = 5, CLEAR = 5, ROW_GAP = 14, LEAST_ROW = 30, SIDE = 12, EMPTY = 44;
  const CORNER = 6, LABEL_GAP = 14;
  const near = (a, b) => Math.abs(a - b) < 0.05;

  function placing(plan, bodies) {
    const tops = plan.parts.map(() => 0), rows = [];
    const lane = (part, [isExit, number]) => {
      const p = plan.parts[part], b = bodies[part], at = (list) => Math.max(list.indexOf(number), 0);
      const beyond = isExit ? b.below + FIRST_EXIT + LANE * at(p.exits) : FIRST_ENTRY + LANE * at(p.entries);
      return !isExit === !p.up ? -beyond : b.height + beyond;
    };
    const rooms = (part) => {
      const p = plan.parts[part], lanes = (list) => LANE * (Math.max(list.length, 1) - 1) + CLEAR;
      const entry = !p.ends.length ? CLEAR : !p.entries.length ? STRAIGHT_ENTRY : FIRST_ENTRY + lanes(p.entries);
      const exit = bodies[part].below + (p.exits.length ? FIRST_EXIT + lanes(p.exits) : CLEAR);
      return p.up ? [exit, entry] : [entry, exit];
    };
    const bottom = (part) => tops[part] + bodies[part].height + rooms(part)[1];
    const neighbour = (from, to) => {
      const of = plan.parts.map(() => -1);
      for (const stack of plan.columns) for (let i = 1; i < stack.length; i++) of[stack[i - from]] = stack[i - to];
      return of;
    };
    function offsets(parts) {
      const of = plan.parts.map(() => null);
      of[parts[0]] = 0;
      for (let k = 0; k < parts.length; k++) {
        for (const [from, exit, to, entry] of plan.ties) {
          const between = lane(from, exit) - lane(to, entry);
          if (of[from] !== null && of[to] === null) of[to] = of[from] + between;
          else if (of[from] === null && of[to] !== null) of[from] = of[to] - between;
        }
      }
      return parts.map((part) => of[part] ?? 0);
    }
    function leastTop(part, above) {
      const row = plan.parts[part].row, lanes = plan.corridors[row], room = rooms(part)[0];
      let least = rows[row] + (lanes ? LANE * lanes + CLEAR : 0) + room;
      if (above >= 0) least = Math.max(least, bottom(above) + room);
      for (const [from, exit, to, entry] of plan.below) {
        if (from === part) least = Math.max(least, tops[to] + lane(to, entry) - lane(part, exit));
      }
      return least;
    }
    function rowTop(row) {
      if (row === 0) return MARGIN;
      let top = rows[row - 1] + LEAST_ROW;
      plan.parts.forEach((p, part) => { if (p.row === row - 1) top = Math.max(top, bottom(part)); });
      return top + ROW_GAP;
    }
    function slack(part, below, height) {
      const row = plan.parts[part].row;
      let end = row + 1 < rows.length ? rows[row + 1] - ROW_GAP : height;
      if (below >= 0 && plan.parts[below].row === row) end = Math.min(end, tops[below] - rooms(below)[0]);
      let free = end - bottom(part);
      for (const [from, exit, to, entry] of plan.below) {
        if (to === part) free = Math.min(free, tops[from] + lane(from, exit) - tops[part] - lane(part, entry));
      }
      return free;
    }
    function heights() {
      const above = neighbour(0, 1), below = neighbour(1, 0);
      for (const step of plan.steps) {
        if (typeof step === "number") { rows.push(rowTop(step)); continue; }
        const of = offsets(step);
        const base = Math.max(...step.map((part, i) => leastTop(part, above[part]) - of[i]));
        step.forEach((part, i) => { tops[part] = base + of[i]; });
      }
      const height = plan.parts.reduce((most, _, part) => Math.max(most, bottom(part)), 0);
      if (plan.settles) {
        for (const step of [...plan.steps].reverse()) {
          if (typeof step === "number" || step.some((part) => !plan.parts[part].ends.length)) continue;
          const free = Math.max(0, Math.min(...step.map((part) => slack(part, below[part], height))));
          for (const part of step) tops[part] += free;
        }
      }
      return height;
    }
    function across(labels) {
      let x = MARGIN + labels + LABEL_GAP;
      const axes = [], channels = [];
      plan.channels.forEach((lanes, channel) => {
        channels.push(x + SIDE);
        const outside = channel === 0 || channel === plan.columns.length;
        x += lanes ? 2 * SIDE + LANE * (lanes - 1) : outside ? 0 : SIDE;
        const stack = plan.columns[channel];
        if (!stack) return;
        const side = (name) => stack.reduce((most, part) => Math.max(most, bodies[part].extent[name]), 0);
        axes.push(x + side("left"));
        x += stack.length ? side("left") + side("right") : EMPTY;
      });
      return { axes, channels, right: x };
    }
    return { tops, rows, lane, rooms, bottom, heights, across };
  }

  function endX(cell, part, input) {
    if (cell.ins) return cell.ins[input];
    const at = Math.max(part.ends.indexOf(input), 0), last = part.ends.length - 1;
    const middle = part.straight >= 0 ? Math.max(part.ends.indexOf(part.straight), 0) : last / 2;
    const most = Math.max(middle, last - middle, 1);
    return cell.x + Math.min(PORT, (cell.width / 2 - 10) / most) * (at - middle);
  }

  function corners(plan, made, cells, across, line) {
    const { from, to, port, input, way } = line;
    const start = [cells[from].outs[port], cells[from].bottom], end = [endX(cells[to], plan.parts[to], input), cells[to].top];
    const laneX = (track, lane) => across.channels[track] + LANE * lane;
    let exit = made.tops[from] + made.lane(from, [1, port]), entry = made.tops[to] + made.lane(to, [0, input]), ways = [];
    if (way.length === 0) {
      if (near(start[0], end[0])) return [start, end];
      exit = entry = plan.parts[from].up ? made.tops[from] - made.rooms(from)[0] : made.bottom(from);
    } else if (way.length === 1) ways = [[laneX(...way[0]), null]];
    else ways = [[laneX(...way[0]), made.rows[way[1][0]] + CLEAR + LANE * way[1][1]], [laneX(...way[2]), null]];
    const all = [start, [start[0], exit]];
    let y = exit;
    for (const [x, next] of ways) {
      all.push([x, y]);
      y = next ?? entry;
      all.push([x, y]);
    }
    all.push([end[0], entry], end);
    const kept = [];
    for (const c of all) {
      const n = kept.length;
      if (n && near(kept[n - 1][0], c[0]) && near(kept[n - 1][1], c[1])) continue;
      if (n > 1) {
        const [a, b] = [kept[n - 2], kept[n - 1]];
        if ((near(a[1], b[1]) && near(b[1], c[1])) || (near(a[0], b[0]) && near(b[0], c[0]))) kept.pop();
      }
      kept.push(c);
    }
    return kept;
  }

  function path(all) {
    const f = (v) => v.toFixed(1), length = (a, b) => Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1]);
    let d = `M${f(all[0][0])} ${f(all[0][1])}`;
    for (let i = 1; i + 1 < all.length; i++) {
      const [before, at, after] = [all[i - 1], all[i], all[i + 1]];
      const radius = Math.min(CORNER, length(before, at) / 2, length(at, after) / 2);
      const towards = (other) => [0, 1].map((k) => at[k] + (other[k] - at[k]) / Math.max(length(at, other), 1e-9) * radius);
      const a = towards(before), b = towards(after);
      d += `L${f(a[0])} ${f(a[1])}Q${f(at[0])} ${f(at[1])} ${f(b[0])} ${f(b[1])}`;
    }
    const last = all[all.length - 1];
    return `${d}L${f(last[0])} ${f(last[1])}`;
  }

  function place(scene, open, shapes, placed) {
    const plan = scene.u;
    const bodies = plan.parts.map((p) => {
      const outs = scene.items[p.item].labels.map((_, port) => port);
      return body(scene, open, shapes, p.item, outs.map(() => true), outs, p.up);
    });
    const made = placing(plan, bodies), height = made.heights();
    const across = made.across(Math.max(0, ...plan.widths.map((w) => w[shapes])));
    const cells = plan.parts.map((p, i) => putItem(scene, placed, p.item, bodies[i], across.axes[p.column], made.tops[i], p.up));
    placed.size = [across.right + MARGIN, height + MARGIN];
    placed.rows = made.rows.map((top, row) => ({ top, size: plan.sizes[row][shapes] }));
    placed.u = plan.lines.map((line, number) => {
      const all = corners(plan, made, cells, across, line), up = plan.parts[line.to].up, drawn = { level: 0, net: number, paths: ["", ""], tips: [] };
      if (!cells[line.to].ins) {
        const [x, y] = all[all.length - 1];
        drawn.tips.push([x, y, line.size, up]);
        all[all.length - 1] = [x, up ? y + ARROW - 1 : y - ARROW + 1];
      }
      drawn.paths[line.size] = path(all);
      return drawn;
    });
  }

  /// The compact form of the file to the one that is used here.
  function unpack(u) {
    if (!u) return null;
    const part = ([item, row, column, up, exits, entries, ends, straight]) => ({ item, row, column, up: up === 1, exits, entries, ends, straight });
    const line = ([from, to, port, input, size, way]) => ({ from, to, port, input, size, way });
    return { ...u, parts: u.parts.map(part), lines: u.lines.map(line) };
  }

  return { place, unpack, ROW_GAP };
};
