// What every page is made with: its data, elements, and where figures go.

const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const config = { responsive: true, displaylogo: false, displayModeBar: "hover", modeBarButtons: [["toImage", "resetScale2d"]] };
if (coarse() || narrow()) config.displayModeBar = false;

function element(name, text, className) {
  const out = document.createElement(name);
  if (text !== undefined) out.textContent = text;
  if (className) out.className = className;
  return out;
}
const hide = (id) => { $(id).hidden = true; };
const hideWhere = (id, hidden) => { $(id).hidden = hidden; };
const draw = (id, figure) => Plotly.react($(id), figure.traces, figure.layout, config);

function fillTable(table, headings, rows, numbers) {
  const line = (cells, tag) => {
    const tr = element("tr");
    cells.forEach((cell, j) => tr.append(element(tag, cell, numbers.includes(j) ? "number" : "")));
    return tr;
  };
  const head = element("thead"), body = element("tbody");
  head.append(line(headings, "th"));
  body.append(...rows.map((row) => line(row, "td")));
  table.replaceChildren(head, body);
}

function fillSelect(select, options, value) {
  select.replaceChildren(...options.map(([key, text]) => {
    const option = element("option", text);
    option.value = key;
    return option;
  }));
  select.value = value;
}

function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'"'"'`)}'`;
}
