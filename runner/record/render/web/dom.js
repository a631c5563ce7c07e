// Elements, words for numbers, and where the keyboard is. Everything shown is text: nothing here reads markup.
"use strict";

const run = JSON.parse(document.getElementById("data").textContent);

/** Make an element: `h("p", {class: "soft"}, "some ", h("b", {}, "text"))`; what is null or "" is left out. */
function h(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "on") for (const [event, heard] of Object.entries(value)) element.addEventListener(event, heard);
    else if (key === "at") for (const [side, length] of Object.entries(value)) element.style[side] = length;
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== ""));
  return element;
}

/** Make an element of a drawing. */
function svg(name, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** Text for people, in which what stands between backticks is code. */
function prose(text) {
  return text.split(/`([^`]+)`/).map((piece, place) => (place % 2 ? h("code", {}, piece) : piece));
}

/** A section of the page with its title, or null if there is nothing in it. */
function section(id, title, ...children) {
  const shown = children.flat().filter((child) => child != null && child !== "");
  if (!shown.length) return null;
  return h("section", { id, "aria-labelledby": `${id}-title` }, h("h2", { id: `${id}-title` }, title), shown);
}

/** Something folded, whose content is made when it is first opened. */
function folded(summary, make, open = false) {
  const details = h("details", { open }, h("summary", {}, summary));
  const fill = () => {
    if (details.open && details.children.length === 1) details.append(...[make()].flat());
  };
  details.addEventListener("toggle", fill);
  fill();
  return details;
}

function table(caption, columns, rows, attributes = {}) {
  return h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": caption },
    h("table", attributes, h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col" }, column)))),
      h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell) => h("td", {}, cell)))))));
}

/** A link to a file of the run's folder, for a page that lies in it; what is no path below it stays text. */
function fileLink(path) {
  return path.startsWith("/") ? path : h("a", { href: `./${path.split("/").map(encodeURIComponent).join("/")}` }, path);
}

/** The sign and the words of a task's state. */
function badge(task) {
  return h("span", { class: `badge is-${task.mark}` }, `${task.symbol} ${task.words}`);
}

/** A link that opens a task. */
function taskLink(task) {
  return h("a", { class: "task", href: `#task/${encodeURIComponent(task.id)}` }, task.id);
}

/** Words for a moment on an axis with marks this far apart. */
function moment(seconds, step) {
  if (step < 1) return `${seconds.toFixed(step < 0.01 ? 3 : step < 0.1 ? 2 : 1)} s`;
  if (seconds < 60 && step < 60) return `${Math.round(seconds)} s`;
  const two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(Math.round(seconds) / 60);
  if (step >= 3600) return `${Math.round(minutes / 60)} h`;
  if (step >= 60) return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)}:${two(minutes % 60)} h`;
  return `${minutes}:${two(Math.round(seconds) % 60)}`;
}

/** The distance of marks, so that about this many fit into the time. */
function stepOf(seconds, marks) {
  const round = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800,
    3600, 7200, 14400, 21600, 43200, 86400];
  return round.find((step) => seconds / step <= marks) || Math.ceil(seconds / marks / 86400) * 86400;
}

/** Let one element of many be in the tab order, and arrows lead from it; `next` answers which one, or null. */
function arrows(container, selector, next) {
  let current = null;
  const enter = (element) => {
    if (current) current.tabIndex = -1;
    current = element;
    if (current) current.tabIndex = 0;
  };
  container.addEventListener("focusin", (event) => {
    const found = event.target.closest(selector);
    if (found) enter(found);
  });
  container.addEventListener("keydown", (event) => {
    const from = event.target.closest(selector);
    const wanted = from && !event.ctrlKey && !event.metaKey && !event.altKey ? next(from, event.key) : null;
    if (!wanted) return;
    event.preventDefault();
    wanted.focus({ preventScroll: true });
    wanted.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  enter(container.querySelector(selector));
}

/** Buttons that make a picture larger and smaller; `zoom` is told a factor, or 0 for what fits. */
function zoomButtons(what, zoom) {
  const button = (sign, words, factor) =>
    h("button", { type: "button", "aria-label": `${words} ${what}`, title: words, on: { click: () => zoom(factor) } }, sign);
  return h("div", { class: "group", role: "group", "aria-label": `Size of ${what}` },
    button("−", "Smaller", 1 / 1.5), button("+", "Larger", 1.5), button("Fit", "Fit", 0));
}
