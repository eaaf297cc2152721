/**
 * CPU time of an adapter's root from its file, and of the file's digests, against the cost that a service is told before.
 * Run: node bench/adapter-root.ts [shapes: 4, the smallest ones].
 */
import { adapterRootOfFile } from '../commitment/adapter-root.ts';
import { adapterRootCost, adapterRootMemory } from '../commitment/cost.ts';
import { fileDigests } from '../commitment/digests.ts';
import { TARGETS, type Target } from '../protocol/program/adapter.ts';
import type { RunSpec } from '../protocol/statement.ts';
import { table } from '../prover/table.ts';
import { patternAdapter, rawTensors, tensorFile } from '../test/support/sample-adapter.ts';
import { SAMPLE_RUN } from '../test/support/statements.ts';

const QV: readonly Target[] = ['q_proj', 'v_proj'];
/** Layers, width, feed-forward width, heads, key-value heads. */
const EXAMPLE = [5, 64, 172, 8, 4] as const;
const SMALL = [30, 576, 1536, 9, 3] as const;
const TINY_LLAMA = [22, 2048, 5632, 32, 4] as const;

const SHAPES: readonly [string, typeof EXAMPLE | typeof SMALL | typeof TINY_LLAMA, readonly Target[]][] = [
  ['example, q and v', EXAMPLE, QV],
  ['example, all', EXAMPLE, TARGETS],
  ['135M, q and v', SMALL, QV],
  ['135M, all', SMALL, TARGETS],
  ['1.1B, q and v', TINY_LLAMA, QV],
  ['1.1B, all', TINY_LLAMA, TARGETS],
];

function runOf([layers, hiddenSize, intermediateSize, heads, kvHeads]: readonly number[], targets: readonly Target[]) {
  const model = {
    ...SAMPLE_RUN.model,
    layers,
    hiddenSize,
    intermediateSize,
    heads,
    kvHeads,
    headDim: hiddenSize / heads,
  };
  return { ...SAMPLE_RUN, model, lora: { ...SAMPLE_RUN.lora, targets } } satisfies RunSpec;
}

/** CPU time, which other work on the machine lengthens less than wall time. */
function milliseconds(work: () => unknown): number {
  const start = process.cpuUsage();
  work();
  return process.cpuUsage(start).user / 1000;
}

const rows = SHAPES.slice(0, Number(process.argv[2] ?? 4)).map(([name, shape, targets]) => {
  const run = runOf(shape, targets);
  const bytes = tensorFile(rawTensors(run, patternAdapter(run)));
  // The first call compiles.
  const small = bytes.length < 2 ** 20;
  if (small) adapterRootOfFile(bytes, run);
  const root = Math.min(
    ...Array.from({ length: small ? 5 : 1 }, () => milliseconds(() => adapterRootOfFile(bytes, run))),
  );
  const digests = milliseconds(() => fileDigests(bytes));
  const cost = adapterRootCost(run);
  const mega = (n: number): string => (n / 1e6).toFixed(2);
  return [
    `${name}, rank ${run.lora.rank}`,
    mega(bytes.length),
    root.toFixed(0),
    cost,
    ((1000 * root) / cost).toFixed(2),
    mega(adapterRootMemory(run)),
    digests.toFixed(1),
  ];
});
const head = ['adapter', 'file, MB', 'root, ms', 'cost', 'µs a unit', 'memory bound, MB', 'digests, ms'];
process.stdout.write(`${table(head, rows)}\n`);
