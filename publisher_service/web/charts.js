// Charts: small ones for the ribbon, drawn here, and large ones by uPlot, which is loaded when the first is wanted.
//
// Each function draws into an element and returns a handle: `update(data)` draws newer data, `close()` ends it. Colours
// are the page's (--reference, --up, --down, …) and follow its theme; the size is the element's. Times are shown as in
// Vietnam, wherever the reader is. What is below the reference is red, what is above it green, the reference is yellow.

/** @typedef {{time: number, value: number}} Point `time` in Unix ms */
/** @typedef {{start: number, open: number, high: number, low: number, close: number, volume: number}} Bar of /api/bars */
/** @typedef {{start: number, basis: number, high: number, low: number}} BasisPoint of /api/basis */
/** @typedef {{reference: number | null, points: Point[]}} Mini */
/** @typedef {{reference: number | null, bars: Bar[], format?: (price: number) => string}} Line */
/** @typedef {{points: BasisPoint[]}} Basis */
/** @template T @typedef {{update: (data: T) => void, close: () => void}} Handle */
/** @typedef {{element: Element, draw: () => void, resize: () => void, close: () => void}} Chart */

const VENDOR = new URL("vendor/uplot@1.6.32/", import.meta.url);
const FALLBACKS = { "--reference": "#ffd900", "--up": "#0bdf39", "--down": "#ff3737", "--soft": "#93a0ae", "--line": "#1f262e" };
/** A line is broken where nothing was traded for so long: that is lunch, or an outage. */
const GAP_MS = 60 * 60_000;
/** The axis of times shows so much at least: a day begins with one minute. */
const LEAST_S = 30 * 60;
const LEAST_HEIGHT_PX = 60;
const USUAL_HEIGHT_PX = 220;

const inVietnam = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Ho_Chi_Minh", hour: "2-digit", minute: "2-digit" });
const twoDecimals = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** @type {Map<Element, Chart>} */
const charts = new Map();
/** @type {Set<Chart>} */
const due = new Set();
/** @type {Record<string, string>} */
let colours = {};

