"use strict";
// → Space Page Down: the next step; ← Page Up: back; Home, End; F: full screen; N: speaker's notes;
// A: the slides run by themselves, as they do at once if the address ends in #run; D: dark or light.
// The address keeps the place: #7 is the seventh slide, #7.2 its second step.

const SECONDS = 12; // a step, when they run by themselves
const slides = [...document.querySelectorAll(".slide")];
const root = document.documentElement.classList;
root.add("js");

let place = 0;
let step = 1;
let running = 0;

const stepsOf = (k) => Number(slides[k].dataset.steps);

function show(to, atStep) {
  place = Math.max(0, Math.min(to, slides.length - 1));
  step = Math.max(1, Math.min(atStep, stepsOf(place)));
  slides.forEach((slide, k) => slide.classList.toggle("now", k === place));
  slides[place].classList.toggle("shown", step === stepsOf(place));
  document.getElementById("place").textContent = `${place + 1} / ${slides.length}`;
  history.replaceState(null, "", `#${place + 1}${step > 1 ? `.${step}` : ""}`);
}

function next() {
  if (step < stepsOf(place)) show(place, step + 1);
  else if (place + 1 < slides.length) show(place + 1, 1);
  else stop();
}

function back() {
  if (step > 1) show(place, step - 1);
  else if (place > 0) show(place - 1, stepsOf(place - 1));
}

function run() {
  running = setInterval(next, SECONDS * 1000);
}

function stop() {
  clearInterval(running);
  running = 0;
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
}

function changeColours() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches ? !root.contains("light") : root.contains("dark");
  root.toggle("light", dark);
  root.toggle("dark", !dark);
}

const keys = {
  ArrowRight: next, " ": next, PageDown: next, Enter: next,
  ArrowLeft: back, PageUp: back, Backspace: back,
  Home: () => show(0, 1),
  End: () => show(slides.length - 1, 9),
  f: fullScreen,
  n: () => root.toggle("notes"),
  a: () => (running ? stop() : run()),
  d: changeColours,
};

document.addEventListener("keydown", (event) => {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, button") || !(key in keys)) return;
  event.preventDefault();
  keys[key]();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest(".notes, a, input, button")) next();
});

const [first, second] = location.hash.slice(1).split(".").map(Number);
const byItself = location.hash === "#run";
show((first || 1) - 1, second || 1);
if (byItself) run();
