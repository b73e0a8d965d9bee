// The page: texts, controls, and which figure is drawn where.

const state = { chosen: 0, x: 0, y: 1, color: null, objective: 0, kept: null };

function fillFacts(list, facts) {
  list.replaceChildren(...facts.flatMap(([name, value, className, about]) => {
    const term = element("dt", name, className);
    if (about) term.title = about;
    return [term, element("dd", value, className)];
  }));
}

function header() {
  $("title").textContent = data.title;
  const within = data.constraints.length ? `, within ${data.constraints.join(" and ")}` : "";
  $("lead").textContent = `Least ${data.objectives.join(", ")}${within}. ` +
    `${count(data.evaluations, "design", "designs")} evaluated in ${count(data.runs.length, "run", "runs")}, ${data.feasible.toLocaleString("en")} feasible.`;
  fillTable($("runs"), ["run", "evaluations", "feasible", "started (UTC)", "versions", "store"], data.runs.map((r) => [
    r.label, r.evaluations.toLocaleString("en"), r.feasible.toLocaleString("en"),
    r.started ? r.started.replace("T", " ").replace("+00:00", "") : "–",
    Object.entries(r.versions).map(([name, v]) => `${name} ${v}`).join(", "), r.store ?? "in memory",
  ]), [1, 2]);
  for (const run of data.runs) {
    const pre = element("pre");
    pre.append(element("code", run.command, "command"));
    $("commands").append(element("h3", run.label), pre);
  }
  const [simulator] = data.title.split(" running ");
  $("footer").textContent = `Written by chipgym ${data.written_with.chipgym} on Python ${data.written_with.python}. ` +
    `Simulator ${simulator}, version ${data.simulator_version}; workload sha256 ${data.workload_digest.slice(0, 16)}… ` +
    "Everything in this page is in this file.";
}

function nearest() {
  const miss = data.nearest;
  $("nearest-section").hidden = false;
  for (const name of ["tradeoff", "chosen", "layers", "roofline", "history", "parallel", "importance"]) hide(`${name}-section`);
  const why = miss.limits.length ? `: ${miss.limits.join(", ")}` : "";
  $("nearest-text").textContent = `None of the ${data.evaluations.toLocaleString("en")} designs that were evaluated is feasible. ` +
    `The nearest miss is evaluation ${miss.number.toLocaleString("en")} of ${data.runs[miss.run].label}, with violation ${fmt(miss.violation)}${why}.`;
  fillFacts($("nearest-knobs"), data.knobs.map((k, j) => [k.name, withUnit(miss.design[j], k.unit), "", k.about]));
}

function drawTradeoff() {
  draw("tradeoff", tradeoff(data, theme(), state.x, state.y, state.color, state.chosen));
}
function drawParallel() {
  hideWhere("parallel-controls", state.kept === null);
  const among = data.parallel.places, kept = state.kept ? among.filter((i) => state.kept.has(i)).length : 0;
  $("parallel-kept").textContent = `${kept} of ${count(among.length, "line", "lines")} kept`;
  draw("parallel", parallel(data, theme(), state.chosen, state.kept));
}

function drawChosen() {
  const place = state.chosen;
  $("chosen-about").textContent = `Evaluation ${data.points.number[place].toLocaleString("en")} of ${data.runs[data.points.run[place]].label}.`;
  fillFacts($("chosen-knobs"), data.knobs.map((k, j) => [k.name, withUnit(data.designs[place][j], k.unit), "", k.about]));
  fillFacts($("chosen-metrics"), data.axes.map((a, j) => [
    plain(a), withUnit(data.points.columns[j][place], a.unit), j < data.objectives.length ? "goal" : "",
  ]));
  const words = [...data.simulate, ...data.knobs.flatMap((k, j) => ["--set", `${k.name}=${data.designs[place][j]}`])];
  $("simulate").textContent = words.map(quoted).join(" ");
  $("simulate-block").hidden = !data.simulate.length;
  drawLayers(place);
}

