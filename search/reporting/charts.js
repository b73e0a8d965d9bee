"use strict";
// Figures: plain functions of the report's data, of the chosen design and of the colours of the day or night.

const PALETTE = ["#3b7dd8", "#e07f32", "#2f9e6e", "#c8506c", "#8a6fd1", "#a98a28", "#3fa3b5", "#8d8f96"];
const FONT = "system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, DejaVu Sans, sans-serif";
const DASHES = ["solid", "dash"];
// From least to most, each shade visible on its ground and told apart without seeing colours.
const RAMPS = {
  light: ["#46327e", "#365c8d", "#277f8e", "#1fa187", "#b59a10"],
  dark: ["#7c78f2", "#3f9bdc", "#2fbfa8", "#93d552", "#f7e24d"],
};
const PREFIXES = [[1e12, "T"], [1e9, "G"], [1e6, "M"]];
const narrow = () => window.innerWidth < 600;
const coarse = () => window.matchMedia("(pointer: coarse)").matches;
const ramp = () => RAMPS[window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"];

// Plotly reads tags in its texts: names are shown as they are written.
const esc = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

function fmt(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  const prefix = PREFIXES.find(([from]) => size >= from && size < 1e15);
  if (prefix) return `${Number((value / prefix[0]).toPrecision(4))} ${prefix[1]}`;
  if (size !== 0 && (size >= 1e15 || size < 1e-3)) return Number(value.toPrecision(4)).toExponential().replace("e+", "e");
  return Number(value.toPrecision(size >= 1e4 ? 7 : 4)).toLocaleString("en", { maximumSignificantDigits: 7 });
}
const withUnit = (value, unit) => (unit ? `${fmt(value)} ${unit}` : fmt(value));
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const count = (n, one, many) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

function theme() {
  const style = getComputedStyle(document.documentElement);
  const out = {};
  for (const name of ["paper", "card", "ink", "muted", "line", "accent"]) out[name] = style.getPropertyValue(`--${name}`).trim();
  return out;
}

function layout(colors, more) {
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: colors.ink, size: narrow() ? 11 : 12, family: FONT },
    margin: { l: narrow() ? 48 : 60, r: 14, t: 12, b: 46 },
    hoverlabel: { bgcolor: colors.card, bordercolor: colors.line, font: { color: colors.ink, size: 12, family: FONT }, align: "left" },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    hovermode: "closest",
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colors.muted, activecolor: colors.ink },
    // A finger on a chart scrolls the page.
    dragmode: coarse() ? false : "zoom",
    ...more,
  };
}

function axis(colors, title, more) {
  return {
    title: { text: esc(title), standoff: 8 }, gridcolor: colors.line, linecolor: colors.line, zeroline: false,
    tickcolor: colors.line, ticks: "outside", ticklen: 4, automargin: true, ...more,
  };
}

// Few ticks that say everything: on a logarithmic axis 1, 2 and 5 of each decade while there are few decades.
function scale(log, values) {
  const known = values.filter((v) => v !== null && (!log || v > 0));
  if (!log || !known.length) return { type: "linear", separatethousands: true, exponentformat: "power" };
  const low = Math.log10(known.reduce((a, b) => Math.min(a, b)));
  const high = Math.log10(known.reduce((a, b) => Math.max(a, b)));
  if (high - low < 1) return scale(false, values);
  const out = { type: "log", exponentformat: "power" };
  if (high - low > 4) return { ...out, dtick: 1 };
  const digits = high - low > 2.2 ? [1] : [1, 2, 5];
  const ticks = [];
  for (let decade = Math.floor(low) - 1; decade <= Math.ceil(high) + 1; decade++) {
    for (const digit of digits) ticks.push(digit * 10 ** decade);
  }
  return { ...out, tickvals: ticks, ticktext: ticks.map((t) => fmt(Number(t.toPrecision(3)))) };
}

const where = (data, point) => `${data.runs[data.points.run[point]].label}, evaluation ${data.points.number[point].toLocaleString("en")}`;

