/** The losses of a run as an SVG picture, for light and dark backgrounds. */
import type { LossLine } from './loss-log.ts';

const WIDTH = 720;
const HEIGHT = 400;
const FRAME = { left: 64, right: 20, top: 48, bottom: 52 };

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 16px; font-weight: 600; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  .loss { fill: none; stroke: #0969da; stroke-width: 2; stroke-linejoin: round; }
  .mark { fill: #0969da; }
  .held-out { fill: #bc4c00; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .grid { stroke: #3d444d; }
    .loss { stroke: #4493f8; }
    .mark { fill: #4493f8; }
    .held-out { fill: #f0883e; }
  }
`;

/** Ticks at 1, 2 or 5 times a power of ten that cover low … high, about `wanted` of them; `whole`: integers alone. */
export function ticks(low: number, high: number, wanted: number, whole = false): number[] {
  const rough = Math.max((high - low) / wanted, whole ? 1 : 1e-9);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((m) => m * power >= rough * (1 - 1e-9)) ?? 10) * power;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

const escape = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

/**
 * Draws the mean loss of every step as a line, and those of the held-out rows as points.
 *
 * @param title of the picture
 * @param losses a line's step counts from 0 and stands at step + 1; at least one loss or evaluation
 * @param evaluations stand at the number of steps done before them
 * @param steps of the whole run
 */
export function lossPlot(
  title: string,
  losses: readonly LossLine[],
  evaluations: readonly LossLine[],
  steps: number,
): string {
  const points = losses.map((l) => ({ step: l.step + 1, mean: l.mean }));
  const means = [...points, ...evaluations].map((l) => l.mean);
  const ys = ticks(Math.min(...means), Math.max(...means), 5);
  const xs = ticks(0, steps, 6, true);
  const [bottom, top] = [ys[0], ys[ys.length - 1]];
  const [wide, high] = [WIDTH - FRAME.left - FRAME.right, HEIGHT - FRAME.top - FRAME.bottom];
  const px = (step: number): string => (FRAME.left + (wide * step) / xs[xs.length - 1]).toFixed(1);
  const py = (mean: number): string => (FRAME.top + (high * (top - mean)) / (top - bottom)).toFixed(1);
  const right = WIDTH - FRAME.right;
  const floor = HEIGHT - FRAME.bottom;
  const text = (x: string | number, y: string | number, anchor: string, content: string, extra = ''): string =>
    `<text x="${x}" y="${y}" text-anchor="${anchor}"${extra}>${escape(content)}</text>`;
  const parts = [
    text(FRAME.left, 28, 'start', title, ' class="title"'),
    ...ys.map((y) => `<path class="grid" d="M${FRAME.left} ${py(y)}H${right}"/>`),
    ...ys.map((y) => text(FRAME.left - 8, Number(py(y)) + 4, 'end', String(y))),
    ...xs.map((x) => text(px(x), floor + 20, 'middle', String(x))),
    text((FRAME.left + right) / 2, HEIGHT - 12, 'middle', 'step'),
    text(
      18,
      (FRAME.top + floor) / 2,
      'middle',
      'mean loss, nats',
      ` transform="rotate(-90 18 ${(FRAME.top + floor) / 2})"`,
    ),
    `<polyline class="loss" points="${points.map((p) => `${px(p.step)},${py(p.mean)}`).join(' ')}"/>`,
    ...(points.length === 1
      ? points.map((p) => `<circle class="mark" cx="${px(p.step)}" cy="${py(p.mean)}" r="3"/>`)
      : []),
    ...evaluations.map((e) => `<circle class="held-out" cx="${px(e.step)}" cy="${py(e.mean)}" r="5"/>`),
    ...legend(right, evaluations.length > 0),
  ];
  const size = `width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}"`;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="${escape(title)}">`;
  return `${head}\n<style>${STYLE}</style>\n${parts.join('\n')}\n</svg>\n`;
}

function legend(right: number, heldOut: boolean): string[] {
  const out = [
    `<path class="loss" d="M${right - 96} 24h24"/>`,
    `<text x="${right}" y="28" text-anchor="end">training</text>`,
  ];
  if (!heldOut) return out;
  return [
    ...out,
    `<circle class="held-out" cx="${right - 190}" cy="24" r="5"/>`,
    `<text x="${right - 112}" y="28" text-anchor="end">held-out</text>`,
  ];
}