function drawLayers(place) {
  const layers = data.layers, table = layers.tables[place], roof = layers.rooflines[place];
  $("layers-plots").hidden = !table;
  $("roofline").hidden = !(roof && roof.names.length);
  hideWhere("roofline-section", !Object.keys(layers.rooflines).length);
  if (!table) {
    $("layers-about").textContent = Object.keys(layers.tables).length
      ? `${layers.missing} This design is not one of them: ${data.simulate.length ? "the command above with --layers shows its layers." : "choose another."}` : layers.missing;
    $("roofline-about").textContent = $("layers-about").textContent;
    return;
  }
  const own = layersOf(data, table);
  const rows = visibleLayers(data, table), left = own.names.length - rows.length, colors = theme();
  $("layers-about").textContent = `${count(rows.length, "layer", "layers")} in the order in which they run.` +
    (left ? ` ${count(left, "layer takes", "layers take")} no time of their own and less than 0.1 % of the energy each, and are left out.` : "");
  for (const what of ["time", "energy"]) {
    $(`layer-${what}`).hidden = !Object.keys(table[what]).length;
    if (!$(`layer-${what}`).hidden) draw(`layer-${what}`, layerBars(data, colors, table, rows, what));
  }
  const n = own.names.length, time = total(table.time, n) || 1, energy = total(table.energy, n) || 1;
  const key = Object.keys(table.time).length ? "time" : "energy";
  const top = [...rows].sort((a, b) => sum(table[key], b) - sum(table[key], a)).slice(0, 5);
  fillTable($("layer-table"), ["most expensive", "kind", "time", "", "energy", ""], top.map((i) => [
    own.names[i], own.kinds[i], withUnit(Number(sum(table.time, i).toPrecision(6)), layers.units.time), percent(sum(table.time, i) / time),
    withUnit(Number(sum(table.energy, i).toPrecision(6)), layers.units.energy), percent(sum(table.energy, i) / energy),
  ]), [2, 3, 4, 5]);
  if (!roof || !roof.names.length) return;
  const bound = roof.under.filter((u) => u).length;
  $("roofline-about").textContent = `Each mark is a layer, the larger the more time it takes. The machine does ${fmt(roof.peak)} GMAC/s at most` +
    (roof.bandwidths.length === 0 ? ", and its memory never stalls it." : ` and moves ${roof.bandwidths.map(fmt).join(" or ")} GB/s; memory is the lower ceiling of ${bound} of ${count(roof.names.length, "layer", "layers")}.`);
  draw("roofline", roofline(data, colors, roof, table));
}

function drawHistory() {
  draw("convergence", convergence(data, theme(), state.objective));
}

function drawImportance() {
  if (!data.importance.some((f) => f)) return;
  const figure = importance(data, theme());
  $("importance").style.height = `${figure.height}px`;
  draw("importance", figure);
}

function drawAll() {
  drawTradeoff();
  drawChosen();
  drawHistory();
  if (data.history.shares.length) draw("hypervolume", hypervolume(data, theme()));
  drawParallel();
  drawImportance();
}

function select(place) {
  state.chosen = place;
  const options = data.picks.map((p) => [p.place, p.text]);
  if (!data.picks.some((p) => p.place === place)) options.push([place, `${where(data, place)} (from a chart)`]);
  fillSelect($("design"), options.map(([key, text]) => [String(key), text]), String(place));
}

function choose(place) {
  select(place);
  drawTradeoff();
  drawChosen();
  drawParallel();
}

