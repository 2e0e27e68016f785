// Draws what is known of a view on a canvas: axis, lanes, slices, arrows, sensors, what is selected and measured.

import { inRange, markOf } from "./marks.js";
import { countText, tickStep, tickUnit, timeText } from "./times.js";

export const AXIS_PX = 34;
export const LANE_PX = 22;
export const SENSOR_PX = 40;
const GAP_PX = 3;
const LEAST_NAMED_PX = 18;

/** Where on the canvas a view lies. */
export function placesOf(state, width) {
  const left = Math.min(190, Math.max(110, Math.round(width * 0.25)));
  const { start, end } = state.view;
  const scale = (width - left) / (end - start);
  return {
    left, width, scale,
    x: (ns) => left + (ns - start) * scale,
    ns: (x) => start + (x - left) / scale,
    top: (line) => AXIS_PX + line * LANE_PX,
    bottom: AXIS_PX + state.lines.length * LANE_PX,
  };
}

export const heightOf = (state) =>
  AXIS_PX + state.lines.length * LANE_PX + (state.near?.sensors.length ?? 0) * SENSOR_PX + 4;

/** Paint everything; `context` is scaled to CSS pixels. */
export function paint(context, state, width) {
  const places = placesOf(state, width);
  context.clearRect(0, 0, width, heightOf(state));
  context.font = `12px ${state.font}`;
  context.textBaseline = "middle";
  paintGround(context, state, places);
  context.save();
  context.beginPath();
  context.rect(places.left, 0, width - places.left, heightOf(state));
  context.clip();
  paintAxis(context, state, places);
  paintLayers(context, state, places);
  paintArrows(context, state, places);
  paintSensors(context, state, places);
  paintChosen(context, state, places);
  paintMeasure(context, state, places);
  context.restore();
}

function paintGround(context, state, places) {
  const { paper } = state;
  const labels = [...state.lines, ...(state.near?.sensors ?? []).map((one) => one.label)];
  labels.forEach((label, line) => {
    const sensor = line - state.lines.length;
    const top = sensor < 0 ? places.top(line) : places.bottom + sensor * SENSOR_PX;
    context.fillStyle = paper.rule;
    context.fillRect(0, top + (sensor < 0 ? LANE_PX : SENSOR_PX) - 1, places.width, 0.5);
    context.fillStyle = paper.quiet;
    context.fillText(ended(context, label, places.left - 10), 2, top + LANE_PX / 2);
    if (sensor >= 0) {
      const range = shortened(context, state.near.sensors[sensor].range, places.left - 10);
      context.fillText(range, 2, top + LANE_PX / 2 + 15);
    }
  });
}

/** The inference since whose start times are told: the selected slice's, else that in the middle of the view. */
export function zeroOf(state) {
  const { near, view, lanes } = state;
  const lane = lanes.findIndex((one) => one.kind === "stage" && !one.nested);
  const inferences = near?.segments.find((one) => one.lane === lane && !one.merged);
  const middle = (view.start + view.end) / 2;
  if (!inferences || middle < near.start || middle > near.end) return null;
  const chosen = markOf(near, state.selected);
  const wanted = chosen < 0 ? -1 : near.number[chosen];
  let found = null;
  for (let at = inferences.from; at < inferences.to; at += 1) {
    if (near.number[at] === wanted) return { ns: near.from[at], number: wanted };
    // Between two inferences the one before.
    if (near.from[at] <= middle) found = at;
  }
  // Of a lane that is merged only the long ones stand alone.
  if (found === null || near.merged.includes(lane)) return null;
  return { ns: near.from[found], number: near.number[found] };
}

