"use strict";
// Drawing: lines over layers, bars, and legends, as SVG. Nothing here knows what it draws.

const SVG = "http://www.w3.org/2000/svg";
const MARKS = ["circle", "square", "triangle", "diamond"];

function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function html(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// A number as it is read aloud; what is not finite arrives as a string.
function shown(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return { inf: "∞", "-inf": "−∞", nan: "NaN" }[value] ?? value;
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)) return value.toExponential(digits - 2);
  return String(Number(value.toPrecision(digits)));
}

function mark(k, x, y, r = 3.2) {
  const shape = MARKS[k % 4], cls = `k${k % 4}`;
  if (shape === "circle") return element("circle", { cx: x, cy: y, r, class: cls });
  if (shape === "square") return element("rect", { x: x - r, y: y - r, width: 2 * r, height: 2 * r, class: cls });
  const points = shape === "triangle" ? [[0, -r - 1], [r + 1, r], [-r - 1, r]] : [[0, -r - 1], [r + 1, 0], [0, r + 1], [-r - 1, 0]];
  return element("polygon", { points: points.map(([a, b]) => `${x + a},${y + b}`).join(" "), class: cls });
}

// The caption of a figure: what it shows, and its lines with their marks.
function legend(caption, title, lines, remark) {
  caption.replaceChildren(html("b", {}, title));
  for (const line of lines.filter((line) => line.label)) {
    const theory = line.k === undefined;
    const sample = element("svg", { viewBox: "0 0 26 11", "aria-hidden": "true" });
    sample.append(element("path", { d: "M0 5.5H26", class: theory ? "theory" : `k${line.k}` }));
    if (!theory) sample.append(mark(line.k, 13, 5.5));
    caption.append(sample, ` ${line.label}`);
  }
  caption.append(remark);
}

function figure(title, cls = "") {
  const drawing = html("div", { class: "drawing" });
  const made = html("figure", { class: cls }, html("figcaption", {}, html("b", {}, title)), drawing);
  return { figure: made, caption: made.firstChild, drawing, title };
}

const finite = (value) => typeof value === "number";

// The range of an axis, and where its lines are: powers of ten, or round numbers.
function axis(values, log, zero = true) {
  const kept = values.filter((v) => finite(v) && (!log || v > 0)).map((v) => (log ? Math.log10(v) : v));
  let low = kept.length ? Math.min(...kept) : 0, high = kept.length ? Math.max(...kept) : 1;
  if (log) {
    low = Math.floor(low - 0.05);
    high = Math.ceil(high + 0.05);
    if (high - low < 2) low = high - 2;
    const step = Math.ceil((high - low) / 6), ticks = [];
    for (let t = Math.ceil(low / step) * step; t <= high; t += step) ticks.push([t, t > -3 && t < 4 ? String(Number(`1e${t}`)) : `1e${t}`]);
    return { low, high, ticks, at: (v) => Math.log10(v) };
  }
  if (zero) low = Math.min(low, 0);
  if (high === low) high = low + 1;
  const raw = (high - low) / 5, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= raw);
  const ticks = [];
  for (let n = Math.ceil(low / step); n * step <= high + step * 1e-6; n++) ticks.push([n * step, String(Number((n * step).toPrecision(3)))]);
  return { low, high: zero ? high + (high - low) * 0.05 : high, ticks, at: (v) => v };
}

// The empty panel: its scales X and Y from values to pixels, with ticks and labels drawn.
function panel(made, { n, values, log, xs, xlabel, first }) {
  const w = made.drawing.clientWidth || 300, h = made.drawing.clientHeight || 150;
  const [left, right, top, bottom] = [52, w - 10, 8, h - 30];
  const svg = element("svg", { role: "img" });
  const y = axis(values, log), x = xs ? axis(xs, false, false) : { low: 0, high: n - 1, ticks: [] };
  const across = (t) => left + 10 + ((right - left - 20) * (t - x.low)) / (x.high - x.low);
  const up = (t) => bottom - ((bottom - top) * (t - y.low)) / (y.high - y.low);
  const inside = (v, { low, high }) => (finite(v) ? Math.min(high, Math.max(low, v)) : high);
  const step = Math.max(1, Math.ceil(n / 10));
  if (!xs) for (let k = 0; k < n; k += step) x.ticks.push([k, String(k + first)]);
  for (const [t, text] of y.ticks) svg.append(element("path", { d: `M${left} ${up(t)}H${right}`, class: "grid" }), element("text", { x: left - 5, y: up(t) + 4, "text-anchor": "end" }, text));
  for (const [t, text] of x.ticks) svg.append(element("text", { x: across(t), y: bottom + 14, "text-anchor": "middle" }, text));
  svg.append(element("path", { d: `M${left} ${bottom}H${right}`, class: "axis" }), element("text", { x: right, y: bottom + 27, "text-anchor": "end" }, xlabel));
  return {
    svg, n, top, bottom, X: (k) => across(xs ? xs[k] : k), Y: (v) => up(y.at(v)), visible: (v) => finite(v) && (!log || v > 0),
    at: (px, py) => [across(inside(px, x)), up(inside(py, y))], // of any point, moved to the edge if it lies outside
    index: (event) => Math.round(Math.min(1, Math.max(0, (event.clientX - made.drawing.getBoundingClientRect().left - left - 10) / (right - left - 20))) * (n - 1)),
  };
}

