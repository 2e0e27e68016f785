// What the page's program sent of a timeline: columns of marks, by lane, and where in them a range begins.

const COLUMNS = [
  ["from", Float64Array], ["to", Float64Array], ["busy", Float32Array], ["lane", Int32Array], ["name", Int32Array],
  ["row", Int32Array], ["count", Int32Array], ["number", Int32Array],
];

/** The marks of `bytes`, columns one behind the other; `head` has their count, range (`start`, `end`) and names. */
export function readMarks(head, bytes) {
  const marks = { ...head };
  let at = bytes.byteOffset;
  for (const [name, Kind] of COLUMNS) {
    const size = head.marks * Kind.BYTES_PER_ELEMENT;
    // A copy: in the page's message they need not begin where a column of that kind may.
    marks[name] = new Kind(bytes.buffer.slice(at, at + size));
    at += size;
  }
  marks.segments = segmentsOf(marks);
  return marks;
}

/** Stretches of marks of one lane that follow one another in time. */
function segmentsOf(marks) {
  const segments = [];
  for (let at = 0; at < marks.marks; at += 1) {
    const merged = marks.row[at] < 0;
    const last = segments.at(-1);
    if (last && last.lane === marks.lane[at] && last.merged === merged) last.to = at + 1;
    else segments.push({ lane: marks.lane[at], merged, from: at, to: at + 1 });
  }
  return segments;
}

/** The first mark of a segment that ends after `ns`. */
export function firstAfter(marks, segment, ns) {
  let low = segment.from;
  let high = segment.to;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (marks.to[middle] > ns) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Call `each(mark, segment)` for the marks that lie in a range, merged ones of a lane first. */
export function inRange(marks, start, end, each) {
  for (const segment of marks.segments) {
    for (let at = firstAfter(marks, segment, start); at < segment.to && marks.from[at] < end; at += 1) {
      each(at, segment);
    }
  }
}

/** The mark at a moment among lanes; -1 where there is none. What is not merged lies above what is. */
export function markAt(marks, lanes, ns, slack) {
  let found = -1;
  for (const segment of marks.segments) {
    if (!lanes.includes(segment.lane)) continue;
    const at = firstAfter(marks, segment, ns - slack);
    if (at < segment.to && marks.from[at] <= ns + slack) found = at;
  }
  return found;
}

/** The mark of a row of a lane; -1 where it is not among these, or merged. */
export function markOf(marks, selected) {
  if (!marks || !selected) return -1;
  const segment = marks.segments.find((one) => one.lane === selected[0] && !one.merged);
  if (!segment) return -1;
  for (let at = segment.from; at < segment.to; at += 1) if (marks.row[at] === selected[1]) return at;
  return -1;
}