function paintAxis(context, state, places) {
  const { view, paper } = state;
  const zero = state.zero?.ns ?? 0;
  const step = tickStep(90 / places.scale);
  const farthest = Math.max(Math.abs(view.start - zero), Math.abs(view.end - zero));
  const { unit, text } = tickUnit(step, farthest);
  const since = state.zero ? `inference ${countText(state.zero.number)} began` : "the run's first span";
  context.fillStyle = paper.quiet;
  context.fillText(`${unit} since ${since}; ${timeText(view.end - view.start)} in view`, places.left + 4, 8);
  for (let tick = Math.ceil((view.start - zero) / step) * step; tick <= view.end - zero; tick += step) {
    const x = places.x(zero + tick);
    context.fillStyle = paper.rule;
    context.fillRect(x, AXIS_PX - 6, 0.5, places.bottom - AXIS_PX + 6);
    context.fillStyle = paper.quiet;
    if (x + 3 + widthOf(context, text(tick)) < places.width) context.fillText(text(tick), x + 3, 24);
  }
}

function paintLayers(context, state, places) {
  const { near, whole, view } = state;
  if (!near) {
    if (whole) paintMarks(context, state, places, whole, view.start, view.end);
    return;
  }
  if (whole && view.start < near.start) paintMarks(context, state, places, whole, view.start, Math.min(near.start, view.end));
  if (whole && view.end > near.end) paintMarks(context, state, places, whole, Math.max(near.end, view.start), view.end);
  paintMarks(context, state, places, near, Math.max(view.start, near.start), Math.min(view.end, near.end));
}

function paintMarks(context, state, places, layer, start, end) {
  if (start >= end) return;
  const [low, high] = [places.x(start), places.x(end)];
  const named = [];
  inRange(layer, start, end, (at, segment) => {
    const x = Math.max(places.x(layer.from[at]), low);
    const wide = Math.max(Math.min(places.x(layer.to[at]), high) - x, 0.8);
    const merged = segment.merged;
    context.globalAlpha = merged ? 0.3 + 0.7 * layer.busy[at] : 1;
    context.fillStyle = state.colours[layer.names[layer.name[at]][2]];
    const top = places.top(state.lineOf[segment.lane]);
    // A slice leaves a hair to the next one.
    context.fillRect(x, top + GAP_PX - 1, wide > 3 ? wide - 0.6 : wide, LANE_PX - GAP_PX);
    if (!merged && wide > LEAST_NAMED_PX) named.push([at, x, wide, top]);
  });
  context.globalAlpha = 1;
  context.fillStyle = state.letters;
  for (const [at, x, wide, top] of named) {
    const text = shortened(context, nameOf(state, layer, at), wide - 7);
    if (text) context.fillText(text, x + 3.5, top + LANE_PX / 2 + 0.5);
  }
}

/** What stands in a slice; an inference has its number. */
export function nameOf(state, layer, at) {
  const lane = state.lanes[layer.lane[at]];
  if (layer.row[at] < 0) return `mostly ${layer.names[layer.name[at]][0]}`;
  if (lane.kind === "stage" && !lane.nested) return `inference ${countText(layer.number[at])}`;
  return layer.names[layer.name[at]][0];
}

const widths = new Map();

/** Of texts as they were measured in another font. */
export const forgetWidths = () => widths.clear();

function widthOf(context, text) {
  const key = `${context.font} ${text}`;
  if (!widths.has(key)) {
    if (widths.size > 20000) widths.clear();
    widths.set(key, context.measureText(text).width);
  }
  return widths.get(key);
}

/** As much of a text as fits, with an ellipsis where it is cut; empty where not even two letters fit. */
function shortened(context, text, room) {
  const wide = widthOf(context, text);
  if (wide <= room) return text;
  let letters = Math.floor((text.length * (room - 9)) / wide);
  while (letters > 1 && widthOf(context, `${text.slice(0, letters)}…`) > room) letters -= 1;
  return letters < 2 ? "" : `${text.slice(0, letters)}…`;
}

/** The end of a text, which tells one lane from another, where all of it does not fit. */
function ended(context, text, room) {
  let shown = text;
  for (let cut = 1; widthOf(context, shown) > room && cut < text.length; cut += 1) shown = `…${text.slice(cut)}`;
  return shown;
}

