// Times as words, as `tracer.figure_text` writes them.

const UNITS = [["ns", 1, 0], ["us", 1e3, 2], ["ms", 1e6, 2]];

const grouped = (value, decimals) =>
  (Number(value.toFixed(decimals)) + 0).toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });

/** `12.35 us`: the unit that leaves one to three digits before the point. */
export function timeText(ns) {
  for (const [unit, size, decimals] of UNITS) {
    if (Number(Math.abs(ns / size).toFixed(decimals)) < 1000) return `${grouped(ns / size, decimals)} ${unit}`;
  }
  return `${grouped(ns / 1e9, 3)} s`;
}

/** `10,000`. */
export const countText = (count) => grouped(count, 0);

/** Distance of the ticks of an axis: 1, 2 or 5 times a power of ten, at least `least` nanoseconds. */
export function tickStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  return [1, 2, 5, 10].map((one) => one * power).find((step) => step >= least) ?? 10 * power;
}

/** The unit of an axis whose ticks are `step` nanoseconds apart, its size, and the decimals that tell two ticks apart. */
export function tickUnit(step, farthest) {
  const [unit, size] = farthest >= 1e9 ? ["s", 1e9] : farthest >= 1e6 ? ["ms", 1e6] : farthest >= 1e3 ? ["us", 1e3] : ["ns", 1];
  return { unit, text: (ns) => grouped(ns / size, Math.max(0, Math.ceil(Math.log10(size / step) - 1e-9))) };
}