function pointText(data, point, shown) {
  const lines = [`<b>${esc(where(data, point))}</b>`];
  for (const j of shown) lines.push(`${esc(plain(data.axes[j]))}: ${esc(withUnit(data.points.columns[j][point], data.axes[j].unit))}`);
  lines.push("");
  data.knobs.forEach((knob, j) => lines.push(`${esc(knob.name)} = ${esc(withUnit(data.designs[point][j], knob.unit))}`));
  return lines.join("<br>");
}
const plain = (a) => (a.unit && a.title.endsWith(` (${a.unit})`) ? a.title.slice(0, -a.unit.length - 3) : a.title);

function tradeoff(data, colors, x, y, color, chosen) {
  const { chosen: n, others, broken } = data.counts;
  const objectives = data.objectives.length;
  const shown = [...new Set([...Array(objectives).keys(), x, y, ...(color === null ? [] : [color])])];
  const range = (start, length) => Array.from({ length }, (_, i) => start + i);
  // Only designs that can be chosen answer the pointer, so that none behind them is in the way.
  const points = (places, more) => ({
    type: "scatter", mode: "markers", x: places.map((i) => data.points.columns[x][i]),
    y: places.map((i) => data.points.columns[y][i]), customdata: places, hoverinfo: "skip", ...more,
  });
  const traces = [];
  if (broken) {
    traces.push(points(range(n + others, broken), {
      name: "breaks a constraint", marker: { symbol: "x-thin", size: 5, opacity: 0.6, line: { width: 1, color: PALETTE[3] } },
    }));
  }
  if (others) traces.push(points(range(n, others), { name: "other feasible designs", marker: { size: 4, color: colors.muted, opacity: 0.35 } }));
  const front = range(0, n);
  if (objectives === 2 && x < 2 && y < 2 && x !== y) {
    const order = [...front].sort((a, b) => data.points.columns[x][a] - data.points.columns[x][b]);
    traces.push({
      type: "scatter", mode: "lines", x: order.map((i) => data.points.columns[x][i]), y: order.map((i) => data.points.columns[y][i]),
      line: { shape: "hv", width: 1.5, color: PALETTE[0] }, hoverinfo: "skip", showlegend: false,
    });
  }
  const marker = { size: 8, color: PALETTE[0], line: { width: 0.5, color: colors.card } };
  if (color !== null) {
    const a = data.axes[color];
    const values = front.map((i) => data.points.columns[color][i]);
    const ticks = scale(a.log && values.every((v) => v > 0), values);
    const log = ticks.type === "log";
    Object.assign(marker, {
      color: log ? values.map(Math.log10) : values, colorscale: ramp().map((shade, i, all) => [i / (all.length - 1), shade]), showscale: true,
      colorbar: {
        title: { text: esc(a.title), side: narrow() ? "bottom" : "right" }, thickness: 10, outlinewidth: 0, tickfont: { size: 11 }, exponentformat: "power",
        ...(narrow() ? { orientation: "h", y: -0.24, yanchor: "top", len: 1 } : { len: 0.9 }),
        ...(log && ticks.tickvals ? { tickvals: ticks.tickvals.map(Math.log10), ticktext: ticks.ticktext } : {}),
      },
    });
  }
  traces.push(points(front, {
    name: objectives > 1 ? "Pareto front" : n > 1 ? `best ${n}` : "best", marker,
    hoverinfo: "text", hovertext: front.map((i) => pointText(data, i, shown)),
  }));
  traces.push(points([chosen], {
    name: "chosen",
    marker: { symbol: "circle-open", size: 17, color: PALETTE[1], line: { width: 3 } },
  }));
  const both = (j) => axis(colors, data.axes[j].title, scale(data.axes[j].log, data.points.columns[j]));
  return { traces, layout: layout(colors, { xaxis: both(x), yaxis: both(y) }) };
}

