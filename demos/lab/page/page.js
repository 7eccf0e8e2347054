"use strict";
// The page around a screen: its knobs, its address, its question, the keys.

const SCREENS = JSON.parse(document.getElementById("screens").textContent);
const VIEWS = {}; // by screen: {build(stage), draw(answer, before, lab)}, and perhaps steps, space, turned
const $ = (id) => document.getElementById(id);

const lab = {
  screen: null, state: {}, at: null, // the layer or step looked at; it stands in the address as well
  answer: null, before: null, turn: Date.now(), page: Math.random().toString(36).slice(2),
  recorded: null, asking: null,
};

// --- the address: #flow?phi=relu&…&at=3 ---------------------------------------------------------------

const knobOf = (name) => lab.screen.knobs.find((knob) => knob.name === name);
const query = () => new URLSearchParams(lab.screen.knobs.map((knob) => [knob.name, lab.state[knob.name]])).toString();

function readAddress() {
  const name = location.hash.slice(1).split("?")[0];
  const screen = SCREENS.find((screen) => screen.name === name) ?? SCREENS[0];
  const given = new URLSearchParams(location.hash.split("?")[1] ?? "");
  const changed = screen !== lab.screen;
  lab.screen = screen;
  lab.state = Object.fromEntries(screen.knobs.map((knob) => [knob.name, nearest(knob, given.get(knob.name) ?? knob.default)]));
  lab.at = given.has("at") ? Math.max(0, Number.parseInt(given.get("at"), 10) || 0) : null;
  if (changed) open();
  showKnobs();
  ask();
}

// In an export a setting that was not recorded becomes one that was.
function nearest(knob, value) {
  if (!lab.recorded || knob.values.includes(value)) return value;
  if (knob.kind === "choice" || !lab.screen.recorded.includes(knob.name)) return knob.default;
  return knob.values.reduce((a, b) => (Math.abs(a - value) <= Math.abs(b - value) ? a : b));
}

function writeAddress() {
  history.replaceState(null, "", `#${lab.screen.name}?${query()}${lab.at === null ? "" : `&at=${lab.at}`}`);
}

// --- knobs --------------------------------------------------------------------------------------------

function open() {
  document.title = `${lab.screen.title} · Gradient lab`;
  for (const tab of $("tabs").children) tab.toggleAttribute("aria-current", tab.dataset.name === lab.screen.name);
  $("knobs").replaceChildren(...lab.screen.knobs.filter(isTurnable).map(knobElement));
  const fixed = lab.screen.knobs.filter((knob) => !isTurnable(knob)).map((knob) => `${knob.label} ${knob.default}`);
  if (fixed.length) $("knobs").append(html("p", {}, `Recorded with ${fixed.join(", ")}. All else is for the live lab: python -m demos.lab`));
  $("stage").replaceChildren();
  $("stage").className = document.body.dataset.screen = lab.screen.name;
  $("more").replaceChildren();
  $("say").textContent = "";
  lab.answer = lab.before = null;
  VIEWS[lab.screen.name].build($("stage"));
}

const isTurnable = (knob) => !lab.recorded || lab.screen.recorded.includes(knob.name);

function knobElement(knob) {
  const field = html("fieldset", { class: "knob", "data-name": knob.name });
  field.append(html("legend", {}, knob.label));
  if (knob.kind === "choice" && knob.values.length <= 4) field.append(radios(knob));
  else if (knob.kind === "choice") field.append(select(knob));
  else field.append(slider(knob));
  if (knob.marks.length) {
    const marks = html("div", { class: "marks" });
    for (const [name, value] of knob.marks) {
      const button = html("button", { type: "button" }, name);
      button.onclick = () => turn({ [knob.name]: value });
      marks.append(button, " ");
    }
    field.append(marks);
  }
  field.append(html("p", { class: "refusal", role: "alert" }));
  return field;
}

function radios(knob) {
  const row = html("div", { class: "choices" });
  for (const value of knob.values) {
    const input = html("input", { type: "radio", name: knob.name, value });
    input.onchange = () => turn({ [knob.name]: value });
    row.append(html("label", {}, input, html("span", {}, value)));
  }
  return row;
}