function paintArrows(context, state, places) {
  for (const [callLane, callRow, callNs, workLane, workRow, workNs] of state.near?.arrows.rows ?? []) {
    if (Math.max(callNs, workNs) < state.view.start || Math.min(callNs, workNs) > state.view.end) continue;
    const chosen = is(state.selected, callLane, callRow) || is(state.selected, workLane, workRow);
    const [x, y] = [places.x(callNs), places.top(state.lineOf[callLane]) + LANE_PX - GAP_PX / 2];
    const [toX, toY] = [places.x(workNs), places.top(state.lineOf[workLane]) + 1];
    const bend = Math.min(24, Math.abs(toY - y) / 2);
    context.globalAlpha = chosen ? 1 : 0.55;
    context.strokeStyle = context.fillStyle = chosen ? state.paper.ink : state.paper.quiet;
    context.lineWidth = chosen ? 1.8 : 0.8;
    context.beginPath();
    context.moveTo(x, y);
    context.bezierCurveTo(x, y + bend, toX, toY - bend, toX, toY);
    context.stroke();
    context.beginPath();
    context.moveTo(toX, toY + 1);
    context.lineTo(toX - 3, toY - 5);
    context.lineTo(toX + 3, toY - 5);
    context.fill();
  }
  context.globalAlpha = 1;
}

const is = (selected, lane, row) => selected !== null && selected[0] === lane && selected[1] === row;

function paintSensors(context, state, places) {
  (state.near?.sensors ?? []).forEach((sensor, place) => {
    const top = places.bottom + place * SENSOR_PX;
    const spread = sensor.high - sensor.low || 1;
    const y = (value) => top + SENSOR_PX - 6 - ((value - sensor.low) / spread) * (SENSOR_PX - 12);
    context.strokeStyle = state.paper.ink;
    context.lineWidth = 1.2;
    context.beginPath();
    sensor.at.forEach((at, one) => {
      const x = places.x(at);
      if (one === 0) context.moveTo(x, y(sensor.values[0]));
      else {
        context.lineTo(x, y(sensor.values[one - 1]));
        context.lineTo(x, y(sensor.values[one]));
      }
    });
    if (sensor.at.length) context.lineTo(places.width, y(sensor.values.at(-1)));
    context.stroke();
  });
}

function paintChosen(context, state, places) {
  for (const [at, thick] of [[state.hovered, 1], [markOf(state.near, state.selected), 2.5]]) {
    if (at < 0 || !state.near || at >= state.near.marks) continue;
    const [from, to] = [places.x(state.near.from[at]), places.x(state.near.to[at])];
    const top = places.top(state.lineOf[state.near.lane[at]]);
    context.strokeStyle = state.paper.ink;
    context.lineWidth = thick;
    context.strokeRect(from - 0.5, top + 1, Math.max(to - from, 1) + 1, LANE_PX - GAP_PX + 1);
  }
}

function paintMeasure(context, state, places) {
  if (!state.measured) return;
  const [start, end] = state.measured;
  const [x, to] = [places.x(start), places.x(end)];
  context.globalAlpha = 0.15;
  context.fillStyle = state.paper.ink;
  context.fillRect(x, AXIS_PX - 4, to - x, places.bottom - AXIS_PX + 4);
  context.globalAlpha = 1;
  context.fillRect(x, AXIS_PX - 4, 1, places.bottom - AXIS_PX + 4);
  context.fillRect(to, AXIS_PX - 4, 1, places.bottom - AXIS_PX + 4);
  const text = timeText(end - start);
  const wide = widthOf(context, text) + 8;
  const at = Math.min(Math.max((x + to - wide) / 2, places.left), places.width - wide);
  context.fillRect(at, AXIS_PX - 17, wide, 16);
  context.fillStyle = state.paper.ground;
  context.fillText(text, at + 4, AXIS_PX - 9);
}
