"use strict";
// Keys: j and k go to the next section and back, t to the top, d changes dark and light.

const sections = [...document.querySelectorAll("main section")];

function current() {
  const above = sections.filter((section) => section.getBoundingClientRect().top < 4);
  return sections.indexOf(above[above.length - 1]);
}

function go(to) {
  if (to < 0) window.scrollTo(0, 0);
  else if (to < sections.length) sections[to].scrollIntoView();
}

function changeColours() {
  const root = document.documentElement.classList;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches ? !root.contains("light") : root.contains("dark");
  root.toggle("light", dark);
  root.toggle("dark", !dark);
}

const keys = {
  j: () => go(current() + 1),
  k: () => go(current() - 1),
  t: () => go(-1),
  d: changeColours,
};

document.addEventListener("keydown", (event) => {
  const elsewhere = event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, button, summary");
  if (elsewhere || !(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
});

// The contents at the side show where one is.
const links = new Map([...document.querySelectorAll("nav.side a")].map((a) => [a.hash.slice(1), a]));

function mark() {
  const here = sections[current()];
  for (const [name, link] of links) {
    if (here && name === here.id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

document.addEventListener("scroll", () => requestAnimationFrame(mark), { passive: true });
mark();
