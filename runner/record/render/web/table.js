// The table of all tasks: sorts by any column, filters by state and by words. Its rows are drawn as grids, so that of
// thousands only those in sight are laid out; therefore they say by their roles that they are rows of a table.

const COLUMNS = [
  { name: "State", key: (task) => task.words, cell: (task) => badge(task) },
  { name: "Task", key: (task) => task.id, cell: (task) => [taskLink(task), task.desc ? h("span", { class: "soft desc" }, task.desc) : null].filter(Boolean) },
  { name: "Started", key: (task) => task.start ?? Infinity, cell: (task) => (task.start == null ? "" : `${task.start.toFixed(2)} s`), kind: "number less" },
  { name: "Took", key: (task) => task.seconds, cell: (task) => task.took, kind: "number" },
  { name: "Waited", key: (task) => task.waited, cell: (task) => task.waitedWords, kind: "number less" },
  { name: "Tries", key: (task) => task.attempts.length, cell: (task) => (task.attempts.length ? String(task.attempts.length) : ""), kind: "number less" },
  { name: "Checks", key: (task) => task.passed - 2 * task.judged, cell: (task) => (task.judged ? `${task.passed} of ${task.judged}` : ""), kind: "number less" },
  { name: "What happened", key: (task) => task.message, cell: (task) => prose(task.message), kind: "words" },
];

function taskTable() {
  const body = h("tbody", { role: "rowgroup" });
  const rows = run.tasks.map((task) => h("tr", { role: "row" },
    COLUMNS.map((column) => h("td", { class: column.kind, role: "cell" }, column.cell(task)))));
  const texts = run.tasks.map((task) => `${task.id}\n${task.desc}\n${task.words}\n${task.message}`.toLowerCase());
  const shown = { words: "", states: new Set(), sorted: null, down: false };
  const said = h("p", { class: "soft", role: "status" });
  const headings = COLUMNS.map((column) => heading(column, shown, () => { mark(headings, shown); order(body, rows, shown); }));
  const filter = () => {
    const chosen = (task) => !shown.states.size || [task.state, ...task.flags].some((word) => shown.states.has(word));
    const fits = (task, place) => texts[place].includes(shown.words) && chosen(task);
    run.tasks.forEach((task, place) => { rows[place].hidden = !fits(task, place); });
    const number = rows.filter((each) => !each.hidden).length;
    said.textContent = number === rows.length ? `${number} tasks` : `${number} of ${rows.length} tasks`;
  };
  body.append(...rows);
  filter();
  return section("tasks", "Tasks", h("div", { class: "controls" }, search(shown, filter), states(shown, filter), said),
    h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Table of tasks" },
      h("table", { class: "tasks", role: "table" },
        h("caption", { class: "unseen" }, "All tasks; the buttons in the first row sort them"),
        h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, headings)), body)));
}

/** A first click sorts upwards, the second one downwards, the third one as in the file. */
function heading(column, shown, sort) {
  const click = () => {
    if (shown.sorted !== column) [shown.sorted, shown.down] = [column, false];
    else if (!shown.down) shown.down = true;
    else [shown.sorted, shown.down] = [null, false];
    sort();
  };
  return h("th", { scope: "col", role: "columnheader", class: column.kind, "aria-sort": "none" },
    h("button", { type: "button", on: { click } }, column.name, h("span", { class: "arrow", "aria-hidden": "true" })));
}

function mark(headings, shown) {
  headings.forEach((heading, place) => heading.setAttribute("aria-sort",
    COLUMNS[place] !== shown.sorted ? "none" : shown.down ? "descending" : "ascending"));
}

function order(body, rows, shown) {
  const places = rows.map((_, place) => place);
  if (shown.sorted) {
    const keys = run.tasks.map(shown.sorted.key), sign = shown.down ? -1 : 1;
    const collator = new Intl.Collator("en", { numeric: true });
    const compare = (a, b) => (typeof a === "string" ? collator.compare(a, b) : a < b ? -1 : a > b ? 1 : 0);
    places.sort((a, b) => sign * compare(keys[a], keys[b]) || a - b);
  }
  body.replaceChildren(...places.map((place) => rows[place]));
}

function search(shown, filter) {
  const input = h("input", { type: "search", placeholder: "Filter tasks", "aria-label": "Filter tasks by words", autocomplete: "off",
    on: { input: () => { shown.words = input.value.trim().toLowerCase(); filter(); } } });
  return input;
}

function states(shown, filter) {
  const chip = (each) => h("label", { class: `chip is-${each.state}` },
    h("input", { type: "checkbox", on: { change: (event) => {
      shown.states[event.target.checked ? "add" : "delete"](each.state);
      filter();
    } } }), `${each.count} ${each.words}`);
  return run.filters.length < 2 ? null
    : h("fieldset", { class: "group" }, h("legend", { class: "unseen" }, "Only tasks that are"), run.filters.map(chip));
}