function curves(data, colors, ys, title, log, suffix) {
  const all = ys.flatMap((c) => c.y);
  const traces = ys.map((c, i) => ({
    type: "scatter", mode: c.x.length > 1 ? "lines" : "markers", name: esc(data.runs[i].label), x: c.x, y: c.y,
    line: { shape: "hv", width: 2, color: PALETTE[i % PALETTE.length], dash: DASHES[Math.floor(i / PALETTE.length)] },
    hoverinfo: "text",
    hovertext: c.x.map((x, k) => `<b>${esc(data.runs[i].label)}</b><br>${x.toLocaleString("en")} evaluations: ${esc(withUnit(c.y[k], suffix))}`),
  }));
  return {
    traces,
    layout: layout(colors, {
      showlegend: ys.length > 1,
      xaxis: axis(colors, "evaluations", { rangemode: "tozero", separatethousands: true }),
      yaxis: axis(colors, title, scale(log, all)),
    }),
  };
}

const convergence = (data, colors, j) =>
  curves(data, colors, data.history.curves.map((run) => ({ x: run[j].at, y: run[j].least })), `least ${data.axes[j].title}`,
    data.axes[j].log, data.axes[j].unit);

function hypervolume(data, colors) {
  const out = curves(data, colors, data.history.shares.map((s) => ({ x: s.at, y: s.share })), "hypervolume (% of the front's)", false, "%");
  out.layout.yaxis.range = [0, 104];
  return out;
}

function parallel(data, colors, chosen, kept) {
  const { axes, lines, places } = data.parallel;
  const n = data.counts.chosen;
  const color = axes.findIndex((a) => a.objective === 0);
  const shades = ramp();
  const shown = data.objectives.map((_, k) => k);
  const strand = (rows, more) => {
    const x = [], y = [], custom = [], text = [];
    for (const i of rows) {
      const about = i < n ? pointText(data, i, shown) : "";
      lines[i].forEach((height, j) => { x.push(j); y.push(height); custom.push([i, j]); text.push(about); });
      x.push(null); y.push(null); custom.push([i, -1]); text.push("");
    }
    return { type: "scatter", mode: "lines+markers", x, y, customdata: custom, hovertext: text, hoverinfo: "text", showlegend: false, ...more };
  };
  const others = [], groups = shades.map(() => []), faded = [];
  for (let i = n; i < lines.length; i++) others.push(i);
  for (const i of places) {
    if (kept && !kept.has(i)) faded.push(i);
    else groups[Math.min(Math.floor(lines[i][color] * shades.length), shades.length - 1)].push(i);
  }
  const pale = { line: { width: 1, color: colors.line }, marker: { size: 3, color: colors.line } };
  const traces = [strand(others, { ...pale, hoverinfo: "skip" }), strand(faded, { ...pale, opacity: 0.7 })];
  groups.forEach((rows, k) => traces.push(strand(rows, { line: { width: 1.3, color: shades[k] }, marker: { size: 5, color: shades[k] }, opacity: 0.8 })));
  traces.push(strand([chosen], { line: { width: 4, color: PALETTE[1] }, marker: { size: 8, color: PALETTE[1] } }));
  const annotations = [];
  axes.forEach((a, j) => a.ticks.forEach(([height, text]) => annotations.push({
    x: j, y: height, text: esc(text), showarrow: false, xanchor: "left", xshift: 5, font: { size: 10.5, color: colors.ink },
    bgcolor: colors.card, opacity: 0.85, borderpad: 1,
  })));
  const objectives = axes.flatMap((a, j) => (a.objective === undefined ? [] : [j]));
  for (const j of objectives) {
    for (const [height, text] of [[0, "least"], [1, "most"]]) {
      annotations.push({ x: j, y: height, text, showarrow: false, yshift: height ? 9 : -9, font: { size: 10.5, color: colors.muted } });
    }
  }
  return {
    traces,
    layout: layout(colors, {
      dragmode: coarse() ? false : "select",
      selectdirection: "d", annotations, margin: { l: 24, r: 40, t: 56, b: 20 },
      xaxis: { range: [-0.15, axes.length - 0.55], side: "top", tickvals: axes.map((_, j) => j), ticktext: axes.map((a) => esc(a.title).replace(/[ _]/g, (c) => (c === "_" ? "_<br>" : "<br>"))), tickangle: 0, showgrid: true, gridcolor: colors.muted, gridwidth: 1, zeroline: false, fixedrange: true },
      yaxis: { range: [-0.07, 1.07], visible: false, fixedrange: true },
    }),
  };
}

