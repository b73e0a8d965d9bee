// The page of a study: its texts and figures.

const state = { budget: data.budgets.length - 1, curve: 0, response: 0 };
const color = (place) => PALETTE[place % PALETTE.length];
const dash = (place) => DASHES[Math.floor(place / PALETTE.length) % DASHES.length];
const see = (value) => `${value.replace("#", "rgba(").replace(/rgba\((..)(..)(..)/, (_, r, g, b) => `rgba(${parseInt(r, 16)},${parseInt(g, 16)},${parseInt(b, 16)}`)},0.16)`;
const close = `${fmt(100 * data.within)} %`;
const beyond = data.exact ? "the optimum" : "the best that is known";
const decades = (gap) => `${fmt(gap)} (${percentAbove(gap)})`;
// A gap in decades as how much more that is.
function percentAbove(gap) {
  if (gap === null) return "–";
  const share = 100 * (10 ** gap - 1);
  return `${fmt(Number(share.toPrecision(share < 1 ? 2 : 3)))} %`;
}
const shareText = (value) => (value === null ? "–" : `${(100 * value).toFixed(value > 0 && value < 0.1 ? 1 : 0)} %`);
const height = (rows, least = 160) => Math.max(least, 70 + 28 * rows);

function header() {
  $("title").textContent = data.title;
  $("lead").textContent = `${count(data.searches, "search", "searches")} with ${count(data.seeds, "seed", "seeds")} each, ` +
    `${count(data.evaluations, "evaluated design", "evaluated designs")}; ${count(data.runs, "run", "runs")} of a search up to one of the budgets ${data.budgets.map((b) => b.toLocaleString("en")).join(", ")}. ` +
    (data.exact ? "Every problem's optimum is known." : "Not every optimum is known: gaps are to the best that is.") +
    (data.left_out ? ` Figures of single agents show the first option set of each; ${count(data.left_out, "other set is", "other sets are")} under “Defaults against tuned agents”.` : "");
  fillTable($("problems"), ["problem", "designs", "feasible", data.exact ? "optimum" : "best known"], data.problems.map((p) => [
    p.name, p.exact ? p.designs.toLocaleString("en") : "–", p.exact ? p.feasible.toLocaleString("en") : "–", fmt(p.optimum),
  ]), [1, 2, 3]);
  $("command").textContent = data.command.map(quoted).join(" ");
  hideWhere("command-section", !data.command.length);
  $("footer").textContent = `Written with ${Object.entries(data.written_with).map(([name, v]) => `${name} ${v}`).join(", ")}. Everything in this page is in this file.`;
}

function drawScores() {
  const found = data.scores[state.budget], colors = theme(), rows = found.places.length;
  const order = [...found.places.keys()].sort((a, b) => found.iqm[b][0] - found.iqm[a][0]);
  const name = (j) => data.labels[found.places[j]];
  $("scores").style.height = `${height(rows)}px`;
  draw("scores", {
    traces: [{
      type: "scatter", mode: "markers", x: order.map((j) => found.iqm[j][0]), y: order.map((j) => esc(name(j))),
      error_x: {
        type: "data", symmetric: false, array: order.map((j) => found.iqm[j][2] - found.iqm[j][0]), arrayminus: order.map((j) => found.iqm[j][0] - found.iqm[j][1]),
        color: colors.muted, thickness: 1.5, width: 4,
      },
      marker: { size: 10, color: order.map((j) => color(found.places[j])) }, hoverinfo: "text",
      hovertext: order.map((j) => `<b>${esc(name(j))}</b><br>${decades(found.iqm[j][0])}<br>95 %: ${fmt(found.iqm[j][1])} to ${fmt(found.iqm[j][2])}`),
    }],
    layout: layout(colors, {
      showlegend: false, xaxis: axis(colors, "interquartile mean gap (decades)", { rangemode: "tozero" }),
      yaxis: axis(colors, "", { type: "category" }),
    }),
  });
  const soon = [...order].reverse();
  fillTable($("scores-table"), ["", "interquartile mean", "95 % interval", "mean gap", "median gap", `within ${close}`], soon.map((j) => [
    name(j), decades(found.iqm[j][0]), `${fmt(found.iqm[j][1])} to ${fmt(found.iqm[j][2])}`, decades(found.mean[j]), decades(found.median[j]), shareText(found.found[j]),
  ]), [1, 2, 3, 4, 5]);
}

function drawCurves() {
  const view = data.curves[state.curve], colors = theme(), whole = view.problem === "";
  const floor = 1e-4, traces = [];
  const up = (values) => values.map((v) => Math.max(v, floor));
  view.lines.forEach((line, k) => {
    const x = data.points.slice(0, line.mean.length);
    if (x.length > 1 && data.seeds > 1) {
      traces.push({
        type: "scatter", mode: "lines", x: [...x, ...[...x].reverse()], y: [...up(line.high), ...up(line.low).reverse()], fill: "toself",
        fillcolor: see(color(k)), line: { width: 0 }, hoverinfo: "skip", showlegend: false, legendgroup: String(k),
      });
    }
    traces.push({
      type: "scatter", mode: x.length > 1 ? "lines" : "markers", x, y: up(line.mean), name: esc(data.labels[k]), legendgroup: String(k),
      line: { width: 2, color: color(k), dash: dash(k) }, hoverinfo: "text",
      hovertext: x.map((n, i) => `<b>${esc(data.labels[k])}</b><br>${count(n, "evaluation", "evaluations")}: ${whole ? decades(line.mean[i]) : shareText(line.mean[i])}`),
    });
  });
  const values = traces.flatMap((t) => t.y);
  $("curves-title").textContent = whole ? "Gap over evaluations" : "Regret over evaluations";
  $("curves-about").textContent = (whole
    ? `Mean over problems and seeds of the gap, log10(best so far / ${beyond})`
    : `${view.problem}: how far the best so far is above ${beyond}, mean over seeds`) +
    `. Bands are 95 % bootstrap intervals of that mean. Before its first feasible design a search counts as holding the worst feasible one. What is below ${whole ? "0.0001" : "0.01 %"} is drawn there.`;
  draw("curves", {
    traces,
    layout: layout(colors, {
      xaxis: axis(colors, "evaluated designs", scale(data.budgets.at(-1) > 60, data.points)),
      yaxis: axis(colors, whole ? "mean gap (decades)" : "mean regret", { ...scale(true, values), ...(whole ? {} : { tickformat: "~%", tickvals: undefined, ticktext: undefined, ...(scale(true, values).type === "log" ? { dtick: 1 } : {}) }) }),
    }),
  });
}

function steps(lines, colors, about, xaxis, end) {
  const traces = lines.map((line, k) => ({
    type: "scatter", mode: "lines", x: [...line.x, ...(line.x.length ? [end(k)] : [])], y: [...line.y, ...(line.x.length ? [line.y.at(-1)] : [])],
    line: { shape: "hv", width: 2, color: color(k), dash: dash(k) }, name: esc(data.labels[k]), hoverinfo: "text",
    hovertext: [...line.x, ...(line.x.length ? [end(k)] : [])].map((x, i) => `<b>${esc(data.labels[k])}</b><br>${about(x, line.y[Math.min(i, line.y.length - 1)])}`),
  }));
  return { traces, layout: layout(colors, { showlegend: true, xaxis, yaxis: axis(colors, "share", { range: [0, 1.02], tickformat: ".0%" }) }) };
}

function drawSoon() {
  const colors = theme(), soon = data.soon, last = data.budgets.at(-1);
  draw("shares", steps(
    soon.shares, colors, (x, y) => `${shareText(y)} within ${count(x, "evaluation", "evaluations")}`,
    axis(colors, "evaluated designs", { ...scale(last > 60, [1, last]), range: last > 60 ? [0, Math.log10(last)] : [0, last] }), (k) => data.limits[k],
  ));
  const ratios = soon.profiles.flatMap((p) => p.x), most = Math.max(2, ...ratios) * 1.1;
  draw("profiles", steps(
    soon.profiles, colors, (x, y) => `${shareText(y)} of problems in at most ${fmt(x)} times the least`,
    axis(colors, "expected evaluations over those of the fastest agent", { ...scale(true, [1, most]), range: scale(true, [1, most]).type === "log" ? [0, Math.log10(most)] : [1, most] }), () => most,
  ));
  fillTable($("expected-table"), ["problem", ...data.labels], data.problems.map((p, i) => [
    p.name, ...soon.expected.map((column) => (column[i] === null ? "never" : fmt(Number(column[i].toPrecision(3))))),
  ]), data.labels.map((_, k) => k + 1));
}

// Demšar's diagram: a scale of average ranks, a name for each agent, a bar over agents that are not told apart.
function drawRanks() {
  const found = data.ranks[state.budget], colors = theme(), k = found.places.length;
  const none = !found.ranks.length;
  $("ranks").hidden = none;
  $("ranks-about").textContent = none
    ? "Ranks over problems are compared where there are three agents and two problems at least."
    : `Average rank over ${count(data.problems.length, "problem", "problems")} of the mean gap at ${found.budget.toLocaleString("en")} evaluations; 1 is the best. ` +
      `Friedman's test (Iman and Davenport's form): p = ${fmt(found.p_value)}. Agents under one bar differ by less than the critical difference ${fmt(Number(found.difference.toPrecision(3)))} of Nemenyi's test at 5 %.`;
  if (none) return;
  const order = [...Array(k).keys()].sort((a, b) => found.ranks[a] - found.ranks[b]);
  const half = Math.ceil(k / 2), shapes = [], notes = [], line = { color: colors.ink, width: 1.5 };
  const bars = found.groups.length, rows = Math.max(half, k - half), top = 1 + 0.6 * bars;
  shapes.push({ type: "line", x0: 1, x1: k, y0: 0, y1: 0, line });
  for (let r = 1; r <= k; r++) {
    shapes.push({ type: "line", x0: r, x1: r, y0: 0, y1: 0.35, line });
    notes.push({ x: r, y: 0.75, text: String(r), showarrow: false, font: { size: 12, color: colors.ink } });
  }
  shapes.push({ type: "line", x0: 1, x1: Math.min(1 + found.difference, k), y0: 1.6, y1: 1.6, line: { color: colors.muted, width: 3 } });
  notes.push({ x: 1, y: 1.6, xanchor: "left", yshift: 11, text: "critical difference", showarrow: false, font: { size: 11, color: colors.muted } });
  found.groups.forEach((group, i) => {
    const ranks = group.map((j) => found.ranks[j]), y = -0.45 - 0.6 * i;
    shapes.push({ type: "line", x0: Math.min(...ranks) - 0.04, x1: Math.max(...ranks) + 0.04, y0: y, y1: y, line: { color: PALETTE[3], width: 5 } });
  });
  order.forEach((j, i) => {
    const left = i < half, row = left ? i : k - 1 - i, y = -top - row, rank = found.ranks[j], end = left ? 1 - 0.06 * k : k + 0.06 * k;
    shapes.push({ type: "line", x0: rank, x1: rank, y0: 0, y1: y, line: { ...line, width: 1 } });
    shapes.push({ type: "line", x0: rank, x1: end, y0: y, y1: y, line: { ...line, width: 1 } });
    notes.push({
      x: end, y, xanchor: left ? "right" : "left", showarrow: false, font: { size: 12, color: colors.ink },
      text: `${esc(data.labels[found.places[j]])} ${rank.toFixed(2)}`, xshift: left ? -4 : 4,
    });
  });
  $("ranks").style.height = `${150 + 26 * (rows + bars)}px`;
  // Room for names on both sides, of letters about 7 pixels wide.
  const share = Math.min(0.44, (7 * Math.max(...found.places.map((p) => data.labels[p].length + 6)) + 12) / $("ranks").clientWidth);
  const room = 0.06 * k + (1.12 * k - 1) * share / (1 - 2 * share);
  draw("ranks", {
    traces: [{ type: "scatter", mode: "markers", x: order.map((j) => found.ranks[j]), y: order.map(() => 0), marker: { size: 8, color: order.map((j) => color(found.places[j])) }, hoverinfo: "text", hovertext: order.map((j) => `<b>${esc(data.labels[found.places[j]])}</b><br>average rank ${found.ranks[j].toFixed(2)}`) }],
    layout: layout(colors, {
      shapes, annotations: notes, showlegend: false, margin: { l: 10, r: 10, t: 10, b: 10 },
      xaxis: { visible: false, range: [1 - room, k + room] }, yaxis: { visible: false, range: [-top - rows, 2.6] },
    }),
  });
}

function drawHyperparameters() {
  const found = data.hyperparameters[state.budget], colors = theme(), agents = found.agents;
  hideWhere("hyperparameters-section", !data.hyperparameters.some((h) => h.agents.length));
  if (!agents.length) {
    $("hyperparameters-about").textContent = "No agent is searched to this budget with several option sets.";
    $("hyperparameters").hidden = true;
    $("hyperparameters-table").replaceChildren();
    return;
  }
  $("hyperparameters").hidden = false;
  const order = [...agents.keys()].sort((a, b) => agents[b].first - agents[a].first), names = order.map((j) => esc(agents[j].agent));
  const mark = (name, symbol, tint, value) => ({
    type: "scatter", mode: "markers", name, x: order.map(value), y: names, hoverinfo: "text",
    hovertext: order.map((j, i) => `<b>${names[i]}</b>, ${name}<br>${decades(value(j))}`), marker: { symbol, size: 11, color: tint, line: { width: 1.5, color: colors.card } },
  });
  const dots = order.flatMap((j, i) => agents[j].each.map((gap, s) => [gap, names[i], data.configurations[agents[j].numbers[s]]]));
  $("hyperparameters").style.height = `${height(order.length, 220)}px`;
  $("hyperparameters-about").textContent = `Mean gap over problems and seeds at ${found.budget.toLocaleString("en")} evaluations, a dot for each option set. ` +
    "“Tuned elsewhere” takes for each problem the set that is best on all others: what tuning gives on a problem not seen. “In hindsight” takes the set that turned out best on each problem, which flatters: it has been chosen by the luck of these seeds.";
  draw("hyperparameters", {
    traces: [
      {
        type: "scatter", mode: "markers", name: "each option set", x: dots.map((d) => d[0]), y: dots.map((d) => d[1]), hoverinfo: "text",
        hovertext: dots.map(([gap, , c]) => `<b>${esc(c.label)}</b><br>${decades(gap)}`), marker: { size: 6, color: colors.muted, opacity: 0.45 },
      },
      mark("first option set", "diamond", PALETTE[1], (j) => agents[j].first),
      mark("tuned elsewhere", "circle", PALETTE[0], (j) => agents[j].tuned),
      mark("in hindsight", "triangle-left", PALETTE[2], (j) => agents[j].hindsight),
    ],
    layout: layout(colors, { xaxis: axis(colors, "mean gap (decades)", { rangemode: "tozero" }), yaxis: axis(colors, "", { type: "category" }) }),
  });
  fillTable($("hyperparameters-table"), ["agent", "option sets", "first", "tuned elsewhere", "in hindsight", "worst set", "best set"], [...order].reverse().map((j) => {
    const a = agents[j];
    return [a.agent, String(a.each.length), fmt(a.first), fmt(a.tuned), fmt(a.hindsight), fmt(Math.max(...a.each)), data.configurations[a.chosen].label];
  }), [1, 2, 3, 4, 5]);
}

function drawVariance() {
  const found = data.variance;
  hideWhere("variance-section", !found.length);
  if (!found.length) return;
  const colors = theme(), parts = [...found[state.response].parts].reverse();
  $("variance").style.height = `${height(parts.length)}px`;
  $("variance-about").textContent = "Components of the variance of runs, as shares of their sum (method of moments; hyperparameters nested in agents, seeds in both and the problem; negative estimates count as none). " +
    "A product of factors is their interaction: how much the order of agents changes from problem to problem, for example." +
    (found[state.response].left_out.length ? ` Without ${found[state.response].left_out.join(", ")}, not searched that far.` : "");
  draw("variance", {
    traces: [{
      type: "bar", orientation: "h", x: parts.map((p) => p.share), y: parts.map((p) => p.name), marker: { color: PALETTE[0] }, hoverinfo: "text",
      hovertext: parts.map((p) => `<b>${p.name}</b><br>${shareText(p.share)} (variance ${fmt(p.variance)})`),
    }],
    layout: layout(colors, { showlegend: false, xaxis: axis(colors, "share of the variance", { tickformat: ".0%", rangemode: "tozero" }), yaxis: axis(colors, "", { type: "category" }) }),
  });
}

function texts() {
  $("scores-about").textContent = `The gap is log10(best found / ${beyond}): 0.01 is 2.3 % above it, 0.3 twice as much. The interquartile mean leaves out the best and the worst quarter of all runs; ` +
    "intervals are 95 % of a bootstrap that draws seeds anew on each problem.";
  $("shares-title").textContent = `Evaluations to within ${close} of ${beyond}`;
  $("shares-about").textContent = `Share of searches, of all problems together, whose best design is within ${close} of ${beyond} after so many evaluations.`;
  $("profiles-about").textContent = `Expected evaluations to within ${close} (all evaluations made until then, over the searches that came there), divided by those of the fastest agent on that problem: at 1 the share of problems on which an agent is the fastest, to the right the share that it solves at all. ` +
    `${count(data.soon.solved, "problem is", "problems are")} solved by some agent.`;
}

function drawAll() {
  drawScores();
  drawCurves();
  drawSoon();
  drawRanks();
  drawHyperparameters();
  drawVariance();
}

function controls() {
  fillSelect($("budget"), data.budgets.map((b, j) => [String(j), b.toLocaleString("en")]), String(state.budget));
  hideWhere("budget-controls", data.budgets.length < 2);
  fillSelect($("problem"), data.curves.map((c, j) => [String(j), c.problem || "all problems"]), "0");
  hideWhere("curves-controls", data.curves.length < 2);
  fillSelect($("response"), data.variance.map((r, j) => [String(j), r.name]), "0");
  $("budget").addEventListener("change", (event) => { state.budget = Number(event.target.value); drawScores(); drawRanks(); drawHyperparameters(); });
  $("problem").addEventListener("change", (event) => { state.curve = Number(event.target.value); drawCurves(); });
  $("response").addEventListener("change", (event) => { state.response = Number(event.target.value); drawVariance(); });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
}

header();
texts();
controls();
drawAll();
document.documentElement.dataset.drawn = "yes";
