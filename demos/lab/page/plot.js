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

// Lines over 1 … n (or over `xs`). Values that are not finite, or 0 on a log axis, are marked at the edge.
function plot(made, { lines, ghosts = [], log = true, xlabel = "layer", first = 1, pointed = null, point = null, points = [], broken = null, xs = null, remark = "" }) {
  legend(made.caption, made.title, lines, remark);
  const box = made.drawing, w = box.clientWidth || 300, h = box.clientHeight || 150;
  const [left, right, top, bottom] = [52, w - 10, 8, h - 30];
  const n = Math.max(2, ...lines.map((line) => line.values.length));
  const y = axis([...lines, ...ghosts].flatMap((line) => line.values), log);
  const place = xs ? axis(xs, false, false) : { low: 0, high: n - 1 };
  const X = (k) => left + 10 + ((right - left - 20) * ((xs ? xs[k] : k) - place.low)) / (place.high - place.low);
  const Y = (v) => bottom - ((bottom - top) * (y.at(v) - y.low)) / (y.high - y.low);
  const svg = element("svg", { role: "img", "aria-label": `${made.title}: ${lines.map((l) => `${l.label}, from ${shown(l.values[0])} to ${shown(l.values.at(-1))}`).join("; ")}` });
  for (const [value, text] of y.ticks) {
    const at = bottom - ((bottom - top) * (value - y.low)) / (y.high - y.low);
    svg.append(element("path", { d: `M${left} ${at}H${right}`, class: "grid" }), element("text", { x: left - 5, y: at + 4, "text-anchor": "end" }, text));
  }
  if (xs) for (const [value, text] of place.ticks) svg.append(element("text", { x: left + 10 + ((right - left - 20) * (value - place.low)) / (place.high - place.low), y: bottom + 14, "text-anchor": "middle" }, text));
  else {
    const step = Math.max(1, Math.ceil(n / 10));
    for (let k = 0; k < n; k += step) svg.append(element("text", { x: X(k), y: bottom + 14, "text-anchor": "middle" }, String(k + first)));
  }
  svg.append(element("path", { d: `M${left} ${bottom}H${right}`, class: "axis" }), element("text", { x: right, y: bottom + 27, "text-anchor": "end" }, xlabel));
  if (pointed !== null) svg.append(element("path", { d: `M${X(pointed)} ${top}V${bottom}`, class: "pointer" }));
  if (broken !== null) svg.append(element("path", { d: `M${X(broken)} ${top}V${bottom}`, class: "bad" }),
    element("text", { x: X(broken) + (broken < n / 2 ? 6 : -6), y: top + 26, "text-anchor": broken < n / 2 ? "start" : "end", class: "bad" }, `not finite from ${broken + first}`));
  const visible = (v) => finite(v) && (!log || v > 0);
  const way = (values) => values.map((v, k) => (visible(v) ? `${k && visible(values[k - 1]) ? "L" : "M"}${X(k).toFixed(1)} ${Y(v).toFixed(1)}` : "")).join("");
  for (const line of ghosts) svg.append(element("path", { d: way(line.values), class: "ghost" }));
  for (const line of lines) {
    svg.append(element("path", { d: way(line.values), class: line.k === undefined ? "theory" : `k${line.k}` }));
    if (line.k === undefined) continue;
    if (xs) continue; // a curve, not so many measurements
    const every = Math.max(1, Math.ceil(line.values.length / 60));
    line.values.forEach((v, k) => { if (visible(v) && k % every === 0) svg.append(mark(line.k, X(k), Y(v))); });
    const broken = line.values.findIndex((v) => typeof v === "string");
    if (broken >= 0) line.values.forEach((v, k) => { if (typeof v === "string") svg.append(element("text", { x: X(k), y: top + 10, "text-anchor": "middle", class: "bad" }, k === broken || k === line.values.findLastIndex((u) => typeof u === "string") ? shown(v) : "·")); });
    if (log) line.values.forEach((v, k) => { if (v === 0) svg.append(element("text", { x: X(k), y: bottom - 3, "text-anchor": "middle", class: "bad" }, "0")); });
  }
  const inside = (v, low, high) => (finite(v) ? Math.min(high, Math.max(low, v)) : high);
  for (const p of points) {
    const x = left + 10 + ((right - left - 20) * (inside(p.x, place.low, place.high) - place.low)) / (place.high - place.low);
    svg.append(mark(p.k, x, Y(inside(p.y, y.low, y.high)), 6));
  }
  if (point) for (const kind of ["pointermove", "pointerdown"]) svg.addEventListener(kind, (event) => {
    const ratio = (event.clientX - box.getBoundingClientRect().left - left - 10) / (right - left - 20);
    point(Math.round(Math.min(1, Math.max(0, ratio)) * (n - 1)), event);
  });
  box.replaceChildren(svg);
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
