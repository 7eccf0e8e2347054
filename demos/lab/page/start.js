"use strict";
// What begins when the page is loaded: tabs, buttons, keys, and in an export the recorded runs.

SCREENS.forEach((screen, k) => {
  $("tabs").append(html("a", { href: `#${screen.name}`, "data-name": screen.name }, `${k + 1} ${screen.title}`));
});

const ACTIONS = {
  p: () => $("python").showModal(),
  "?": () => $("keys").showModal(),
  t: () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"),
  f: () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.()),
  r: () => turn(Object.fromEntries(lab.screen.knobs.map((knob) => [knob.name, knob.default]))),
  x: () => $("fix")?.click(),
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
  " ": () => (VIEWS[lab.screen.name].space ? VIEWS[lab.screen.name].space() : step(1)),
};

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  draw();
}

function step(by) {
  const steps = lab.answer ? VIEWS[lab.screen.name].steps?.(lab.answer) : 0;
  if (steps) look(Math.min(steps - 1, Math.max(0, (lab.at ?? 0) + by)));
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const inside = event.target.closest("input, select, button, a");
  if (event.target.matches("[type=text]")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (inside && (key.startsWith("Arrow") || key === " " || key === "Enter")) return;
  if (event.target.matches("select") && /^[a-z]$/.test(key)) return;
  const screen = SCREENS[Number(key) - 1];
  if (screen) location.hash = screen.name;
  else if (ACTIONS[key]) ACTIONS[key]();
  else return;
  event.preventDefault();
});

$("show-python").onclick = ACTIONS.p;
$("show-keys").onclick = ACTIONS["?"];
$("theme").onclick = ACTIONS.t;
$("full").onclick = ACTIONS.f;
$("knobs").onsubmit = (event) => event.preventDefault();
for (const close of document.querySelectorAll(".close")) close.onclick = () => close.closest("dialog").close();

// Copied where the browser allows it; else selected, ready for Ctrl-C.
async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(document.querySelector("#python pre"));
    button.textContent = "Selected: Ctrl-C copies";
  }
  setTimeout(() => (button.textContent = button.dataset.name), 1500);
}
for (const id of ["copy", "copy-link"]) $(id).dataset.name = $(id).textContent;
$("copy").onclick = () => copy($("copy"), lab.answer?.lines ?? "");
$("copy-link").onclick = () => copy($("copy-link"), location.href);

async function unpack(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

async function start() {
  document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const packed = document.getElementById("recorded");
  if (packed) lab.recorded = await unpack(packed.textContent);
  addEventListener("hashchange", readAddress);
  addEventListener("resize", draw);
  readAddress();
}
start();
