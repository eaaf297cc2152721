/**
 * One segment proof, from a trained step to a verified file: time of each phase, size of each part, memory.
 * Run: node bench/prove.ts [layers: 5] [rows: 4] [tokens: 64] [steps: 1] [repeats: 2].
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { verifyProof } from '../protocol/verify.ts';
import { openDevice } from '../prover/backend/device.ts';
import { openCompute } from '../prover/compute.ts';
import { SegmentProver } from '../prover/proofs/segment.ts';
import { newRun } from '../prover/train/new-run.ts';
import { runConfig } from '../prover/train/run-config.ts';
import { train } from '../prover/train/trainer.ts';
import { EXAMPLE, FABLES, deeperModel } from './models.ts';

const [layers, batch, seqLen, steps, repeats] = [5, 4, 64, 1, 2].map((d, i) => Number(process.argv[2 + i] ?? d));
const probe = await openDevice();
console.log(`${probe.adapterInfo.description}, ${cpus().length} × ${cpus()[0].model}, Node ${process.version}`);
probe.close();

const folder = await mkdtemp(join(tmpdir(), 'zklora-bench-'));
const model = layers === 5 ? EXAMPLE : await deeperModel(layers);
const compute = await openCompute('gpu');
const settings = {
  steps,
  batch,
  seqLen,
  evalRows: 0,
  rank: 8,
  alpha: 16,
  targets: ['q_proj', 'v_proj'] as const,
  seed: 'bench',
};
const config = runConfig({ ...settings, targets: [...settings.targets] });
const sources = { folder: join(folder, 'run'), model, data: FABLES, initialAdapter: null };
const { run, base } = await newRun(sources, config, compute.backend);
const engine = await compute.engine(run.program(0, 1), { witness: false });
await engine.loadBase(base);
await train(run, engine);
engine.close();

const prover = new SegmentProver(run, base, compute);
let proof: Uint8Array = new Uint8Array();
for (let repeat = 0; repeat < repeats; repeat++) {
  const cpu = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
  const phases: { name: string; from: number; cpu: number }[] = [];
  const { bytes } = await prover.prove({ first: 0, steps }, (name) =>
    phases.push({ name, from: performance.now(), cpu: cpu() }),
  );
  const end = performance.now();
  const endCpu = cpu();
  const total = end - phases[0].from;
  console.log(`\n${layers} layers, ${steps} × ${batch} rows × ${seqLen} tokens, run ${repeat + 1} of ${repeats}`);
  console.table(
    phases.map(({ name, from, cpu: before }, i) => {
      const time = (phases[i + 1]?.from ?? end) - from;
      const used = (phases[i + 1]?.cpu ?? endCpu) - before;
      return {
        phase: name,
        seconds: (time / 1000).toFixed(2),
        'CPU seconds': used.toFixed(2),
        share: `${((100 * time) / total).toFixed(0)} %`,
      };
    }),
  );
  console.log(
    `all: ${(total / 1000).toFixed(1)} s; resident memory ${(process.memoryUsage.rss() / 2 ** 30).toFixed(2)} GiB`,
  );
  proof = bytes;
}

const times = Array.from({ length: 7 }, () => {
  const from = performance.now();
  verifyProof(proof);
  return performance.now() - from;
}).sort((a, b) => a - b);
console.log(`verify: ${times[0].toFixed(0)} ms least, ${times[3].toFixed(0)} ms median of 7`);
const parts = new Map<string, number>();
for (const { label, length } of verifyProof(proof).log) {
  const part = label.split('.').slice(0, 2).join('.');
  parts.set(part, (parts.get(part) ?? 0) + length);
}
const large = [...parts].filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]);
console.table(large.map(([part, n]) => ({ part, bytes: n, share: `${((100 * n) / proof.length).toFixed(1)} %` })));
console.log(`proof: ${proof.length} bytes`);
compute.close();
await rm(folder, { recursive: true, force: true });
process.exit(0);