function select(knob) {
  const made = html("select", { "aria-label": knob.label }, ...knob.values.map((value) => html("option", { value }, value)));
  made.onchange = () => turn({ [knob.name]: made.value });
  return made;
}

function slider(knob) {
  const range = html("input", { type: "range", min: 0, max: knob.values.length - 1, step: 1, "aria-label": knob.label });
  range.oninput = () => turn({ [knob.name]: knob.values[range.value] });
  const text = html("input", { type: "text", inputmode: "decimal", "aria-label": `${knob.label}, a number` });
  text.onchange = () => turn({ [knob.name]: text.value.trim().replace(",", ".") });
  return html("div", { class: "row" }, range, text);
}

function showKnobs() {
  for (const field of $("knobs").querySelectorAll(".knob")) {
    const knob = knobOf(field.dataset.name), value = lab.state[knob.name];
    for (const radio of field.querySelectorAll("[type=radio]")) radio.checked = radio.value === value;
    const [select, range, text] = ["select", "[type=range]", "[type=text]"].map((what) => field.querySelector(what));
    if (select) select.value = value;
    if (range) {
      const near = knob.values.reduce((a, b) => (Math.abs(a - value) <= Math.abs(b - value) ? a : b));
      range.value = knob.values.indexOf(near);
      range.setAttribute("aria-valuetext", value);
      text.value = written(value);
    }
  }
}

// A value as it stands beside its slider: 1e9 where there is no room for its zeros.
function written(value) {
  const number = Number(value);
  if (!Number.isFinite(number)) return value;
  return Math.abs(number) >= 1e6 ? number.toExponential().replace("+", "") : String(Number(number.toPrecision(5)));
}

function turn(changes) {
  for (const [name, value] of Object.entries(changes)) lab.state[name] = nearest(knobOf(name), String(value));
  VIEWS[lab.screen.name].turned?.(changes, lab.state);
  showKnobs();
  writeAddress();
  ask();
}

// --- question and answer ------------------------------------------------------------------------------

async function ask() {
  lab.asking?.abort();
  const asking = (lab.asking = new AbortController()), screen = lab.screen;
  const received = {};
  let first = true;
  const receive = (part) => {
    if (asking !== lab.asking) return;
    if (part.failed) return say(`This run failed: ${part.failed}`);
    Object.assign(received, part);
    if (Object.keys(received).length < 3) return; // only the address and the lines so far
    if (first) [lab.before, first] = [lab.answer ?? lab.before, false];
    lab.answer = received;
    draw();
  };
  for (const message of document.querySelectorAll(".refusal")) message.textContent = "";
  if (lab.recorded) return receive({ ...lab.recorded[`${screen.name}?${query()}`], address: query() });
  $("stage").classList.add("busy");
  try {
    const response = await fetch(`ask/${screen.name}?${query()}&page=${lab.page}&turn=${++lab.turn}`, { signal: asking.signal });
    if (response.status === 400) return refuse(await response.json());
    if (!response.ok) return say(await response.text());
    await events(response.body.getReader(), receive);
  } catch (error) {
    if (error.name !== "AbortError") unreachable();
  } finally {
    if (asking === lab.asking) $("stage").classList.remove("busy");
  }
}

async function events(reader, receive) {
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const pieces = text.split("\n\n");
    text = pieces.pop();
    for (const piece of pieces) receive(JSON.parse(piece.slice("data: ".length)));
  }
}

function say(text) { $("say").textContent = text; }

function refuse({ knob, message }) {
  const field = document.querySelector(`.knob[data-name="${knob}"] .refusal`);
  if (field) field.textContent = message;
  else say(message);
}

// The server has been stopped: say so, and ask again until it is there.
function unreachable() {
  const asking = lab.asking;
  say("The lab does not answer. Start it again, python -m demos.lab: this page will go on by itself.");
  setTimeout(() => { if (asking === lab.asking) ask(); }, 1000);
}

function draw() {
  if (!lab.answer) return;
  VIEWS[lab.screen.name].draw(lab.answer, lab.before, lab);
  document.querySelector("#python pre").textContent = lab.answer.lines;
}

function look(at) {
  if (at === lab.at) return;
  lab.at = at;
  writeAddress();
  draw();
}
