// What a person does with keys, wheel and pointer.

import { inRange, markAt, markOf } from "./marks.js";
import { AXIS_PX, LANE_PX, placesOf } from "./painter.js";
import { showTip } from "./panel.js";

const ZOOM = 1.5;
const STEP = 0.25;
const CLICK_PX = 4;
const byId = (id) => document.getElementById(id);

/** Let `canvas` and the tools above it change `state`, by `act`: show, ask, redraw, describe. */
export function watch(canvas, state, act) {
  const moves = movesOf(canvas, state, act);
  watchPointer(canvas, state, act, moves);
  watchKeys(canvas, state, act, moves);
  watchTools(state, act, moves);
}

function movesOf(canvas, state, act) {
  const moves = { pointer: null };
  const places = () => placesOf(state, canvas.clientWidth);
  moves.places = places;
  moves.zoom = (factor, at) => {
    const { start, end } = state.view;
    const middle = at ?? (start + end) / 2;
    act.show(middle - (middle - start) / factor, middle + (end - middle) / factor);
  };
  moves.zoomHere = (factor) => {
    const at = moves.pointer && moves.pointer.x > places().left ? places().ns(moves.pointer.x) : undefined;
    moves.zoom(factor, at);
  };
  moves.pan = (share) => {
    const by = (state.view.end - state.view.start) * share;
    act.show(state.view.start + by, state.view.end + by);
  };
  moves.select = (at) => {
    state.selected = at < 0 ? null : [state.near.lane[at], state.near.row[at]];
    act.redraw();
    act.ask({}, 0);
  };
  moves.measure = (range) => {
    state.measured = range;
    act.redraw();
    act.ask({}, 0);
  };
  moves.fit = () => {
    const range = rangeOf(state);
    if (!range) return;
    const margin = (range[1] - range[0]) * 0.2;
    act.show(range[0] - margin, range[1] + margin, true);
  };
  return moves;
}

/** Start and end of the selected slice, or of the measured range. */
function rangeOf(state) {
  const at = markOf(state.near, state.selected);
  return at < 0 ? state.measured : [state.near.from[at], state.near.to[at]];
}

const pointOf = (event) => ({ x: event.offsetX, y: event.offsetY });

function hit(state, places, point) {
  const line = Math.floor((point.y - AXIS_PX) / LANE_PX);
  if (!state.near || point.x < places.left || line < 0 || line >= state.lines.length) return -1;
  const lanes = state.lineOf.flatMap((one, lane) => (one === line ? [lane] : []));
  return markAt(state.near, lanes, places.ns(point.x), 2 / places.scale);
}

function watchPointer(canvas, state, act, moves) {
  let held = null;
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    moves.pointer = pointOf(event);
    const sideways = event.shiftKey ? event.deltaX || event.deltaY : event.deltaX;
    if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) moves.pan(sideways / 1000);
    else moves.zoomHere(ZOOM ** (-event.deltaY / 100));
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !state.view) return;
    canvas.setPointerCapture(event.pointerId);
    held = { ...pointOf(event), view: { ...state.view }, measures: event.shiftKey, moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    const point = (moves.pointer = pointOf(event));
    if (!state.view) return;
    if (!held) return hover(canvas, state, act, moves, point);
    held.moved ||= Math.abs(point.x - held.x) > CLICK_PX;
    if (held.moved) dragged(canvas, state, act, moves, held, point);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!held) return;
    const was = held;
    held = null;
    canvas.classList.remove("dragged");
    if (!was.moved) moves.select(selectable(state, hit(state, moves.places(), pointOf(event)), moves));
    else if (was.measures) moves.measure(state.measured);
  });
  canvas.addEventListener("pointercancel", () => { held = null; });
  canvas.addEventListener("pointerleave", () => {
    moves.pointer = null;
    hover(canvas, state, act, moves, { x: -1, y: -1 });
  });
}

/** A bin is not selected but looked into. */
function selectable(state, at, moves) {
  if (at < 0 || state.near.row[at] >= 0) return at;
  moves.zoom(4, (state.near.from[at] + state.near.to[at]) / 2);
  return -1;
}

function dragged(canvas, state, act, moves, held, point) {
  if (held.measures) {
    const places = moves.places();
    const ends = [held.x, point.x].map((x) => places.ns(Math.max(x, places.left)));
    state.measured = [Math.max(Math.min(...ends), 0), Math.min(Math.max(...ends), state.end)];
    act.redraw();
    return;
  }
  canvas.classList.add("dragged");
  const by = (held.x - point.x) / moves.places().scale;
  const { start, end } = held.view;
  act.show(start + by, end + by);
}