// Lines over 1 … n (or over `xs`), the ghosts of those before, and marks for what cannot be drawn on a line.
function plot(made, { lines, ghosts = [], log = true, xlabel = "layer", first = 1, pointed = null, point = null, points = [], broken = null, xs = null, remark = "" }) {
  legend(made.caption, made.title, lines, remark);
  const n = Math.max(2, ...lines.map((line) => line.values.length));
  const p = panel(made, { n, values: [...lines, ...ghosts].flatMap((line) => line.values), log, xs, xlabel, first });
  p.svg.setAttribute("aria-label", `${made.title}: ${lines.map((l) => `${l.label}, from ${shown(l.values[0])} to ${shown(l.values.at(-1))}`).join("; ")}`);
  if (pointed !== null) p.svg.append(element("path", { d: `M${p.X(pointed)} ${p.top}V${p.bottom}`, class: "pointer" }));
  if (broken !== null) markBroken(p, broken, first);
  for (const line of ghosts) p.svg.append(element("path", { d: way(p, line.values), class: "ghost" }));
  for (const line of lines) {
    p.svg.append(element("path", { d: way(p, line.values), class: line.k === undefined ? "theory" : `k${line.k}` }));
    if (line.k !== undefined && !xs) marks(p, line, log); // a curve over xs has not so many measurements
  }
  for (const { x, y, k } of points) p.svg.append(mark(k, ...p.at(x, y), 6));
  if (point) for (const kind of ["pointermove", "pointerdown"]) p.svg.addEventListener(kind, (event) => point(p.index(event), event));
  made.drawing.replaceChildren(p.svg);
}

// The path of a line, with gaps where there is nothing to draw.
function way(p, values) {
  return values.map((v, k) => (p.visible(v) ? `${k && p.visible(values[k - 1]) ? "L" : "M"}${p.X(k).toFixed(1)} ${p.Y(v).toFixed(1)}` : "")).join("");
}

// A mark for every measurement, or for some of many; ∞ and NaN stand at the upper edge, 0 at the lower one of a log axis.
function marks(p, { values, k }, log) {
  const every = Math.max(1, Math.ceil(values.length / 60)), bad = (v) => typeof v === "string";
  const [start, end] = [values.findIndex(bad), values.findLastIndex(bad)];
  const write = (at, y, text) => p.svg.append(element("text", { x: p.X(at), y, "text-anchor": "middle", class: "bad" }, text));
  values.forEach((v, at) => {
    if (p.visible(v) && at % every === 0) p.svg.append(mark(k, p.X(at), p.Y(v)));
    else if (bad(v)) write(at, p.top + 10, at === start || at === end ? shown(v) : "·");
    else if (v === 0 && log) write(at, p.bottom - 3, "0");
  });
}

function markBroken(p, broken, first) {
  const x = p.X(broken), early = broken < p.n / 2;
  p.svg.append(element("path", { d: `M${x} ${p.top}V${p.bottom}`, class: "bad" }),
    element("text", { x: x + (early ? 6 : -6), y: p.top + 26, "text-anchor": early ? "start" : "end", class: "bad" }, `not finite: ${broken + first}`));
}

// Bars side by side: shares in per cent, the scale below them in units of their root mean square.
function bars(made, groups) {
  const box = made.drawing, w = box.clientWidth || 300, h = box.clientHeight || 150, svg = element("svg", { role: "img", "aria-label": made.title });
  groups.forEach((group, j) => {
    const left = (w / groups.length) * j + 12, width = w / groups.length - 24, top = 22, bottom = h - 30;
    svg.append(element("text", { x: left, y: 13 }, group.label));
    if (!group.shares) return svg.append(element("text", { x: left + width / 2, y: h / 2, "text-anchor": "middle", class: "bad" }, group.missing));
    const cell = width / group.shares.length, most = Math.max(...group.shares, 1);
    group.shares.forEach((share, k) => svg.append(element("rect", { class: `bar k${j}`, x: left + k * cell, width: Math.max(cell - 1, 1), y: bottom - ((bottom - top) * share) / most, height: ((bottom - top) * share) / most })));
    svg.append(element("path", { d: `M${left} ${bottom}h${width}`, class: "axis" }));
    ["−3", "0", "3 rms"].forEach((text, k) => svg.append(element("text", { x: left + (width * k) / 2, y: bottom + 14, "text-anchor": ["start", "middle", "end"][k] }, text)));
  });
  box.replaceChildren(svg);
}
