// The timeline: a lane for each worker, or a row for each task; what was planned stands below what was.

const VIEWS = { worker: "by worker", task: "by task" };

function timeline() {
  if (!run.timeline.bars.length) return null;
  const whole = Math.max(run.seconds, ...run.timeline.planned.map(([, , start, seconds]) => start + seconds), 0.001);
  const rows = h("div", { class: "rows", role: "group", "aria-label": "Attempts; arrow keys lead from one to the next" });
  const frame = h("div", { class: "frame timeline", tabindex: 0, role: "region", "aria-label": "Timeline" }, rows);
  const shown = { view: "worker", zoom: 1 };
  const draw = () => {
    rows.replaceChildren(axis(whole, shown.zoom), ...(shown.view === "worker" ? byWorker(whole) : byTask(whole)));
    arrows(rows, ".bar", nextBar);
  };
  const zoom = (factor) => {
    shown.zoom = factor ? Math.min(64, Math.max(1, shown.zoom * factor)) : 1;
    rows.style.width = `${shown.zoom * 100}%`;
    rows.replaceChild(axis(whole, shown.zoom), rows.firstChild);
  };
  const choice = Object.entries(VIEWS).map(([view, words]) => h("label", {},
    h("input", { type: "radio", name: "view", checked: view === shown.view,
      on: { change: () => { shown.view = view; draw(); } } }), words));
  draw();
  return section("timeline", "Timeline",
    h("div", { class: "controls" }, h("fieldset", { class: "group" }, h("legend", { class: "unseen" }, "Lanes"), choice),
      zoomButtons("the timeline", zoom), key()),
    frame,
    folded("The timeline as a table", timelineTable));
}

function key() {
  return h("p", { class: "key soft", "aria-hidden": "true" },
    h("span", {}, h("i", { class: "pause wait" }), "waits for room"), h("span", {}, h("i", { class: "pause rest" }), "rests before a retry"),
    run.timeline.planned.length ? h("span", {}, h("i", { class: "plan" }), "planned") : null);
}

function axis(whole, zoom) {
  const step = stepOf(whole / zoom, 8), marks = [];
  for (let at = 0; at <= whole + step / 1000; at += step) {
    marks.push(h("span", { at: { left: share(at, whole) } }, moment(at, step)));
  }
  return h("div", { class: "row axis", "aria-hidden": "true" }, h("span", { class: "label" }), h("div", { class: "track" }, marks));
}

const share = (seconds, whole) => `${((seconds / whole) * 100).toFixed(4)}%`;

function row(label, items, kind = "") {
  return h("div", { class: `row ${kind}` }, h("span", { class: "label", title: label }, label), h("div", { class: "track" }, items));
}

function byWorker(whole) {
  const lanes = Array.from({ length: run.timeline.lanes }, () => []);
  for (const bar of run.timeline.bars) lanes[bar[2]].push(barOf(bar, whole));
  for (const pause of run.timeline.pauses) if (pause[4] != null) lanes[pause[4]].push(pauseOf(pause, whole));
  const planned = Array.from({ length: Math.max(0, ...run.timeline.planned.map((each) => each[1] + 1)) }, () => []);
  for (const each of run.timeline.planned) planned[each[1]].push(planOf(each, whole));
  return [...lanes.map((items, lane) => row(`worker ${lane + 1}`, items)), ...serviceRows(whole),
    ...planned.map((items, lane) => row(`planned ${lane + 1}`, items, "planned"))];
}

function byTask(whole) {
  const rows = new Map();
  const of = (task) => { if (!rows.has(task)) rows.set(task, []); return rows.get(task); };
  for (const bar of run.timeline.bars) of(bar[0]).push(barOf(bar, whole));
  for (const pause of run.timeline.pauses) of(pause[0]).push(pauseOf(pause, whole));
  for (const each of run.timeline.planned) of(each[0]).push(planOf(each, whole));
  return [...serviceRows(whole), ...[...rows].map(([task, items]) => row(run.tasks[task].id, items, "one"))];
}

function serviceRows(whole) {
  return run.services.filter((service) => service.start != null).map((service) => row(service.id, [
    h("span", { class: "served", at: { left: share(service.start, whole), width: share(service.seconds, whole) },
      title: `service ${service.id}, ${service.took}` }, service.url)], "service"));
}

function barOf([number, place, lane, start, seconds], whole) {
  const task = run.tasks[number], attempt = task.attempts[place];
  const mark = attempt.outcome === "succeeded" ? "succeeded" : task.mark === "flaky" || task.mark === "excused" ? task.mark : "failed";
  const tries = task.attempts.length > 1 ? `, attempt ${attempt.number}` : "";
  const words = `${task.id}${tries}: ${attempt.message || attempt.outcome}; after ${start.toFixed(2)} s, took ${attempt.took}, worker ${lane + 1}`;
  return h("button", { type: "button", class: `bar is-${mark}`, tabindex: -1, "aria-label": words, title: words,
    at: { left: share(start, whole), width: share(seconds, whole) }, on: { click: () => openTask(task) } }, task.id);
}

function pauseOf([number, kind, start, end, , words], whole) {
  return h("span", { class: `pause ${kind}`, title: `${run.tasks[number].id} ${words}`,
    at: { left: share(start, whole), width: share(end - start, whole) } });
}

function planOf([number, , start, seconds], whole) {
  const task = run.tasks[number];
  return h("span", { class: "plan", title: `${task.id}: ${task.planned.words}`,
    at: { left: share(start, whole), width: share(seconds, whole) } }, task.id);
}

/** Left and right along a lane, up and down to the nearest in another one. */
function nextBar(bar, pressed) {
  const within = [...bar.parentElement.querySelectorAll(".bar")].sort((a, b) => a.offsetLeft - b.offsetLeft);
  const place = within.indexOf(bar);
  if (pressed === "ArrowRight") return within[place + 1];
  if (pressed === "ArrowLeft") return within[place - 1];
  if (pressed === "Home") return within[0];
  if (pressed === "End") return within[within.length - 1];
  const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[pressed];
  for (let lane = step && bar.closest(".row")[step]; lane; lane = lane[step]) {
    const others = [...lane.querySelectorAll(".bar")];
    const distance = (other) => Math.abs(other.offsetLeft - bar.offsetLeft);
    if (others.length) return others.reduce((best, other) => (distance(other) < distance(best) ? other : best));
  }
  return null;
}

function timelineTable() {
  const rows = run.timeline.bars.map(([number, place, lane, start]) => {
    const task = run.tasks[number], attempt = task.attempts[place];
    return [taskLink(task), String(attempt.number), `worker ${lane + 1}`, `${start.toFixed(2)} s`, attempt.took,
      attempt.outcome === "failed" ? attempt.cause : "succeeded", task.planned ? task.planned.words : ""];
  });
  return table("Attempts in the order of their starts",
    ["task", "attempt", "where", "started after", "took", "how it ended", "plan"], rows);
}