function hover(canvas, state, act, moves, point) {
  const at = hit(state, moves.places(), point);
  if (at !== state.hovered) {
    state.hovered = at;
    act.redraw();
  }
  showTip(state, at, point.x, point.y);
}

function watchKeys(canvas, state, act, moves) {
  const keys = {
    w: () => moves.zoomHere(ZOOM), s: () => moves.zoomHere(1 / ZOOM),
    a: () => moves.pan(-STEP), d: () => moves.pan(STEP),
    f: moves.fit,
    m: () => moves.measure(markOf(state.near, state.selected) < 0 ? [state.view.start, state.view.end] : rangeOf(state)),
    0: () => act.show(0, state.end, true),
    "/": () => { byId("find").focus(); byId("find").select(); },
    "?": () => byId("keys").click(),
    ",": () => nextInference(state, act, -1), ".": () => nextInference(state, act, 1),
    ArrowRight: () => beside(state, act, moves, 1), ArrowLeft: () => beside(state, act, moves, -1),
    ArrowDown: () => otherLane(state, moves, 1), ArrowUp: () => otherLane(state, moves, -1),
    Escape: () => { state.measured = null; byId("help").hidden = true; moves.select(-1); },
  };
  document.addEventListener("keydown", (event) => {
    const typed = event.target.matches("input, button, summary") && event.target !== canvas;
    if (event.ctrlKey || event.metaKey || event.altKey || !state.view) return;
    if (typed && (event.target.matches("input") || event.key.startsWith("Arrow"))) return;
    const does = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!does) return;
    event.preventDefault();
    does();
  });
}

function nextInference(state, act, by) {
  const number = (state.zero?.number ?? -by) + by;
  if (number >= 0 && number < state.inferences) act.ask({ inference: number }, 0);
}

/** Select the slice after the selected one in its lane, or before it; where nothing is selected, one in view. */
function beside(state, act, moves, by) {
  const at = markOf(state.near, state.selected);
  if (at < 0) return otherLane(state, moves, 0);
  const next = at + by;
  if (next < 0 || next >= state.near.marks || state.near.lane[next] !== state.near.lane[at] || state.near.row[next] < 0) return;
  moves.select(next);
  const { start, end } = state.view;
  const [from, to] = [state.near.from[next], state.near.to[next]];
  if (from < start || to > end) act.show(start + from - (start + end - (to - from)) / 2, end + from - (start + end - (to - from)) / 2, true);
}

/** Select the slice of a lane above or below that is nearest to the middle of the selected one, or of the view. */
function otherLane(state, moves, by) {
  if (!state.near) return;
  const at = markOf(state.near, state.selected);
  const middle = at < 0 ? (state.view.start + state.view.end) / 2 : (state.near.from[at] + state.near.to[at]) / 2;
  const nearest = new Map();
  inRange(state.near, state.view.start, state.view.end, (mark) => {
    if (state.near.row[mark] < 0) return;
    const away = Math.max(state.near.from[mark] - middle, middle - state.near.to[mark], 0);
    const line = state.lineOf[state.near.lane[mark]];
    if (away < (nearest.get(line)?.away ?? Infinity)) nearest.set(line, { away, mark });
  });
  const own = at < 0 ? -1 : state.lineOf[state.near.lane[at]];
  const lines = [...nearest.keys()].sort((one, other) => one - other);
  const next = at < 0 ? lines[0] : by > 0 ? lines.find((line) => line > own) : lines.filter((line) => line < own).at(-1);
  if (next !== undefined) moves.select(nearest.get(next).mark);
}

function watchTools(state, act, moves) {
  const on = (id, does) => byId(id).addEventListener("click", () => state.view && does());
  on("earlier", () => moves.pan(-STEP * 2));
  on("later", () => moves.pan(STEP * 2));
  on("closer", () => moves.zoom(ZOOM));
  on("wider", () => moves.zoom(1 / ZOOM));
  on("whole", () => act.show(0, state.end, true));
  on("keys", () => {
    byId("help").hidden = !byId("help").hidden;
    byId("keys").setAttribute("aria-expanded", String(!byId("help").hidden));
  });
  const find = byId("find");
  find.addEventListener("input", () => { state.find = find.value; act.ask({}, 200); });
  find.addEventListener("keydown", (event) => {
    if (event.key === "Escape") byId("canvas").focus();
    if (event.key !== "Enter" || !find.value) return;
    state.find = find.value;
    act.ask({ step: event.shiftKey ? -1 : 1 }, 0);
  });
  byId("inference").addEventListener("change", (event) => {
    const number = event.target.valueAsNumber;
    if (Number.isInteger(number) && number >= 0) act.ask({ inference: number }, 0);
  });
}