function importance(data, colors) {
  const found = data.importance.map((f, j) => ({ f, j })).filter(({ f }) => f);
  const most = {};
  for (const { f } of found) f.knobs.forEach((k, i) => { most[k] = Math.max(most[k] ?? 0, f.drop[i]); });
  const knobs = Object.keys(most).sort((a, b) => most[a] - most[b]);
  const traces = [...found].reverse().map(({ f, j }) => {
    const at = knobs.map((k) => f.knobs.indexOf(k));
    return {
      type: "bar", orientation: "h", name: esc(plain(data.axes[j])), y: knobs.map((_, i) => i), x: at.map((i) => (i < 0 ? 0 : f.drop[i])),
      error_x: { type: "data", array: at.map((i) => (i < 0 ? 0 : f.spread[i])), thickness: 1, width: 2, color: colors.muted },
      marker: { color: PALETTE[j % PALETTE.length] }, hoverinfo: "text",
      hovertext: at.map((i, k) => `<b>${esc(knobs[k])}</b><br>${esc(plain(data.axes[j]))}: R² falls by ${esc(fmt(i < 0 ? 0 : f.drop[i]))} ± ${esc(fmt(i < 0 ? 0 : f.spread[i]))}`),
    };
  });
  return {
    height: 90 + knobs.length * Math.max(22, 11 * found.length + 8),
    traces,
    layout: layout(colors, {
      barmode: "group", bargap: 0.3, showlegend: found.length > 1, legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", traceorder: "reversed" },
      xaxis: axis(colors, "drop of R² when the knob is shuffled", { rangemode: "tozero" }),
      yaxis: axis(colors, "", { tickvals: knobs.map((_, i) => i), ticktext: knobs.map(esc), ticks: "", showgrid: false }),
    }),
  };
}

const sum = (parts, i) => Object.values(parts).reduce((a, column) => a + (column[i] ?? 0), 0);
const total = (parts, n) => Array.from({ length: n }, (_, i) => sum(parts, i)).reduce((a, b) => a + b, 0);

// Layers that take time, or a thousandth of the energy: the rest work while others do and could not be seen.
// A design whose mapping cuts the workload in its own way has names of its own.
const layersOf = (data, table) => (table.names ? table : data.layers);
function visibleLayers(data, table) {
  const n = layersOf(data, table).names.length;
  const energy = total(table.energy, n);
  return [...Array(n).keys()].filter((i) => sum(table.time, i) > 0 || sum(table.energy, i) > energy / 1000);
}

function layerBars(data, colors, table, rows, what) {
  const unit = data.layers.units[what];
  const parts = table[what];
  const n = layersOf(data, table).names.length;
  const all = total(parts, n) || 1;
  const text = rows.map((i) => [
    `<b>${esc(layersOf(data, table).names[i])}</b> (${esc(layersOf(data, table).kinds[i])})`,
    `${what}: ${esc(withUnit(sum(parts, i), unit))}, ${percent(sum(parts, i) / all)}`,
    ...(Object.keys(parts).length > 1 ? Object.entries(parts).map(([name, column]) => `${esc(name)}: ${esc(withUnit(column[i], unit))}`) : []),
    ...(table.macs.length ? [`${esc(fmt(table.macs[i]))} MACs`] : []),
  ].join("<br>"));
  const traces = Object.entries(parts).map(([name, column], k) => ({
    type: "bar", name: esc(name), x: rows.map((_, i) => i), y: rows.map((i) => column[i]),
    marker: { color: PALETTE[(what === "time" ? [0, 3] : [2, 4, 6, 1, 7])[k] ?? k % PALETTE.length] },
    hoverinfo: k ? "skip" : "text", hovertext: text,
  }));
  // Both charts have the same layers one above the other: the lower one names them.
  const few = rows.length <= (narrow() ? 14 : 44) && what === "energy";
  return {
    traces,
    layout: layout(colors, {
      barmode: "stack", hovermode: "x", bargap: 0.2, showlegend: traces.length > 1,
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", traceorder: "normal" },
      margin: { l: 66, r: 14, t: 12, b: 20 },
      xaxis: axis(colors, few || what === "time" ? "" : "layers in order", { range: [-0.7, rows.length - 0.3], showgrid: false, showticklabels: few, ticks: few ? "outside" : "", tickvals: rows.map((_, i) => i), ticktext: rows.map((i) => esc(layersOf(data, table).names[i])), tickangle: -55, tickfont: { size: 10 } }),
      yaxis: axis(colors, `${what} (${unit})`, { automargin: false, rangemode: "tozero", separatethousands: true, exponentformat: "power" }),
    }),
  };
}

