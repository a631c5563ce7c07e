// Puts the page together.

head();
document.getElementById("main").append(...[...sections(), timeline(), graph(), taskTable(), about()].filter(Boolean));
document.getElementById("nav").append(h("ul", {}, [...document.querySelectorAll("main > section")].map((each) =>
  h("li", {}, h("a", { href: `#${each.id}` }, each.querySelector("h2").textContent)))));
readySheet();