const resizing = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    // Its page may be gone without a word: that changes its size too.
    if (target.isConnected) charts.get(target)?.resize();
    else charts.get(target)?.close();
  }
});
const themed = () => {
  colours = {};
  for (const chart of charts.values()) soon(chart);
};
new MutationObserver(themed).observe(document.documentElement, { attributeFilter: ["class", "style", "data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", themed);

/** All that is due is drawn at once, before the next picture. @param {Chart} chart */
function soon(chart) {
  if (!due.size) requestAnimationFrame(drawDue);
  due.add(chart);
}

function drawDue() {
  const drawn = [...due];
  due.clear();
  for (const chart of drawn) if (chart.element.isConnected) chart.draw();
}

/** @param {Chart} chart */
function keep(chart) {
  charts.get(chart.element)?.close();
  charts.set(chart.element, chart);
  resizing.observe(chart.element);
}

/** @param {Chart} chart */
function forget(chart) {
  resizing.unobserve(chart.element);
  charts.delete(chart.element);
  due.delete(chart);
}

/** @param {keyof typeof FALLBACKS} name */
function colour(name) {
  return (colours[name] ??= getComputedStyle(document.documentElement).getPropertyValue(name).trim() || FALLBACKS[name]);
}

/** A colour that lets through what is behind it. @param {keyof typeof FALLBACKS} name @param {number} share of 1 */
function faint(name, share) {
  return `color-mix(in srgb, ${colour(name)} ${100 * share}%, transparent)`;
}

/**
 * A line without axes, cheap enough for twenty on a page: the points at equal distances, so that lunch takes no room.
 *
 * @param {HTMLElement} element a canvas, or what gets one
 * @param {Mini} data
 * @returns {Handle<Mini>}
 */
export function miniChart(element, data) {
  const canvas = element instanceof HTMLCanvasElement ? element : document.createElement("canvas");
  if (canvas !== element) {
    // Out of the flow: it takes the size of the element and never makes it.
    element.style.position = "relative";
    Object.assign(canvas.style, { position: "absolute", inset: "0", width: "100%", height: "100%" });
    element.replaceChildren(canvas);
  }
  let shown = data;
  /** @type {Chart} */
  const chart = { element, draw: () => drawMini(canvas, shown), resize: () => soon(chart), close: () => forget(chart) };
  keep(chart);
  soon(chart);
  return {
    update(newer) {
      shown = newer;
      soon(chart);
    },
    close: () => chart.close(),
  };
}

/** @param {HTMLCanvasElement} canvas @param {Mini} data */
function drawMini(canvas, { reference, points }) {
  const pen = canvas.getContext("2d");
  const [width, height, scale] = [canvas.clientWidth, canvas.clientHeight, devicePixelRatio];
  if (!pen || !width || !height) return;
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.setLineDash([]);
  pen.clearRect(0, 0, width, height);
  if (!points.length) return;
  let least = reference ?? points[0].value;
  let most = least;
  for (const { value } of points) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const [top, room] = [2, height - 4];
  /** @param {number} value */
  const y = (value) => (most === least ? height / 2 : top + (room * (most - value)) / (most - least));
  const step = width / Math.max(1, points.length - 1);
  const line = new Path2D();
  line.moveTo(0, y(points[0].value));
  points.forEach(({ value }, place) => line.lineTo(place * step, y(value)));
  if (points.length === 1) line.lineTo(width, y(points[0].value));
  const middle = y(reference ?? least);
  const area = new Path2D(line);
  area.lineTo(width, middle);
  area.lineTo(0, middle);
  const halves = /** @type {const} */ ([["--up", 0, middle], ["--down", middle, height - middle]]);
  for (const [name, from, length] of halves) {
    pen.save();
    pen.beginPath();
    pen.rect(0, from, width, length);
    pen.clip();
    pen.fillStyle = faint(name, 0.18);
    pen.fill(area);
    pen.strokeStyle = colour(name);
    pen.lineWidth = 1.25;
    pen.lineJoin = "round";
    pen.stroke(line);
    pen.restore();
  }
  if (reference == null) return;
  pen.strokeStyle = colour("--reference");
  pen.lineWidth = 1;
  pen.setLineDash([3, 2]);
  pen.beginPath();
  pen.moveTo(0, Math.round(middle) + 0.5);
  pen.lineTo(width, Math.round(middle) + 0.5);
  pen.stroke();
}

/**
 * The day of one symbol or index: closes of its minutes, and the volumes below.
 *
 * @param {HTMLElement} element
 * @param {Line} data `format` says how prices are written
 * @returns {Handle<Line>}
 */
export function lineChart(element, data) {
  return plotted(element, data, {
    columns: ({ bars }) => broken(bars, ({ close, volume }) => [close, volume]),
    base: ({ reference }) => reference,
    format: (shown) => shown.format ?? twoDecimals.format,
    series: (split, uPlot, to) => [
      { scale: "y", stroke: split(1), fill: split(0.14), fillTo: to, width: 1.5, points: { show: isShort } },
      {
        scale: "volume", stroke: () => faint("--soft", 0.5), fill: () => faint("--soft", 0.5), width: 0,
        paths: uPlot.paths.bars({ size: [0.7, 8, 1] }), points: { show: false },
      },
    ],
    // The bars have the lowest fifth.
    scales: { volume: { range: (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ most) => [0, 5 * Math.max(1, most ?? 1)] } },
    told: ([time, close, volume], format) => `${inVietnam.format(time)}  ${format(close)}  ${whole.format(volume)}`,
  });
}

/**
 * The basis of a future through the day, around zero: its value at the end of each minute, and between which values it
 * was.
 *
 * @param {HTMLElement} element
 * @param {Basis} data
 * @returns {Handle<Basis>}
 */
export function basisChart(element, data) {
  const edge = { scale: "y", stroke: "transparent", width: 0, points: { show: false } };
  return plotted(element, data, {
    columns: ({ points }) => broken(points, ({ basis, high, low }) => [high, low, basis]), // the line lies upon the band
    base: () => 0,
    format: () => twoDecimals.format,
    series: (split) => [edge, edge, { scale: "y", stroke: split(1), width: 1.5, points: { show: isShort } }],
    bands: [{ series: [1, 2], fill: () => faint("--soft", 0.28) }],
    scales: {},
    told: ([time, high, low, basis], format) =>
      `${inVietnam.format(time)}  ${format(basis)}  (${format(low)} … ${format(high)})`,
  });
}

/**
 * Columns for uPlot: seconds, and the values of each row; an empty row after each gap.
 *
 * @template {{start: number}} T
 * @param {T[]} rows oldest first
 * @param {(row: T) => number[]} values
 * @returns {(number | null)[][]}
 */
function broken(rows, values) {
  /** @type {(number | null)[][]} */
  const columns = [[], ...(rows.length ? values(rows[0]).map(() => []) : [])];
  rows.forEach((row, place) => {
    const before = rows[place - 1];
    if (before && row.start - before.start > GAP_MS) {
      columns.forEach((column, at) => column.push(at ? null : before.start / 1000 + 60));
    }
    [row.start / 1000, ...values(row)].forEach((value, at) => columns[at].push(value));
  });
  return columns;
}

/** One point is no line. @param {any} plot */
const isShort = (plot) => plot.data[0].length < 2;

/** @typedef {(share: number) => (plot: any) => CanvasGradient | string} Split */

/**
 * A chart by uPlot.
 *
 * @template T
 * @param {HTMLElement} element
 * @param {T} data
 * @param {object} kind
 * @param {(data: T) => (number | null)[][]} kind.columns
 * @param {(data: T) => number | null} kind.base the value between green and red
 * @param {(data: T) => (value: number) => string} kind.format of values
 * @param {(split: Split, uPlot: any, toBase: (plot: any) => number) => any[]} kind.series
 * @param {any[]} [kind.bands]
 * @param {Record<string, any>} kind.scales
 * @param {(row: number[], format: (value: number) => string) => string} kind.told of the row below the pointer
 * @returns {Handle<T>}
 */
function plotted(element, data, kind) {
  let shown = data;
  /** @type {any} */ let plot = null;
  let closed = false;
  charts.get(element)?.close();
  const readout = document.createElement("div");
  const ground = document.createElement("div");
  element.replaceChildren(ground, readout);
  element.style.position = "relative";
  if (element.clientHeight < LEAST_HEIGHT_PX) element.style.height = `${USUAL_HEIGHT_PX}px`;
  // Out of the flow: it takes the size of the element and never makes it.
  Object.assign(ground.style, { position: "absolute", inset: "0", overflow: "hidden" });
  Object.assign(readout.style, { position: "absolute", insetInlineEnd: "8px", top: "2px", pointerEvents: "none", whiteSpace: "pre" });

  /** Green above the base, red below it. @type {Split} */
  const split = (share) => (drawn) => {
    const base = kind.base(shown);
    const { top, height } = drawn.bbox;
    if (base == null || !height || drawn.scales.y.min == null) return faint("--soft", share);
    const at = Math.min(1, Math.max(0, (drawn.valToPos(base, "y", true) - top) / height));
    const gradient = drawn.ctx.createLinearGradient(0, top, 0, top + height);
    for (const [name, from, to] of /** @type {const} */ ([["--up", 0, at], ["--down", at, 1]])) {
      gradient.addColorStop(from, faint(name, share));
      gradient.addColorStop(to, faint(name, share));
    }
    return gradient;
  };

  /** @param {any} drawn */
  const drawBase = (drawn) => {
    const base = kind.base(shown);
    if (base == null || drawn.scales.y.min == null) return;
    const { left, width } = drawn.bbox;
    const y = Math.round(drawn.valToPos(base, "y", true)) + 0.5;
    drawn.ctx.save();
    drawn.ctx.strokeStyle = colour("--reference");
    drawn.ctx.lineWidth = devicePixelRatio;
    drawn.ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    drawn.ctx.beginPath();
    drawn.ctx.moveTo(left, y);
    drawn.ctx.lineTo(left + width, y);
    drawn.ctx.stroke();
    drawn.ctx.restore();
  };

  /** @param {any} drawn */
  const tell = (drawn) => {
    const at = drawn.cursor.idx;
    const row = at == null ? null : drawn.data.map((/** @type {any[]} */ column) => column[at]);
    const told = row && row[1] != null ? kind.told([row[0] * 1000, ...row.slice(1)], kind.format(shown)) : "";
    if (readout.textContent !== told) readout.textContent = told;
  };

  /** Both ends, and the base, with a little air. @param {any} _ @param {number | null} least @param {number | null} most */
  const range = (_, least, most) => {
    const base = kind.base(shown);
    const values = [least, most, base].filter((value) => value != null);
    if (!values.length) return [0, 1];
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const air = (high - low || Math.abs(high) / 100 || 1) * 0.06;
    return [low - air, high + air];
  };

  /** By the times themselves: for a single one the library would show a whole day. @param {any} drawn @param {number} from */
  const untilNow = (drawn, from) => [from, Math.max(drawn.data[0].at(-1) ?? 0, from + LEAST_S)];

  /** @type {Chart} */
  const chart = {
    element,
    draw: () => plot?.redraw(true, true),
    resize: () => plot?.setSize({ width: element.clientWidth, height: element.clientHeight }),
    close() {
      closed = true;
      forget(chart);
      plot?.destroy();
      plot = null;
    },
  };
  keep(chart);
  void library().then((uPlot) => {
    if (closed || !uPlot) return;
    const axis = {
      stroke: () => colour("--soft"), grid: { stroke: () => colour("--line"), width: 1 },
      ticks: { show: false }, font: "11px system-ui, sans-serif",
    };
    plot = new uPlot({
      width: element.clientWidth, height: element.clientHeight, padding: [18, 16, 0, 0], legend: { show: false },
      cursor: { y: false, drag: { setScale: false }, points: { size: 5 } },
      scales: { x: { time: true, range: untilNow }, y: { range }, ...kind.scales },
      series: [{}, ...kind.series(split, uPlot, (drawn) => kind.base(shown) ?? drawn.scales.y.min)],
      bands: kind.bands ?? [],
      axes: [
        { ...axis, size: 28, values: (/** @type {any} */ _, /** @type {number[]} */ times) => times.map((time) => inVietnam.format(time * 1000)) },
        { ...axis, size: 62, values: (/** @type {any} */ _, /** @type {number[]} */ values) => values.map((value) => kind.format(shown)(value)) },
      ],
      hooks: { draw: [drawBase], setCursor: [tell] },
    }, kind.columns(shown), ground);
  });
  return {
    update(newer) {
      shown = newer;
      plot?.setData(kind.columns(newer));
    },
    close: () => chart.close(),
  };
}

/** @type {Promise<any> | undefined} */
let loading;

/** uPlot, once; null if it cannot be had: then there are no large charts, and all else is as it was. */
function library() {
  return (loading ??= new Promise((resolve) => {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = new URL("uPlot.min.css", VENDOR).href;
    const script = document.createElement("script");
    script.src = new URL("uPlot.iife.min.js", VENDOR).href;
    script.onload = () => resolve(/** @type {any} */ (globalThis).uPlot);
    script.onerror = () => resolve(null);
    document.head.append(style, script);
  }));
}
