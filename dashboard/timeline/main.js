// The timeline of a run: keeps what is shown, paints it, and asks the page for what it lacks.

import { watch } from "./input.js";
import { readMarks } from "./marks.js";
import { forgetWidths, heightOf, paint, zeroOf } from "./painter.js";
import { showKeys, showLegend, showPanel, showSlowest, showTable } from "./panel.js";
import { followHeight, listen, send, takeFont } from "./streamlit.js";

const LEAST_NS = 50;
const ASK_MS = 60;
const SETTLE_MS = 250;

const canvas = document.getElementById("canvas");
const byId = (id) => document.getElementById(id);
const still = window.matchMedia("(prefers-reduced-motion: reduce)");

const state = {
  view: null, selected: null, measured: null, find: "", hovered: -1, legend: "",
  lanes: [], lines: [], lineOf: [], near: null, whole: null, zero: null, end: 1, inferences: 0,
  mark: "", led: null, turn: 0, answered: 0, painted: 0, font: "sans-serif",
};
let frame = 0;
let timer = null;
let glide = null;

/** Paint at the browser's next frame. */
function redraw() {
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    if (!state.view) return;
    if (glide) stepGlide();
    const width = canvas.clientWidth;
    const height = heightOf(state);
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.height = `${height}px`;
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    state.zero = zeroOf(state);
    paint(context, state, width);
    state.painted += 1;
    Object.assign(canvas.dataset, {
      painted: state.painted, from: Math.round(state.view.start), to: Math.round(state.view.end),
      detail: lacks() || state.answered < state.turn ? "asked" : "there",
    });
  });
}

/** Whether what is in view is not among the marks, or more merged than it need be. */
function lacks() {
  const { near, view } = state;
  if (!near) return true;
  const wide = view.end - view.start;
  const inside = near.start <= Math.max(view.start - wide / 4, 0) && near.end >= Math.min(view.end + wide / 4, state.end);
  return !inside || (near.merged.length > 0 && wide < near.wide * 0.75) || wide > near.wide * 2;
}

/** Ask for marks where they lack, else tell what is shown once it stands still, so that the address has it. */
function ask(more = {}, wait = lacks() ? ASK_MS : SETTLE_MS) {
  const due = performance.now() + wait;
  const merged = { ...timer?.more, ...more };
  const later = wait === SETTLE_MS && timer?.wait === SETTLE_MS;
  if (timer && !later && timer.due <= due) {
    timer.more = merged;
    return;
  }
  if (timer) clearTimeout(timer.id);
  timer = { wait, due, more: merged, id: setTimeout(sendNow, wait) };
}

function sendNow() {
  const { more } = timer;
  timer = null;
  state.turn += 1;
  const { start, end } = state.view;
  send({
    mark: state.mark, turn: state.turn, view: [Math.round(start), Math.round(end)],
    pixels: Math.max(canvas.clientWidth, 100), selected: state.selected, find: state.find,
    measured: state.measured && state.measured.map(Math.round),
    marks: lacks(), whole: !state.whole, step: 0, inference: null, ...more,
  });
}

/** Show another range, at once or within a fifth of a second; it never leaves the run. */
function show(start, end, gliding = false, asking = true) {
  const wide = Math.min(Math.max(end - start, LEAST_NS), state.end);
  const middle = (start + end) / 2;
  const first = Math.min(Math.max(middle - wide / 2, 0), state.end - wide);
  const to = { start: first, end: first + wide };
  glide = gliding && !still.matches && state.view ? { from: { ...state.view }, to, begun: performance.now() } : null;
  if (!glide) state.view = to;
  redraw();
  if (asking || lacks()) changed();
  else describe();
}

function stepGlide() {
  const share = Math.min((performance.now() - glide.begun) / 180, 1);
  const eased = 1 - (1 - share) ** 3;
  const mixed = (key) => glide.from[key] + (glide.to[key] - glide.from[key]) * eased;
  state.view = { start: mixed("start"), end: mixed("end") };
  if (share === 1) {
    state.view = glide.to;
    glide = null;
    changed();
  } else redraw();
}

function changed() {
  if (glide) return;
  ask();
  describe();
}

/** What is around the canvas, which need not follow every frame. */
let described = 0;
function describe() {
  described ||= setTimeout(() => {
    described = 0;
    showLegend(state);
    showTable(state);
  }, 100);
}

/** Take what the page sent. */
function take(args, theme) {
  const fresh = args.mark !== state.mark;
  if (fresh) Object.assign(state, { mark: args.mark, near: null, whole: null, led: null, legend: "" });
  for (const key of ["end", "lines", "lanes", "letters", "edge", "categories", "colours", "inferences"]) state[key] = args[key];
  state.lineOf = state.lanes.map((one) => one.line);
  state.answered = args.turn;
  state.turn = Math.max(state.turn, args.turn);
  if (args.whole) state.whole = readMarks(args.whole, args.whole_marks);
  if (args.near) Object.assign(state, { near: readMarks(args.near, args.near_marks), hovered: -1 });
  dress(args, theme);
  if (state.led === null || (args.led && args.led !== state.led)) {
    const first = state.led === null;
    Object.assign(state, { led: args.led, selected: args.selected });
    if (first || args.led.startsWith("address")) {
      Object.assign(state, { measured: args.measured, find: args.find });
      byId("find").value = args.find;
    }
    show(...args.view, !first, !first);
  }
  tell(args);
  redraw();
  if (lacks() && !glide && state.answered >= state.turn) ask();
}

function dress(args, theme) {
  state.paper = args.paper[theme?.base === "dark" ? "dark" : "light"];
  const { style } = document.documentElement;
  for (const [name, colour] of Object.entries(state.paper)) style.setProperty(`--${name}`, colour);
  if (theme?.font && theme.font !== state.font) {
    state.font = theme.font;
    style.setProperty("--font", theme.font);
    takeFont(theme.font, () => { forgetWidths(); redraw(); });
  }
  // Not of the root: the frame would lose the page's ground.
  document.body.style.colorScheme = theme?.base === "dark" ? "dark" : "light";
}

/** Words that came with an answer. */
function tell(args) {
  if (args.says) {
    byId("says").textContent = [args.says, args.near?.arrows.says].filter(Boolean).join(" ");
    canvas.setAttribute("aria-label", `Timeline of the run: ${state.lines.length} lanes. ${args.says}`);
  }
  byId("hits").textContent = args.hits;
  byId("inference").max = Math.max(state.inferences - 1, 0);
  showPanel(state, args);
  showSlowest(args.slowest, (number) => ask({ inference: number }, 0));
  describe();
}

showKeys();
watch(canvas, state, { show, ask, redraw, describe });
byId("listed").addEventListener("toggle", () => showTable(state));
new ResizeObserver(() => {
  redraw();
  if (state.view && lacks()) ask();
}).observe(canvas);
followHeight(document.documentElement);
listen(take);
