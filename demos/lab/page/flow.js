"use strict";
// Screen 1: signal and gradient of every layer; the layer pointed at; the verdict, and its fix as a button.

VIEWS.flow = {
  build(stage) {
    this.gradient = figure("Gradient");
    this.signal = figure("Signal");
    this.factors = figure("What a layer multiplies the gradient by");
    this.inside = figure("Inside a layer");
    stage.append(...[this.gradient, this.signal, this.factors, this.inside].map((made) => made.figure));
  },

  draw(a, before, lab) {
    this.say(a); // first, as it takes room from the figures
    const n = a.layers.length, pointed = Math.min(lab.at ?? 0, n - 1), common = { pointed, point: look };
    const old = (name, k) => (before?.[name] ? [{ values: before[name], k }] : []);
    plot(this.gradient, { ...common, broken: a.broken.backward, ghosts: old("backward"), lines: [
      { label: "‖∂L/∂h‖", values: a.backward, k: 0 }, { label: "‖∂L/∂W‖", values: a.weight_grad, k: 1 },
      { label: "theory", values: a.backward_theory }] });
    plot(this.signal, { ...common, broken: a.broken.forward, ghosts: old("rms"), lines: [
      { label: "√E h²", values: a.rms, k: 0 }, { label: "std h", values: a.std, k: 2 },
      { label: a.signal_theory ? "theory" : "", values: a.signal_theory ?? [] }] });
    plot(this.factors, { ...common, log: false, ghosts: old("gain"), lines: [
      { label: "weights", values: a.weights, k: 1 }, { label: "× slope", values: a.slope, k: 2 },
      { label: "= gain", values: a.gain, k: 0 }, { label: "√χ, theory", values: a.predicted }] });
    this.drawInside(a, pointed);
  },

  drawInside(a, k) {
    const bar = (values, name) => ({ label: values ? `${name}: rms ${shown(values.rms)}` : name, shares: values?.shares, missing: "0, or not finite" });
    this.inside.caption.replaceChildren(html("b", {}, `Layer ${k + 1} of ${a.layers.length}`),
      `, ${a.layers[k]}: ‖∂L/∂h‖ ${shown(a.backward[k])}, weights ${shown(a.weights[k])} × slope ${shown(a.slope[k])} = ${shown(a.gain[k])}`);
    if (a.z) bars(this.inside, [bar(a.z[k], "z"), bar(a.delta[k], "δ = ∂L/∂z")]);
  },

  say(a) {
    say(a.sentence);
    const lines = [];
    if (a.cause) lines.push(html("p", {}, `${a.evidence}. Cause: ${a.cause}.`));
    if (a.fix) {
      const line = html("p", {}, "Fix: ");
      if (Object.keys(a.turns).length) {
        const button = html("button", { type: "button", id: "fix" }, "Turn the knobs so ", html("kbd", {}, "X"));
        button.onclick = () => turn(a.turns);
        line.append(button, " ");
      }
      line.append(html("code", {}, a.fix));
      lines.push(line);
    }
    $("more").replaceChildren(...lines);
  },

  steps: (a) => a.layers.length,
};
