// One task in full, on a sheet beside the page. Its address is #task/ID, so that it can be sent to somebody. The page
// stays alive beside it: one clicks through the bars of the timeline and reads. (A modal one would also cost a second
// with thousands of tasks: the browser has to tell every element behind it that it is out of reach.)

const sheet = document.getElementById("sheet");

function showFromAddress() {
  const named = location.hash.startsWith("#task/") ? decodeURIComponent(location.hash.slice(6)) : null;
  const task = run.tasks.find((each) => each.id === named);
  if (!task) return void (sheet.open && sheet.close());
  sheet.replaceChildren(...taskInFull(task));
  if (!sheet.open) sheet.show(); // when it closes, the browser puts the focus back to where it is now
  document.body.classList.add("beside");
  sheet.scrollTop = 0;
  sheet.querySelector("h2").focus();
}

function openTask(task) {
  location.hash = `#task/${encodeURIComponent(task.id)}`;
}

function readySheet() {
  window.addEventListener("hashchange", showFromAddress);
  sheet.addEventListener("close", () => {
    document.body.classList.remove("beside");
    if (location.hash.startsWith("#task/")) history.replaceState(null, "", location.pathname + location.search);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && sheet.open) sheet.close(); });
  showFromAddress();
}

function taskInFull(task) {
  const place = run.tasks.indexOf(task);
  const go = (words, other) => other && h("a", { class: "button", href: `#task/${encodeURIComponent(other.id)}`,
    "aria-label": `${words} task, ${other.id}` }, words);
  return [
    h("div", { class: "bar" }, go("Previous", run.tasks[place - 1]), go("Next", run.tasks[place + 1]),
      h("button", { type: "button", class: "close", on: { click: () => sheet.close() } }, "Close")),
    h("div", { class: "body" },
      h("h2", { id: "sheet-title", tabindex: -1 }, task.id),
      h("p", {}, badge(task), task.took ? h("span", { class: "soft" }, ` ${task.took}`) : null),
      task.desc ? h("p", { class: "soft" }, task.desc) : null,
      task.message ? h("p", { class: "message" }, prose(task.message)) : null,
      part("Why", why(task)),
      part("Needs", neighbours(task)),
      part("Attempts", task.attempts.map((attempt) => attemptInFull(task, attempt))),
      task.checks.length ? part("Checks", checkTable(task, task.checks)) : null,
      part("Outputs", task.outputs.map(([name, text]) => output(name, text))),
      task.artifacts.length ? part("Artifacts", table("Artifacts", ["file", "title", "size", "sha256"],
        task.artifacts.map(([path, ...others]) => [fileLink(path), ...others]))) : null,
      task.ledger.length
        ? part("Test data", table("Test data", ["", "kind", "name", "id", "at"], task.ledger)) : null),
  ];
}

function part(title, children) {
  const shown = [children].flat().filter(Boolean);
  return shown.length ? h("section", { "aria-label": title }, h("h3", {}, title), shown) : null;
}

function why(task) {
  const told = task.why.map(([at, words]) =>
    h("li", {}, h("span", { class: "when" }, `${at.toFixed(2)} s`), h("span", {}, prose(words))));
  return [told.length ? h("ol", { class: "why" }, told) : null,
    task.planned ? h("p", { class: "soft" }, `It was ${task.planned.words}.`) : null];
}

function neighbours(task) {
  const links = (ids) => ids.flatMap((id, place) => {
    const other = run.tasks.find((each) => each.id === id);
    return [place ? ", " : "", other ? taskLink(other) : `${id} (service)`];
  });
  const below = run.tasks.filter((each) => each.needs.includes(task.id)).map((each) => each.id);
  return [task.needs.length ? h("p", {}, "It needs ", links(task.needs), ".") : null,
    below.length ? h("p", {}, "Needed by ", links(below), ".") : null];
}

function attemptInFull(task, attempt) {
  const failed = attempt.outcome === "failed";
  const words = failed ? attempt.message || attempt.cause : "succeeded";
  return h("div", { class: `attempt is-${failed ? "failed" : "succeeded"}` },
    h("p", {}, h("b", {}, `Attempt ${attempt.number}`),
      attempt.start == null ? ` ${attempt.took}` : ` after ${attempt.start.toFixed(2)} s, took ${attempt.took}`,
      h("span", { class: "soft" }, attempt.pid ? `, process ${attempt.pid}${attempt.worker && ` on ${attempt.worker}`}` : null, failed ? `, ${attempt.cause}` : null)),
    h("p", {}, prose(words)),
    attempt.left.length ? h("p", {}, `Left running, and ended: ${attempt.left.join(", ")}`) : null,
    attempt.traceback ? folded("Traceback", () => h("pre", { tabindex: 0 }, attempt.traceback), failed) : null,
    attempt.log ? folded(`Log ${attempt.log}`, () => log(attempt), failed && !attempt.traceback) : null);
}

function log(attempt) {
  const words = attempt.lines ? attempt.before || "all of" : "the run's folder has it, this page has not:";
  return [h("p", { class: "soft" }, `${words} `, fileLink(attempt.log)),
    attempt.lines ? h("pre", { tabindex: 0, class: "log" }, attempt.lines) : null].filter(Boolean);
}

function output(name, text) {
  if (text.length < 100 && !text.includes("\n")) return h("p", { class: "output" }, h("code", {}, name), " ", h("span", {}, text));
  return folded(h("code", {}, name), () => h("pre", { tabindex: 0 }, text));
}
