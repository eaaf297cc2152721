/**
 * The cost model of protocol/cost.ts against the verifier: time of each stage, predicted and measured, for shapes of real
 * models. No proofs are needed: a verifier without checks goes its whole way through random bytes.
 * Run: node bench/verify-cost.ts [repeats: 5] [name of one shape].
 *
 * RATES are chosen by this table, so that the predicted sum of a shape is about what its first verification takes.
 * Times are of the process's CPU, so that other processes disturb them less; "first" is the first time that a shape's tables
 * are computed, "again" the least of the others.
 */
import { cpus } from 'node:os';
import { STAGES, verificationCost, type Stage } from '../protocol/cost.ts';
import { proofSizeBound } from '../protocol/size.ts';
import type { Statement } from '../protocol/statement.ts';
import { MODEL_SHAPES, stepOf } from '../test/support/shapes.ts';
import { countedVerifier, randomProof } from '../test/support/walk.ts';

const repeats = Number(process.argv[2] ?? 5);
const only = process.argv[3];
console.log(`${cpus().length} × ${cpus()[0].model}, Node ${process.version}`);

/** Milliseconds of CPU time. */
function clock(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const walker = await countedVerifier({ checks: false, counts: false });

function stages(bytes: Uint8Array): Map<Stage, number> {
  const times = new Map<Stage, number>();
  let stage: Stage = 'statement';
  let from = clock();
  const leave = (next: Stage): void => {
    if (next === stage) return;
    const now = clock();
    times.set(stage, (times.get(stage) ?? 0) + now - from);
    [stage, from] = [next, now];
  };
  walker.verify(bytes, {
    onProgress: (_done, _total, what) => {
      leave(what);
    },
  });
  times.set(stage, clock() - from);
  return times;
}

const text = (ms: number): string => ms.toFixed(1);

function report(name: string, statement: Statement): void {
  const cost = verificationCost(statement);
  const size = proofSizeBound(statement);
  const bytes = randomProof(statement, name);
  const first = stages(bytes);
  const runs = Array.from({ length: repeats }, () => stages(bytes));
  const again = new Map(STAGES.map((s) => [s, Math.min(...runs.map((r) => r.get(s) ?? 0))]));
  const modelFrom = clock();
  for (let i = 0; i < repeats; i++) verificationCost(statement);
  const model = (clock() - modelFrom) / repeats;
  console.log(`\n${name}, steps ${statement.segment.first} to ${statement.segment.first + statement.segment.steps}`);
  console.table(
    cost.stages.map(({ stage, milliseconds }) => ({
      stage,
      predicted: text(milliseconds),
      first: text(first.get(stage) ?? 0),
      again: text(again.get(stage) ?? 0),
    })),
  );
  const total = (times: ReadonlyMap<Stage, number>): number => [...times.values()].reduce((n, t) => n + t, 0);
  console.log(
    `all: predicted ${text(cost.milliseconds)} ms; first ${text(total(first))}, again ${text(total(again))};`,
    `the prediction itself ${text(model)}`,
  );
  console.log(
    `proof: ${size.min} to ${size.max} bytes, ${size.expected.toFixed(0)} on average;`,
    `memory: ${(cost.memoryBound / 2 ** 20).toFixed(0)} MiB at most`,
  );
}

for (const [name, model] of Object.entries(MODEL_SHAPES))
  if (only === undefined || name === only)
    for (const first of [2, 0]) report(`${name}, 4 rows × 64 tokens`, stepOf(model, {}, first));
if (only === undefined) {
  const long = { seqLen: 512, batch: 1 };
  report('Llama-3.2-1B, 1 row × 512 tokens', stepOf(MODEL_SHAPES['Llama-3.2-1B'], long));
  report('stories260K, 16 steps of 16 rows', stepOf(MODEL_SHAPES.stories260K, { batch: 16, steps: 64 }, 16, 16));
  report('stories260K, 250,000 rows of data', stepOf(MODEL_SHAPES.stories260K, { dataRows: 250_000 }));
}
await walker.remove();