function roofline(data, colors, roof, table) {
  const low = roof.intensity.reduce((a, b) => Math.min(a, b), roof.ridges.reduce((a, b) => Math.min(a, b), Infinity)) / 2;
  const high = roof.intensity.reduce((a, b) => Math.max(a, b), roof.ridges.reduce((a, b) => Math.max(a, b), 0)) * 2;
  // A ceiling for each memory; without one that stalls, the peak alone.
  const ceilings = roof.bandwidths.length ? roof.bandwidths.map((b, i) => ({ xs: [low, roof.ridges[i], high], ys: [low * b, roof.peak, roof.peak] }))
    : [{ xs: [low, high], ys: [roof.peak, roof.peak] }];
  const time = roof.names.map((name) => sum(table.time, layersOf(data, table).names.indexOf(name)));
  const all = total(table.time, layersOf(data, table).names.length) || 1;
  const group = (under, name, color) => {
    const rows = [...roof.names.keys()].filter((i) => roof.under[i] === under);
    return {
      type: "scatter", mode: "markers", name, x: rows.map((i) => roof.intensity[i]), y: rows.map((i) => roof.throughput[i]),
      marker: { color, opacity: 0.75, size: rows.map((i) => 7 + 30 * Math.sqrt(time[i] / all)), line: { width: 0.5, color: colors.card } },
      hoverinfo: "text",
      hovertext: rows.map((i) => [
        `<b>${esc(roof.names[i])}</b>`, `${esc(fmt(roof.throughput[i]))} GMAC/s, ${percent(roof.throughput[i] / roof.ceiling[i])} of its ceiling`,
        `${esc(fmt(roof.intensity[i]))} MAC/byte`, `${percent(time[i] / all)} of the time`,
      ].join("<br>")),
    };
  };
  const traces = [
    ...ceilings.map((c) => ({ type: "scatter", mode: "lines", x: c.xs, y: c.ys, line: { color: colors.ink, width: 2 }, hoverinfo: "skip", showlegend: false })),
    group(true, "memory is the lower ceiling", PALETTE[3]), group(false, "arithmetic is the lower ceiling", PALETTE[0]),
  ].filter((t) => t.x.length);
  const ys = [...ceilings.flatMap((c) => c.ys), ...roof.throughput];
  const label = (x, y, text, more) => ({ x: Math.log10(x), y: Math.log10(y), text: esc(text), showarrow: false, font: { color: colors.muted, size: 11 }, ...more });
  const annotations = [label(high, roof.peak, `${fmt(roof.peak)} GMAC/s`, { xanchor: "right", yanchor: "bottom" })];
  roof.bandwidths.forEach((b) => annotations.push(label(low * 1.02, low * b, `${fmt(b)} GB/s`, { xanchor: "left", yanchor: "bottom", xshift: 6, yshift: 14 })));
  return {
    traces,
    layout: layout(colors, {
      xaxis: axis(colors, "MAC per byte of DRAM traffic", scale(true, [low, high])),
      yaxis: axis(colors, "GMAC/s", scale(true, ys)),
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", itemsizing: "constant" }, annotations,
    }),
  };
}
