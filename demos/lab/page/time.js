"use strict";
// Screen 4: the gradient over time, the eigenvalues, the forget gates, and the cliff on which one drags the start.

VIEWS.time = {
  build(stage) {
    this.gradient = figure("Gradient over time");
    this.eigen = figure("Eigenvalues of W_hh, and the unit circle");
    this.forget = figure("Product of the forget gates after t");
    this.cliff = figure("The cliff: E over b");
    stage.append(...[this.gradient, this.eigen, this.forget, this.cliff].map((made) => made.figure));
  },

  draw(a, before, lab) {
    say(a.sentence);
    const pointed = lab.at === null ? null : Math.min(lab.at, a.h.length - 1), common = { pointed, point: look, xlabel: "t", first: 0 };
    const old = (name) => (before?.[name] ? [{ values: before[name] }] : []);
    const isLstm = a.c[0] !== null;
    plot(this.gradient, { ...common, ghosts: old("h"), lines: [{ label: "‖∂L/∂h_t‖", values: a.h, k: 0 },
      { label: isLstm ? "‖∂L/∂c_t‖" : "", values: isLstm ? a.c : [], k: 2 }] });
    this.drawEigenvalues(a);
    if (isLstm) plot(this.forget, { ...common, ghosts: old("forget_product"), lines: [{ label: "Π f, in a typical unit", values: a.forget_product, k: 1 }] });
    else this.forget.drawing.replaceChildren(html("p", {}, "An RNN has no forget gates: choose the LSTM."));
    if (a.E) this.drawCliff(a);
  },

  drawEigenvalues(a) {
    this.eigen.caption.replaceChildren(html("b", {}, this.eigen.title), ` radius ${shown(a.radius)}, largest singular value ${shown(a.singular)}`);
    const box = this.eigen.drawing, w = box.clientWidth || 300, h = box.clientHeight || 150;
    const reach = 1.1 * Math.max(1, a.radius), unit = Math.min(w, h) / 2 / reach, [x, y] = [w / 2, h / 2];
    const svg = element("svg", { role: "img", "aria-label": `Spectral radius ${shown(a.radius)}, largest singular value ${shown(a.singular)}` });
    svg.append(element("circle", { cx: x, cy: y, r: unit, class: "circle" }), element("text", { x: x + unit + 4, y: y + 14 }, "1"));
    svg.append(element("path", { d: `M${x - unit * reach} ${y}h${2 * unit * reach}M${x} ${y - unit * reach}v${2 * unit * reach}`, class: "grid" }));
    for (const [re, im] of a.eigenvalues) svg.append(mark(0, x + unit * re, y - unit * im));
    box.replaceChildren(svg);
  },

  drawCliff(a) {
    const on = (point, k) => ({ x: point[0], y: point[1], k });
    const remark = ` from b = ${shown(a.start[0], 5)}, slope ${shown(a.g)}: a step ends at ${shown(a.step[0], 5)}, clipped at ${shown(a.clipped[0], 5)}`;
    plot(this.cliff, { remark, log: false, xs: a.places, xlabel: lab.recorded ? "b" : "b: drag the start", lines: [{ label: "", values: a.E, k: 0 }],
      points: [on(a.start, 0), on(a.step, 1), on(a.clipped, 2)], point: lab.recorded ? null : (k, event) => { if (event.buttons) turn({ b: a.places[k].toFixed(3) }); } });
  },

  steps: (a) => a.h.length,
};
