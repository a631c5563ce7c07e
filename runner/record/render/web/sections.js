// The parts above the pictures: the verdict, what failed, the evidence, what changed, what was left behind.

const FAILURES = 20, EVIDENCE = 12, LAST_LINES = 8;

function head() {
  const total = run.tasks.length;
  const share = run.shares.map(([mark, count]) => h("span", { class: `is-${mark}`, at: { flexGrow: count } }));
  const legend = run.counts.map((each) =>
    h("li", { class: `is-${each.state}` }, h("b", {}, String(each.count)), ` ${each.words}`));
  document.getElementById("head").append(
    h("p", { class: "soft name" }, run.name, h("span", { class: "run" }, run.run)),
    h("h1", { class: `is-${run.verdict}` }, run.words.verdict),
    total ? h("div", { class: "share", "aria-hidden": "true" }, share) : null,
    h("ul", { class: "legend", "aria-label": "Tasks by state" }, legend),
    h("p", { class: "unseen" }, `${run.words.totals}.`),
    run.words.checks ? h("p", {}, `${run.words.checks}.`) : "",
    h("p", { class: "soft" }, `${run.words.time}.`),
    ...run.notes.map((words) => h("p", {}, words)),
  );
}

/** Sections in the order of the page, those of which there is nothing left out. */
function sections() {
  return [failures(), brokenServices(), evidence(), changes(), leftBehind()];
}

function failures() {
  const failed = run.tasks.filter((task) => task.failed).sort((a, b) => Number(b.required) - Number(a.required));
  const more = failed.length - FAILURES;
  return section("failed", "What failed",
    failed.slice(0, FAILURES).map(failure),
    more > 0 ? h("p", { class: "soft" }, `and ${more} more: the table of tasks below has all`) : null);
}

function failure(task) {
  const bad = task.checks.filter((check) => check.verdict === "failed" && !check.attempt);
  const last = task.attempts[task.attempts.length - 1];
  const lines = last ? (last.traceback || last.lines).trimEnd().split("\n").slice(-LAST_LINES) : [];
  return h("article", { class: `card is-${task.mark}` },
    h("h3", {}, taskLink(task), badge(task)),
    task.message ? h("p", {}, prose(task.message)) : null,
    bad.length ? h("ul", { class: "checks" }, bad.slice(0, 5).map(checkItem)) : null,
    bad.length > 5 ? h("p", { class: "soft" }, `and ${bad.length - 5} more failed checks`) : null,
    lines.join("") ? h("pre", { tabindex: 0 }, lines.join("\n")) : null);
}

function checkItem(check) {
  return h("li", { class: `is-${check.verdict}` }, h("span", { "aria-hidden": "true" }, check.symbol),
    h("span", { class: "unseen" }, `${check.verdict}: `), h("span", {}, h("span", { class: "what" }, check.name),
      check.words ? h("span", { class: "soft" }, ` ${check.words}`) : null));
}

function brokenServices() {
  const broken = run.services.filter((service) => service.state === "failed");
  return section("services", "Services that failed", broken.map((service) =>
    h("article", { class: "card is-failed" }, h("h3", {}, service.id), h("p", {}, prose(service.message)),
      service.lines ? h("pre", { tabindex: 0 }, service.lines) : null)));
}

/** Checks by task: first those that nothing follows (a checkpoint), then what failed, then the rest. */
function evidence() {
  const needed = new Set(run.tasks.flatMap((task) => task.needs));
  const rank = (task) => (needed.has(task.id) ? (task.failed ? 1 : 2) : 0);
  const judged = run.tasks.filter((task) => task.judged).sort((a, b) => rank(a) - rank(b));
  const more = judged.length - EVIDENCE;
  return section("evidence", "Evidence",
    judged.slice(0, EVIDENCE).map((task, place) => folded(
      [h("span", { class: "task" }, task.id), h("span", { class: `soft is-${task.mark}` },
        task.symbol, ` ${task.checksWords}`)],
      () => checkTable(task, task.checks.filter((check) => !check.attempt)),
      place === 0 || task.failed)),
    more > 0 ? h("p", { class: "soft" }, `and checks of ${more} more tasks: open them in the table below`) : null);
}

function checkTable(task, checks) {
  const rows = checks.map((check) => [
    h("span", { class: `is-${check.verdict} sign` }, h("span", { "aria-hidden": "true" }, check.symbol),
      h("span", { class: "unseen" }, check.verdict)),
    check.attempt ? `attempt ${check.attempt}: ${check.name}` : check.name,
    h("span", { class: "soft" }, check.words)]);
  const more = task.unseen ? h("p", { class: "soft" }, `and ${task.unseen}: report.json has all`) : null;
  return [table(`Checks of ${task.id}`, ["", "check", "what was seen"], rows, { class: "checks" }), more].filter(Boolean);
}

function changes() {
  if (!run.previous) return null;
  const turn = { newly_failing: "failed", check_failing: "failed", fixed: "succeeded", check_fixed: "succeeded" };
  const list = run.previous.changes.map((change) => h("li", { class: `is-${turn[change.kind] || "skipped"}` }, change.words));
  return section("changes", "Changed since the run before",
    h("p", { class: "soft" }, `Run ${run.previous.run}`),
    list.length ? h("ul", { class: "turns" }, list) : h("p", {}, "Nothing."));
}

function leftBehind() {
  const processes = run.tasks.flatMap((task) => task.attempts.flatMap((each) => each.left.map((name) => [taskLink(task), name])));
  const linked = (id) => { const found = run.tasks.find((task) => task.id === id); return found ? taskLink(found) : id; };
  return section("left", "Left behind",
    run.orphans.length ? table("Test records left behind", ["task", "kind", "name", "id", "prefix"],
      run.orphans.map(([id, ...others]) => [linked(id), ...others])) : null,
    processes.length ? table("Processes left behind, and ended", ["task", "process left running, and ended"], processes) : null);
}

function about() {
  return section("about", "About this run",
    h("dl", {}, run.about.filter(([, value]) => value !== "").flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}