function texts() {
  const n = data.objectives.length, { chosen, others, broken } = data.counts;
  $("tradeoff-title").textContent = n > 1 ? "Pareto front" : "Trade-off";
  const names = data.axes.slice(0, n).map(plain);
  const behind = [others ? `${others.toLocaleString("en")} other feasible ones` : "", broken ? `${broken.toLocaleString("en")} that break a constraint` : ""].filter(Boolean);
  $("tradeoff-about").textContent = (n > 1
    ? `${count(chosen, "design", "designs")} of which no other is better in ${names.slice(0, -1).join(", ")} or ${names[n - 1]} without being worse in another` : `The ${chosen > 1 ? `${chosen} best designs` : "best design"} by ${names[0]}`) +
    (behind.length ? `, drawn over ${behind.join(" and ")}` : "") + ". Click one to choose it.";
  $("history-about").textContent = "The least feasible value so far.";
  $("hypervolume-about").textContent = n > 1
    ? `Hypervolume: how much of the objective space (logarithmic) a run has dominated, as a share of what the combined front does; the reference point is ${data.history.reference} on a scale where 0 is that front's least and 1 its greatest value of each objective.` +
      (n > 3 ? " With more than three objectives it is estimated from seeded draws." : "")
    : "";
  hideWhere("parallel-section", data.parallel.axes.length === n);
  const drawn = data.parallel.places.length, shown = drawn < chosen ? ` ${drawn} of ${chosen} are drawn, spread over the first objective.` : "";
  $("parallel-about").textContent = `A line for each design${n > 1 ? " of the front" : " to choose from"}, coloured by ${plain(data.axes[0])}, before other feasible ones in grey.${shown} ` +
    (coarse() ? "Touch a line to choose its design." : "Drag over an axis to keep what crosses it there; click a line to choose its design.");
  const known = data.importance.map((f, j) => [f, data.axes[j]]).filter(([f]) => f);
  hideWhere("importance", !known.length);
  $("importance-about").textContent = known.length
    ? "Permutation importance: how much worse a random forest predicts the logarithm of an objective, on designs that it has not seen, once a knob's values are shuffled among them. " +
      `R² unshuffled: ${known.map(([f, a]) => `${plain(a)} ${f.r2.toFixed(2)}`).join(", ")} (${known[0][0].designs.toLocaleString("en")} designs); near 0 the bars mean nothing. ` +
      "It speaks of the designs that the search went to, which are not an even sample of the space."
    : "Too few feasible designs, or none that differ, to say which knobs matter.";
}

function controls() {
  const usable = data.axes.map((a, j) => [j, a]).filter(([j, a]) => a.varies || j < data.objectives.length);
  const options = usable.map(([j, a]) => [String(j), a.title]);
  const n = data.objectives.length;
  const common = ["latency_s", "energy_j", "area_mm2", "power_w"].map((name) => data.axes.findIndex((a) => a.name === name));
  const other = common.filter((j) => j > 0 && data.axes[j].varies);
  [state.x, state.y] = n > 1 ? [0, 1] : other.length > 1 ? [other[0], other[1]] : [0, other[0] ?? usable.find(([j]) => j > 0)?.[0] ?? 0];
  state.color = n > 2 ? 2 : n === 1 ? 0 : null;
  fillSelect($("axis-x"), options, String(state.x));
  fillSelect($("axis-y"), options, String(state.y));
  fillSelect($("axis-color"), [["", "none"], ...options], state.color === null ? "" : String(state.color));
  for (const [id, key] of [["axis-x", "x"], ["axis-y", "y"], ["axis-color", "color"]]) {
    $(id).addEventListener("change", (event) => {
      state[key] = event.target.value === "" ? null : Number(event.target.value);
      drawTradeoff();
    });
  }
  fillSelect($("history-objective"), data.objectives.map((_, j) => [String(j), data.axes[j].title]), "0");
  $("history-objective").addEventListener("change", (event) => { state.objective = Number(event.target.value); drawHistory(); });
  hideWhere("history-controls", n < 2);
  hideWhere("hypervolume", n < 2);
  $("design").addEventListener("change", (event) => choose(Number(event.target.value)));
}

function listen() {
  $("tradeoff").on("plotly_click", (event) => {
    choose(event.points[0].customdata);
  });
  $("parallel").on("plotly_click", (event) => {
    const [line] = event.points[0].customdata;
    if (line < data.counts.chosen) choose(line);
  });
  const keep = (kept) => { state.kept = kept; drawParallel(); };
  $("parallel").on("plotly_selected", (event) => {
    if (!event || !event.points.length) return;
    const crossed = new Map();
    for (const p of event.points) {
      const [line, j] = p.customdata;
      if (j >= 0) crossed.set(j, (crossed.get(j) ?? new Set()).add(line));
    }
    const [first, ...rest] = [...crossed.values()];
    keep(new Set([...first].filter((line) => rest.every((lines) => lines.has(line)))));
  });
  $("parallel").on("plotly_deselect", () => keep(null));
  $("keep-all").addEventListener("click", () => keep(null));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
}

header();
if (data.nearest) {
  nearest();
} else {
  texts();
  controls();
  select(data.picks[0].place);
  drawAll();
  listen();
}
document.documentElement.dataset.drawn = "yes";
