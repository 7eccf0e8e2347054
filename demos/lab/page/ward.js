"use strict";
// Screen 5: the symptoms of a sick net; after the vote its loss, untreated and treated.

VIEWS.ward = {
  build(stage) {
    this.gradient = figure("Gradient at the start");
    this.signal = figure("Signal at the start");
    this.units = figure("Share of outputs");
    this.loss = figure("Loss while it trains");
    stage.append(...[this.gradient, this.signal, this.units, this.loss].map((made) => made.figure));
  },

  // Another patient, another vote: the old one would tell the cause at once.
  turned(changes, state) {
    if ("seed" in changes || "severity" in changes) Object.assign(state, { cause: "?", fix: "?" });
    showKnobs();
  },

  draw(a) {
    say(a.sentence);
    $("more").replaceChildren(...(a.diagnosis ? [html("p", {}, `diagnose says: ${a.diagnosis}.`)] : []));
    plot(this.gradient, { lines: [{ label: "‖∂L/∂h‖", values: a.backward, k: 0 }, { label: "‖∂L/∂W‖", values: a.weight_grad, k: 1 }] });
    plot(this.signal, { lines: [{ label: "std h", values: a.std, k: 2 }] });
    plot(this.units, { log: false, lines: [{ label: "0", values: a.zero, k: 0 }, { label: "saturated", values: a.saturated, k: 3 }] });
    plot(this.loss, { xlabel: "step", lines: [{ label: "untreated", values: a.untreated ?? [], k: 1 },
      { label: a.treated ? "treated" : "", values: a.treated ?? [], k: 2 }] });
  },
};
