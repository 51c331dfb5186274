// What a picture looks like once a browser has set its letters: what overlaps, what leaves its box, what runs through what.
function looked(svg) {
  const wrong = [], round = (v) => Math.round(v * 100) / 100;
  const inset = (b, by) => ({ left: b.x + by, top: b.y + by, right: b.x + b.width - by, bottom: b.y + b.height - by });
  const meets = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const within = (a, b) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
  const say = (e) => e.textContent.slice(0, 40);
  // In a box, letters keep a pixel from its edge.
  const faces = [...svg.querySelectorAll(".box")].map((g) => {
    const face = g.querySelector(".face").getBBox();
    for (const text of g.querySelectorAll("text")) {
      if (!within(inset(text.getBBox(), 0), inset(face, 1))) wrong.push(`"${say(text)}" leaves its box`);
    }
    const [a, b] = g.querySelectorAll("text");
    // The boxes of letters have room above and below: 2 pixels of it may meet.
    if (b && meets(inset(a.getBBox(), 2), inset(b.getBBox(), 2))) wrong.push(`lines meet in ${say(a)}`);
    return { is: say(g), at: inset(face, 0.1) };
  });
  const texts = [...svg.querySelectorAll(".shape, .head")].map((t) => ({ is: say(t), at: inset(t.getBBox(), 0.5) }));
  for (const t of svg.querySelectorAll(".frame")) {
    const head = t.querySelector(".head"), frame = t.querySelector("rect");
    if (!within(inset(head.getBBox(), 0), inset(frame.getBBox(), 1))) wrong.push(`"${say(head)}" leaves its frame`);
  }
  const pairs = (list, what) => {
    for (let i = 0; i < list.length; i++) {
      for (let k = i + 1; k < list.length; k++) if (meets(list[i].at, list[k].at)) wrong.push(`${what}: ${list[i].is} and ${list[k].is}`);
    }
  };
  pairs(faces, "boxes");
  pairs(texts, "labels");
  for (const t of texts) for (const f of faces) if (meets(t.at, f.at)) wrong.push(`label ${t.is} on ${f.is}`);
  const core = ({ left, top, right, bottom }) => ({ left: left + 1, top: top + 1, right: right - 1, bottom: bottom - 1 });
  const cores = faces.map((f) => ({ is: f.is, at: core(f.at), what: "" }));
  let lines = 0;
  for (const path of svg.querySelectorAll(".edge:not(.keys .edge)")) {
    lines += 1;
    const around = inset(path.getBBox(), -1), length = path.getTotalLength();
    const near = [...texts.map((t) => ({ ...t, what: "the label " })), ...cores].filter((t) => meets(around, t.at));
    for (let at = 0; near.length && at <= length; at += 4) {
      const { x, y } = path.getPointAtLength(at), hit = { left: x, right: x, top: y, bottom: y };
      const met = near.find((t) => meets(hit, t.at));
      if (met) { wrong.push(`a line through ${met.what}${met.is}`); break; }
    }
  }
  return { wrong: [...new Set(wrong)], boxes: faces.length, labels: texts.length, lines };
}

function leave(found) {
  const out = document.createElement("pre");
  out.id = "measured";
  out.textContent = JSON.stringify(found);
  document.body.appendChild(out);
}

// Lightness of a colour, 0 to 255.
function lightness(colour) {
  const numbers = colour.match(/[\d.]+/g).slice(0, 3).map(Number);
  return numbers.reduce((sum, n) => sum + n, 0) / 3;
}
