"use strict";
// Screen 3: an expression as a graph; Space takes one step of the backward pass.

VIEWS.chain = {
  build(stage) {
    this.graph = figure("", "wide");
    this.rule = html("figure", { class: "auto" });
    this.table = html("figure", { class: "auto scroll" });
    stage.append(this.graph.figure, this.rule, this.table);
  },

  draw(a, before, lab) {
    const done = Math.min(lab.at ?? 0, a.steps.length);
    const current = done ? a.steps[done - 1] : null;
    const gathered = { L: 1 }; // what has arrived so far
    for (const step of a.steps.slice(0, done)) for (const product of step.products) gathered[product.to] = product.total;
    this.drawGraph(a, gathered, current);
    this.drawRule(a, current, done);
    this.drawTable(a, gathered);
    say(done ? `Step ${done} of ${a.steps.length}: g = ∂L/∂${current.at} = ${shown(current.g, 4)} comes to ${current.op}.` : a.sentence);
  },

  drawGraph(a, gathered, current) {
    const box = this.graph.drawing, w = Math.max(box.clientWidth, 760), h = box.clientHeight || 200;
    const columns = Math.max(...a.nodes.map((node) => node.column)) + 1;
    const place = Object.fromEntries(a.nodes.map((node) => [node.name, [((node.column + 0.5) * w) / columns, ((node.row + 0.5) * h) / node.rows]]));
    const svg = element("svg", { role: "img", "aria-label": `The graph of L, with ${a.nodes.length} values` });
    svg.style.width = `${w}px`;
    for (const node of a.nodes) for (const part of node.of) {
      const [x1, y1] = place[part], [x2, y2] = place[node.name];
      const lit = current?.at === node.name;
      svg.append(element("path", { d: `M${x1} ${y1}L${x2} ${y2}`, class: lit ? "k1 lit" : "axis" }));
    }
    for (const node of a.nodes) {
      const [x, y] = place[node.name], lit = current?.at === node.name, g = gathered[node.name];
      const width = Math.min(w / columns - 8, 120), tall = 44, rest = tall / 2 - 4;
      svg.append(element("rect", { x: x - width / 2, y: y - tall / 2, width, height: tall, rx: 6, class: `node${lit ? " lit" : ""}${g === undefined ? "" : " reached"}` }));
      const written = (text, row, cls = "") => svg.append(element("text", { x, y: y - rest + 8 + 13 * row, "text-anchor": "middle", class: cls }, text));
      written(node.op ? `${node.name}: ${SIGNS[node.op] ?? node.op}` : node.name, 0, "name");
      written(shown(node.value), 1);
      if (g !== undefined) written(`g ${shown(g)}`, 2, "gradient");
    }
    box.replaceChildren(svg);
  },

  drawRule(a, current, done) {
    if (!current) return this.rule.replaceChildren(html("p", {}, "∂L/∂L = 1. Every step carries the gradient across one op, by that op's own rule."));
    const lines = current.products.map((p) => html("p", {},
      html("code", {}, p.rule), ` = ${shown(p.product, 4)}`,
      p.before === null ? ` goes to ${p.to}` : `; ${p.to} has ${shown(p.before, 4)} already: two ways meet, and are added: ${shown(p.total, 4)}`));
    this.rule.replaceChildren(html("p", {}, html("b", {}, `g = ${shown(current.g, 4)}`), ` comes to ${current.op}`),
      ...(current.line ? [html("pre", { class: "line" }, current.line)] : []), ...lines);
  },

  drawTable(a, gathered) {
    const rows = Object.entries(a.differences ?? {}).map(([leaf, difference]) => html("tr", {}, html("td", {}, `∂L/∂${leaf}`),
      html("td", {}, gathered[leaf] === undefined ? "…" : shown(gathered[leaf], 6)), html("td", {}, shown(difference, 6))));
    this.table.replaceChildren(html("table", {}, html("tr", {}, html("th", {}, ""), html("th", {}, "chain rule"), html("th", {}, "finite differences")), ...rows));
  },

  steps: (a) => a.steps.length + 1,
};

const SIGNS = { multiply: "×", add: "+", subtract: "−", divide: "÷" };
