/**
 * Speed of integer training: the 30 steps of test/vectors/qv-adamw.json (8 rows of 64 tokens, stories260k).
 * Run: node bench/train.ts [steps a segment, a power of two: 2] [witness].
 */
import { cpus } from 'node:os';
import { openDevice } from '../prover/backend/device.ts';
import { createGpuEngine } from '../prover/train/gpu-engine.ts';
import { adapterCells } from '../commitment/chains.ts';
import { nextState, zeroMoments } from '../prover/train/state.ts';
import { loadVector } from '../test/support/vector-run.ts';

const segment = Number(process.argv[2] ?? 2);
const witness = process.argv[3] === 'witness';
const seconds = (from: number): string => `${((performance.now() - from) / 1000).toFixed(2)} s`;

const start = performance.now();
const run = await loadVector('qv-adamw');
const first = run.program(0, segment);
const { batch, seqLen, model, lora } = first.config;
console.log(`read and planned: ${seconds(start)}`);

const opening = performance.now();
const device = await openDevice();
console.log(`${device.adapterInfo.description}, ${cpus().length} × ${cpus()[0].model}`);
const engine = await createGpuEngine(first, { witness, device });
await engine.loadBase(run.base);
console.log(`device and base: ${seconds(opening)}`);

const steps = run.batches.length - (run.batches.length % segment);
let state = new Map([...adapterCells(first, run.initial), ...zeroMoments(first)]) as Awaited<
  ReturnType<typeof engine.state>
>;
let worst = 0;
let warm = 0;
const training = performance.now();
for (let at = 0; at < steps; at += segment) {
  await engine.begin(run.program(at, segment), state);
  for (let t = 0; t < segment; t++) {
    const { loss, count } = await engine.step(t, run.batches[at + t]);
    worst = Math.max(worst, Math.abs(Number(loss) / 1024 / count - run.vector.train_loss[at + t]));
    if (at + t === 0) {
      console.log(`first step, kernels compiled: ${seconds(training)}`);
      warm = performance.now();
    }
  }
  state = nextState(await engine.state());
  if (witness && at === 0) {
    const reading = performance.now();
    const cells = [...(await engine.witness()).values()].reduce((n, c) => n + c.length, 0);
    console.log(`witness of a segment: ${cells} cells in ${seconds(reading)}`);
  }
}
const elapsed = (performance.now() - warm) / 1000;

/** Products of a step's matrix products: forward, and backward by inputs; adapters and attention left out. */
const layer =
  model.hiddenSize * model.headDim * (2 * model.heads + 2 * model.kvHeads) +
  3 * model.hiddenSize * model.intermediateSize;
const products = 2 * batch * seqLen * (model.layers * layer + model.vocabSize * model.hiddenSize);
console.log(`${steps} steps: ${seconds(training)}, ${((steps - 1) / elapsed).toFixed(2)} steps/s after the first`);
console.log(`${((products * (steps - 1)) / elapsed / 1e9).toFixed(2)} G frozen products/s, rank ${lora.rank}`);
console.log(`largest difference from the float64 run's loss: ${worst.toFixed(5)}`);
console.log(`all: ${seconds(start)}`);
engine.close();
device.close();
