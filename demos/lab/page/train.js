"use strict";
// Screen 2: a run, streamed; Space plays it and pauses, ← and → take one step, the heat map is layers × steps.

VIEWS.train = {
  playing: null,

  build(stage) {
    this.loss = figure("Loss");
    this.norms = figure("Norm of the whole gradient");
    this.heat = figure("‖∂L/∂h‖: layers × steps");
    this.layers = figure("Layers at this step");
    stage.append(...[this.loss, this.heat, this.norms, this.layers].map((made) => made.figure));
    const button = (text, act) => { const made = html("button", { type: "button" }, text); made.onclick = act; return made; };
    this.slider = html("input", { type: "range", min: 0, max: 1, value: 0, "aria-label": "step" });
    this.slider.oninput = () => look(Number(this.slider.value));
    $("more").append(html("p", { class: "player" }, button("Play or pause", () => this.play()), button("One step", () => this.by(1)),
      button("From the start", () => look(0)), this.slider));
    clearInterval(this.playing);
    this.playing = null;
  },

  by(step) { look(Math.min(this.n - 1, (lab.at ?? this.n - 1) + step)); },

  play() {
    if (this.playing) this.playing = clearInterval(this.playing);
    else {
      if ((lab.at ?? this.n - 1) >= this.n - 1) look(0);
      this.playing = setInterval(() => { if (lab.screen.name !== "train" || lab.at >= this.n - 1) this.playing = clearInterval(this.playing); else this.by(1); }, 60);
    }
  },

  draw(a, before, lab) {
    this.n = a.loss.length;
    const at = Math.min(lab.at ?? this.n - 1, this.n - 1), common = { pointed: at, point: (k, event) => event.buttons && look(k), xlabel: "step" };
    say(a.sentence);
    this.slider.max = this.n - 1;
    this.slider.value = at;
    const now = ` at step ${at + 1}: ${shown(a.loss[at])}; accuracy ${shown(a.accuracy[Math.max(0, Math.floor((at + 1) / 5) - 1)])}`;
    plot(this.loss, { ...common, remark: now, ghosts: before?.loss ? [{ values: before.loss }] : [], lines: [{ label: "loss", values: a.loss, k: 0 }] });
    plot(this.norms, { ...common, lines: [{ label: "before", values: a.norm, k: 1 }, { label: "after clipping", values: a.clipped, k: 2 }, { label: "update : data", values: a.update, k: 3 }] });
    plot(this.layers, { lines: [{ label: "‖∂L/∂h‖", values: a.backward[at], k: 0 }] });
    this.drawHeat(a, at);
  },

  drawHeat(a, at) {
    const values = a.backward.flat().filter((v) => typeof v === "number" && v > 0).map(Math.log10);
    const low = Math.floor(Math.min(...values)), high = Math.ceil(Math.max(...values)), layers = a.backward[0].length;
    this.heat.caption.replaceChildren(html("b", {}, this.heat.title), ` dark 1e${low}, bright 1e${high}, red: not finite`);
    const box = this.heat.drawing, w = box.clientWidth || 300, h = box.clientHeight || 150, left = 52, right = w - 10, bottom = h - 30;
    const svg = element("svg", { role: "img", "aria-label": this.heat.title });
    const cell = (right - left - 20) / this.n, tall = (bottom - 8) / layers;
    a.backward.forEach((column, k) => column.forEach((v, layer) => {
      const fill = typeof v === "string" ? "#d01030" : SHADES[v > 0 ? Math.round(((Math.log10(v) - low) / (high - low || 1)) * 8) : 0];
      svg.append(element("rect", { x: left + 10 + k * cell, y: bottom - (layer + 1) * tall, width: cell + 0.5, height: tall + 0.5, fill }));
    }));
    for (let layer = 0; layer < layers; layer += Math.ceil(layers / 10)) svg.append(element("text", { x: left, y: bottom - (layer + 0.5) * tall + 4, "text-anchor": "end" }, String(layer + 1)));
    const x = left + 10 + (at + 0.5) * cell;
    svg.append(element("path", { d: `M${x} 0V${bottom + 6}`, class: "k1" }), element("text", { x, y: bottom + 20, "text-anchor": x > right - 40 ? "end" : "middle" }, `step ${at + 1}`));
    box.replaceChildren(svg);
  },

  steps: (a) => a.loss.length,
  space() { this.play(); },
};

// Nine steps of cividis, which colour-blind readers see as everybody does.
const SHADES = ["#00224e", "#1b3669", "#434e6c", "#61656f", "#7d7c78", "#9b9476", "#bbae6e", "#dcc95c", "#fee838"];
