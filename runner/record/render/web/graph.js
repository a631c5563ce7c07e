// The graph: tasks in columns behind what they need, coloured by how they ended; the critical path is drawn stronger.

const BOX = { width: 150, height: 30, column: 200, row: 42, edge: 16 };
const LEGIBLE = 0.55;

function graph() {
  if (run.tasks.length + run.services.length < 2) return null;
  const places = run.graph.places.map(([x, y]) => [BOX.edge + x * BOX.column, BOX.edge + y * BOX.row]);
  const width = Math.max(...places.map(([x]) => x)) + BOX.width + BOX.edge;
  const height = Math.max(...places.map(([, y]) => y)) + BOX.height + BOX.edge;
  const nodes = [...run.tasks.map((task, number) => taskNode(task, places[number])),
    ...run.services.map((service, number) => serviceNode(service, places[run.tasks.length + number]))];
  const lit = svg("path", { class: "lit" });
  const lines = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  lines.append(...edgePaths(places), lit);
  const canvas = h("div", { class: "canvas", role: "group", "aria-label": "Tasks; arrow keys lead from one to the next" }, lines, nodes);
  const room = h("div", { class: "room" }, canvas);
  const frame = h("div", { class: "frame graph", tabindex: 0, role: "region", "aria-label": "Graph" }, room);
  const zoom = scaled(frame, room, canvas, width, height);
  light(canvas, nodes, lit, places);
  arrows(canvas, "button.node", (from, pressed) => nearest(nodes.slice(0, run.tasks.length), from, pressed, places));
  requestAnimationFrame(() => zoom(0));
  return section("graph", "Graph",
    h("div", { class: "controls" }, zoomButtons("the graph", zoom),
      h("p", { class: "key soft" }, run.critical.length > 1 ? h("span", {}, h("i", { class: "critical" }), "critical path") : null,
        "Edges that follow from others are left out.")),
    frame,
    folded("The graph as a list", graphList));
}

function taskNode(task, [left, top]) {
  const number = run.tasks.indexOf(task);
  const critical = run.critical.includes(number) ? " critical" : "";
  return h("button", { type: "button", class: `node is-${task.mark}${critical}`, tabindex: -1, "data-node": number,
    "aria-label": `${task.id}: ${task.words}${critical ? ", on the critical path" : ""}`, title: `${task.id}: ${task.words}`,
    at: { left: `${left}px`, top: `${top}px` }, on: { click: () => openTask(task) } },
    h("span", { "aria-hidden": "true" }, task.symbol), " ", task.id);
}

function serviceNode(service, [left, top]) {
  return h("span", { class: `node service is-${service.state}`, title: `service ${service.id}: ${service.state}`,
    at: { left: `${left}px`, top: `${top}px` } }, `◆ ${service.id}`);
}

function edgePaths(places) {
  const critical = new Set(run.critical.slice(1).map((to, place) => `${run.critical[place]} ${to}`));
  const path = (edges) => edges.map((edge) => curve(edge, places)).join("");
  const within = (edge) => critical.has(`${edge[0]} ${edge[1]}`);
  return [svg("path", { d: path(run.graph.edges.filter((edge) => !within(edge))) }),
    svg("path", { class: "critical", d: path(run.graph.edges.filter(within)) })];
}

function curve([from, to, between], places) {
  const half = BOX.height / 2, on = ([x, y]) => [BOX.edge + x * BOX.column, BOX.edge + y * BOX.row + half];
  let [x, y] = [places[from][0] + BOX.width, places[from][1] + half];
  let d = `M${x} ${y}`;
  const lead = ([a, b]) => { const bend = (a - x) / 2; d += `C${x + bend} ${y} ${a - bend} ${b} ${a} ${b}`; [x, y] = [a, b]; };
  for (const point of between.map(on)) {
    lead(point);
    x += BOX.width;
    d += `H${x}`;
  }
  lead([places[to][0], places[to][1] + half]);
  return d;
}

/** Answer what changes the size: by a factor, or by 0 to what fits into the frame, but never too small to see. */
function scaled(frame, room, canvas, width, height) {
  let scale = 1;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  return (factor) => {
    const fit = Math.min(1, Math.max(0.12, (frame.clientWidth - 2) / width));
    const middle = (frame.scrollLeft + frame.clientWidth / 2) / scale;
    scale = factor ? Math.min(3, Math.max(0.05, scale * factor)) : fit;
    canvas.style.transform = `scale(${scale})`;
    canvas.classList.toggle("far", scale < LEGIBLE);
    room.style.width = `${width * scale}px`;
    room.style.height = `${height * scale}px`;
    frame.scrollLeft = middle * scale - frame.clientWidth / 2;
  };
}

/** Show the edges of the task that is pointed at or has the focus. */
function light(canvas, nodes, lit, places) {
  const edgesOf = new Map();
  for (const edge of run.graph.edges) {
    for (const end of edge.slice(0, 2)) edgesOf.set(end, [...(edgesOf.get(end) || []), edge]);
  }
  const show = (event) => {
    const node = event.target.closest(".node");
    const edges = (node && edgesOf.get(nodes.indexOf(node))) || [];
    lit.setAttribute("d", edges.map((edge) => curve(edge, places)).join(""));
  };
  for (const event of ["mouseover", "focusin"]) canvas.addEventListener(event, show);
  canvas.addEventListener("mouseleave", () => lit.setAttribute("d", ""));
}

/** The nearest task in the direction of an arrow; what lies aside counts double. */
function nearest(nodes, from, pressed, places) {
  const along = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[pressed];
  if (!along) return { Home: nodes[0], End: nodes[nodes.length - 1] }[pressed];
  const [x, y] = places[Number(from.dataset.node)];
  let best = null, shortest = Infinity;
  nodes.forEach((node, number) => {
    const [dx, dy] = [places[number][0] - x, places[number][1] - y];
    const ahead = dx * along[0] + dy * along[1], aside = Math.abs(dx * along[1]) + Math.abs(dy * along[0]);
    if (ahead > 1 && ahead + 2 * aside < shortest) [best, shortest] = [node, ahead + 2 * aside];
  });
  return best;
}

function graphList() {
  const rows = run.tasks.map((task, number) => [taskLink(task), task.words, task.needs.join(", "),
    run.critical.includes(number) ? "yes" : ""]);
  return table("Tasks and what they need", ["task", "state", "needs", "on the critical path"], rows);
}
