/** The losses of a run as a picture in the page, and as a table for those who read it otherwise. */
import { html } from 'hono/html';

import type { Output } from '../../api/client.ts';
import { counted } from '../../api/words.ts';
import type { Html } from './layout.ts';

type Losses = Output<'run'>['losses'];

const WIDTH = 640;
const HEIGHT = 260;
const FRAME = { left: 64, right: 14, top: 16, bottom: 46 };
/** Points drawn at most, rows of the table at most: evenly chosen, the first and the last among them. */
const MOST_POINTS = 400;
const MOST_ROWS = 60;

function chosen<T>(all: readonly T[], most: number): T[] {
  if (all.length <= most) return [...all];
  return Array.from({ length: most }, (_, i) => all[Math.round((i * (all.length - 1)) / (most - 1))]);
}

/** Round numbers from below `low` to above `high`, about `wanted` of them. */
function marks(low: number, high: number, wanted: number, smallest: number): number[] {
  const rough = Math.max((high - low) / wanted, smallest);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((m) => m * power >= rough) ?? 10) * power;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function picture(losses: Losses, steps: number): Html {
  const values = losses.map((l) => l.loss);
  const ys = marks(Math.min(...values), Math.max(...values), 4, 1e-6);
  const xs = marks(0, Math.max(steps - 1, 1), 5, 1);
  const places = Math.max(...ys.map((y) => String(y).split('.')[1]?.length ?? 0));
  const [bottom, top] = [ys[0], ys[ys.length - 1]];
  const [wide, high] = [WIDTH - FRAME.left - FRAME.right, HEIGHT - FRAME.top - FRAME.bottom];
  const px = (step: number): string => (FRAME.left + (wide * step) / xs[xs.length - 1]).toFixed(1);
  const py = (loss: number): string => (FRAME.top + (high * (top - loss)) / (top - bottom)).toFixed(1);
  const points = losses.map(({ step, loss }) => `${px(step)},${py(loss)}`);
  const title = `Loss from ${values[0].toFixed(2)} at step ${losses[0].step} to ${values.at(-1)!.toFixed(2)} at step ${losses.at(-1)!.step}`;
  return html`<svg class="curve" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="curve-title curve-desc">
    <title id="curve-title">${title}</title>
    <desc id="curve-desc">
      A line of the mean loss of each proven step. The lowest is ${Math.min(...values).toFixed(3)}, the highest
      ${Math.max(...values).toFixed(3)} nats a label. The table below has the numbers.
    </desc>
    <g aria-hidden="true">
      ${ys.map((y) => html`<path class="grid" d="M${FRAME.left} ${py(y)}H${WIDTH - FRAME.right}" />`)}
      ${ys.map((y) => html`<text x="${FRAME.left - 8}" y="${Number(py(y)) + 4}" text-anchor="end">${y.toFixed(places)}</text>`)}
      ${xs.map((x) => html`<text x="${px(x)}" y="${HEIGHT - 24}" text-anchor="middle">${String(x)}</text>`)}
      <text x="${WIDTH - FRAME.right}" y="${HEIGHT - 3}" text-anchor="end">step</text>
      <polyline class="line" points="${points.join(' ')}" />
      ${points.length > 40 ? '' : losses.map((l) => html`<circle class="dot" cx="${px(l.step)}" cy="${py(l.loss)}" r="3" />`)}
    </g>
  </svg>`;
}

/** Curve and table of at least one loss; a sentence where there are none. */
export function lossCurve(losses: Losses, steps: number, hidden: boolean): Html {
  if (losses.length === 0)
    return html`<p class="quiet">
      ${hidden ? 'This run does not publish its losses.' : 'No proven step publishes a loss yet.'}
    </p>`;
  const rows = chosen(losses, MOST_ROWS);
  return html`<figure>
    ${picture(chosen(losses, MOST_POINTS), steps)}
    <figcaption>
      Mean loss of each proven step, in nats a label: how surprised the model still is by its training text. Lower is
      less surprised. The loss is part of what is proven.
    </figcaption>
    <details>
      <summary>The losses as a table</summary>
      ${
        rows.length < losses.length
          ? html`<p class="quiet">${rows.length} of ${counted(losses.length, 'step')}; the JSON has them all.</p>`
          : ''
      }
      <div class="scroll" tabindex="0" role="region" aria-label="Losses">
        <table>
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col">Mean loss, nats</th>
            </tr>
          </thead>
          <tbody>
            ${rows.map(
              ({ step, loss }) =>
                html`<tr>
                  <td>${step}</td>
                  <td>${loss.toFixed(4)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </details>
  </figure>`;
}
