/** Throughput of encoding, hashing and opening. Run: node bench/code.ts [columns, 92] [log₂ of a column's cells, 17]. */
import type { Ext } from '../protocol/extension.ts';
import { P, pow, rootOfUnity } from '../protocol/field.ts';
import { openDevice } from '../prover/backend/device.ts';
import { GpuCode } from '../prover/backend/gpu-code.ts';
import { GpuQueue } from '../prover/backend/gpu-queue.ts';
import { GpuVectors } from '../prover/backend/gpu-vectors.ts';

/** What llvmpipe reaches on two cores: F_p products of one dependent chain, and bytes in streaming kernels, a second. */
const LIMITS = { products: 0.25e9, bytes: 4e9 };

type Dispatch = Parameters<GpuQueue['dispatch']>;

/** A queue that also keeps what is recorded, so that single kernels can be run again and timed. */
class RecordingQueue extends GpuQueue {
  recorded: Dispatch[] = [];

  override dispatch(...args: Dispatch): void {
    this.recorded.push(args);
    super.dispatch(...args);
  }
}

const columns = Number(process.argv[2] ?? 92);
const logHeight = Number(process.argv[3] ?? 17);
const gpu = await openDevice();
const queue = new RecordingQueue(gpu);
const vectors = new GpuVectors(queue);
const code = new GpuCode(vectors);
const probe = queue.acquire(256);

/** What a run works on: elements, and where they are counted SHA-256 compressions, F_p products and bytes moved. */
interface Work {
  readonly elements: number;
  readonly compressions?: number;
  readonly products?: number;
  readonly bytes?: number;
}

function processor(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Best of `runs` in milliseconds, by the clock and of processor time. */
async function time(run: () => unknown, runs: number): Promise<[number, number]> {
  let [best, least] = [Infinity, Infinity];
  for (let k = 0; k < runs; k++) {
    await queue.read(probe, 0, 16);
    const [start, cpu] = [performance.now(), processor()];
    await run();
    await queue.read(probe, 0, 16);
    best = Math.min(best, performance.now() - start);
    least = Math.min(least, processor() - cpu);
  }
  return [best, least];
}

function report(name: string, [best, cpu]: readonly [number, number], work: Work): void {
  const rate = (amount: number | undefined, unit: number, what: string, limit?: number): string => {
    if (amount === undefined) return '';
    const share = limit === undefined ? '' : ` (${((100 * amount) / (best / 1e3) / limit).toFixed(0)} %)`;
    return `${(amount / (best / 1e3) / unit).toFixed(2)} ${what}${share}`;
  };
  console.log(
    [
      name.padEnd(30),
      `${best.toFixed(1)} ms`.padStart(10),
      `${cpu.toFixed(0)} ms cpu`.padStart(12),
      rate(work.elements, 1e6, 'M elements/s').padStart(22),
      rate(work.compressions, 1e6, 'M compressions/s').padStart(24),
      rate(work.products, 1e6, 'M products/s', LIMITS.products).padStart(28),
      rate(work.bytes, 1e9, 'GB/s', LIMITS.bytes).padStart(18),
    ].join(''),
  );
}

const rows = 2 ** (logHeight + 1);
const elements = rows * columns;
const rowBlocks = Math.ceil((2 * columns + 3) / 16);
console.log(
  `${gpu.adapterInfo.description || gpu.adapterInfo.device}; ${columns} columns of 2^${logHeight} at rate 1/2`,
);

const cells = vectors.uploadCells(
  Uint32Array.from({ length: columns * 2 ** logHeight }, (_, i) => Math.imul(i, 2654435761) >>> 0),
);
const whole = await time(async () => code.release(await code.commitCells(cells, logHeight, 1)), 3);
report('commitCells', whole, { elements, compressions: rows * rowBlocks + 2 * rows });

// The same commitment kernel by kernel. All levels of the tree count as one.
queue.recorded = [];
const matrix = await code.commitCells(cells, logHeight, 1);
const recorded = queue.recorded;
const work: Record<string, Work> = {
  'spread-cells': { elements, products: elements / 4, bytes: 10 * elements },
  'ntt-pass': { elements, products: (15 / 16) * elements, bytes: 16 * elements },
  'ntt-last': { elements, bytes: 16 * elements },
  'hash-rows': { elements, compressions: rows * rowBlocks, bytes: 8 * elements },
  'hash-nodes': { elements: rows, compressions: 2 * rows, bytes: 96 * rows },
};
for (const [kernel, { elements: each, ...rest }] of Object.entries(work)) {
  const runs = recorded.filter(([name]) => name === kernel);
  const passes = kernel === 'ntt-pass' ? Math.ceil(logHeight / 4) - 1 : 1;
  const scaled = Object.fromEntries(
    Object.entries(rest).map(([what, amount]: [string, number]) => [what, amount * passes]),
  );
  const measured = await time(() => {
    for (const args of runs) queue.dispatch(...args);
  }, 3);
  report(`  ${kernel}${passes > 1 ? ` × ${passes}` : ''}`, measured, {
    elements: each * passes,
    ...scaled,
  });
}

const queries = Array.from({ length: 193 }, (_, k) => Math.floor((k * rows) / 193));
report('openMatrix, 193 rows', await time(() => code.openMatrix(matrix, queries), 3), { elements: 193 * columns });
code.release(matrix);

const weights = Array.from({ length: columns }, (_, c): Ext => [pow(7n, BigInt(c + 99)), pow(11n, BigInt(c + 99))]);
report('combineColumns', await time(() => vectors.free(code.combineColumns(cells, logHeight, weights)), 3), {
  elements: cells.length,
  products: cells.length,
  bytes: 4 * cells.length,
});

const length = 2 ** logHeight;
const target = vectors.zeros(length);
const roots = queries.map((j) => pow(rootOfUnity(logHeight + 1), BigInt(j)));
const coefs = roots.map((z): Ext => [z, 5n]);
for (const [name, points] of [
  ['roots of unity', roots],
  ['any points', roots.map((z) => (z * 3n) % P)],
] as const) {
  const measured = await time(() => code.addPowers(target, 0, length, points, coefs), 3);
  report(`addPowers, 193 ${name}`, measured, { elements: 193 * length, products: 2 * 193 * length });
}
vectors.free(target);

const logLength = logHeight + 1;
const polynomial = vectors.ext(2 ** logLength);
report(
  `commitExt, 2^${logLength}, rate 1/4`,
  await time(async () => code.release(await code.commitExt(polynomial, logLength, 2, 4)), 3),
  { elements: 2 * 2 ** (logLength + 2), compressions: 2 ** (logLength - 2) * 7 },
);
gpu.close();
