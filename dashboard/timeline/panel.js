// What stands around the canvas: facts of the selection, sums of a measured range, colours, the table. Names come from
// files and programs: they are only ever text.

import { inRange } from "./marks.js";
import { nameOf } from "./painter.js";
import { countText, timeText } from "./times.js";

const LISTED = 200;

export const KEYS = [
  ["W, S", "closer, wider, at the pointer"],
  ["A, D", "earlier, later"],
  ["wheel", "zoom at the pointer; sideways, or with shift, move"],
  ["drag", "move"],
  ["/", "search; Enter leads to the next hit, shift and Enter to the one before"],
  ["click", "select a slice"],
  ["arrow keys", "select the next slice, or one of the lane above or below"],
  ["F", "show the selected slice, or the measured range, as wide as the view"],
  ["shift and drag", "measure a range"],
  ["M", "measure the selected slice, or the view"],
  [", and .", "the inference before, the one after"],
  ["0", "the whole run"],
  ["Escape", "select and measure nothing"],
  ["?", "these keys"],
];

/** An element with text, or with other elements, in it. */
export function made(tag, content = [], attributes = {}) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...[content].flat());
  return element;
}

const byId = (id) => document.getElementById(id);

/** The keys, told once. */
export function showKeys() {
  const pairs = KEYS.flatMap(([key, does]) => [made("dt", made("kbd", key)), made("dd", does)]);
  byId("help").replaceChildren(made("h2", "Keys"), made("dl", pairs));
}

/** Facts of the selected slice, and sums of the measured range. */
export function showPanel(state, told) {
  const parts = [];
  if (told.facts) {
    parts.push(made("h2", "Selected"));
    parts.push(made("dl", told.facts.flatMap(([label, text]) => [made("dt", label), made("dd", text)])));
  }
  if (told.sums) {
    parts.push(made("h2", told.sums.title));
    parts.push(tableOf(["name", "lane", "count", "time in the range", "share"], told.sums.rows, [2, 3, 4]));
    if (told.sums.more) parts.push(made("p", told.sums.more));
  }
  if (!parts.length) parts.push(made("span", "Click a slice to see what it is; shift and drag to measure a range; ? tells the keys."));
  byId("panel").replaceChildren(...parts);
}

function tableOf(heads, rows, numbers) {
  const kind = (place) => (numbers.includes(place) ? { class: "number" } : {});
  const head = made("tr", heads.map((text, place) => made("th", text, { scope: "col", ...kind(place) })));
  const body = rows.map((row) => made("tr", row.map((text, place) => made("td", text, kind(place)))));
  return made("table", [made("thead", head), made("tbody", body)]);
}

/** Which inference is the slowest, and whether it was profiled; `go` leads to one. */
export function showSlowest(slowest, go) {
  const line = byId("slowest");
  line.hidden = !slowest;
  if (!slowest) return;
  const leads = (text, number) => {
    const button = made("button", text, { type: "button", class: "link" });
    button.addEventListener("click", () => go(number));
    return button;
  };
  const parts = ["The slowest inference is ", leads(slowest.text, slowest.number), ` (${slowest.lasts}): ${slowest.says}`];
  if (slowest.nearest !== null) parts.push(" ", leads(slowest.nearest_text, slowest.nearest));
  line.replaceChildren(...parts, ".");
}

/** The colours of what is in view. */
export function showLegend(state) {
  if (!state.near) return;
  const used = new Set();
  inRange(state.near, state.view.start, state.view.end, (at) => used.add(state.near.names[state.near.name[at]][2]));
  const shown = [...used].sort((one, other) => one - other).join();
  if (shown === state.legend) return;
  state.legend = shown;
  byId("legend").replaceChildren(
    ...[...used].sort((one, other) => one - other).map((place) => {
      const patch = made("i");
      patch.style.background = state.colours[place];
      return made("li", [patch, state.categories[place]]);
    }),
  );
}

/** The drawing as a table, where it is asked for: the slices and bins in view. */
export function showTable(state) {
  if (!byId("listed").open || !state.near) return;
  const rows = [];
  let left = 0;
  inRange(state.near, state.view.start, state.view.end, (at) => {
    if (rows.length >= LISTED) left += 1;
    else rows.push(rowOf(state, at));
  });
  const since = state.zero ? `start, since inference ${countText(state.zero.number)} began` : "start";
  const table = tableOf(["lane", "name", since, "duration", "in it"], rows, [2, 3, 4]);
  byId("table").replaceChildren(table, made("p", left ? `${countText(left)} rows more: zoom in` : ""));
}

function rowOf(state, at) {
  const { near } = state;
  const name = near.row[at] < 0 ? nameOf(state, near, at) : near.names[near.name[at]][1];
  const start = timeText(near.from[at] - (state.zero?.ns ?? 0));
  return [state.lanes[near.lane[at]].label, name, start, timeText(near.to[at] - near.from[at]), countText(near.count[at])];
}

/** What the pointer is over, in words beside it; nothing where it is over nothing. */
export function showTip(state, at, x, y) {
  const tip = byId("tip");
  tip.hidden = at < 0;
  if (at < 0) return;
  const [lane, name, start, lasts, count] = rowOf(state, at);
  const merged = state.near.row[at] < 0;
  tip.textContent = merged ? `${name}\n${count} merged in ${lasts}\n${lane}` : `${name}\n${lasts}, at ${start}\n${lane}`;
  const room = byId("drawing").clientWidth;
  tip.style.left = `${Math.max(Math.min(x + 14, room - tip.offsetWidth), 0)}px`;
  tip.style.top = `${y + 18}px`;
}
