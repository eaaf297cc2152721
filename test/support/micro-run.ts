/** A whole run of the micro model, from declaration to proven segments, with every root and seed as a verifier computes it. */
import { instanceOf } from '../../protocol/instance.ts';
import { llamaProgram, type LlamaProgram } from '../../protocol/program/llama.ts';
import { rowsOfStep } from '../../protocol/program/sampler.ts';
import { startCells } from '../../protocol/program/start.ts';
import { segmentConfig } from '../../protocol/segment-program.ts';
import { deriveSeed, runId, type RunSpec, type SegmentSpec, type Statement } from '../../protocol/statement.ts';
import { createCpuBackend } from '../../prover/backend/cpu.ts';
import { commitOracle, type StatedOracle } from '../../prover/commitment.ts';
import { proveInstance, type Witness } from '../../prover/prove.ts';
import { createCpuEngine } from '../../prover/train/cpu-engine.ts';
import type { Batch, CellMap } from '../../prover/train/engine.ts';
import { nextState } from '../../prover/train/state.ts';
import { MICRO } from './micro.ts';
import { root } from './statements.ts';
import { toy } from './toy.ts';

const ROWS = 5;
const TOKENS = 2;

/** The run without its roots: two steps of AdamW, no proof of work. */
const SHAPE: RunSpec = {
  protocol: 'zklora/1',
  parameters: 'strict-100',
  model: {
    hiddenSize: 4,
    intermediateSize: 4,
    layers: 1,
    heads: 2,
    kvHeads: 1,
    headDim: 2,
    vocabSize: 3,
    ropeTheta: '10000',
    rmsNormEps: '1e-05',
  },
  quantisation: 'zklora/quantise/v1',
  tokenizer: root(0x70),
  rows: { rule: 'zklora/rows/v1', bos: 1, eos: 2 },
  lora: { rank: 1, alpha: 1, targets: ['q_proj'] },
  scales: { activation: 12, weight: 10, score: 10, attention: 12, vocabulary: 12, gradient: 12, rope: 14 },
  widths: {
    activation: 16,
    residual: 16,
    gate: 12,
    score: 14,
    gradient: 18,
    weightGradient: 22,
    spread: 12,
    frozen: 13,
    widest: 8,
  },
  optimizer: {
    kind: 'adamw',
    lr: '0.001',
    beta1: '0.9',
    beta2: '0.999',
    eps: '1e-08',
    weightDecay: '0.01',
    schedule: { kind: 'linear', warmup: 0 },
  },
  batch: 1,
  seqLen: TOKENS,
  dataRows: ROWS,
  steps: 2,
  losses: 'exact',
  baseRoot: root(0),
  dataRoot: root(0),
  nonce: root(0x11),
  owner: `0x${'5e'.repeat(20)}`,
};

/** A trained segment: its statement, what proves it, and the cells of the next one's start. */
export interface MicroSegment {
  readonly statement: Statement;
  readonly witness: Witness;
  readonly next: CellMap;
}

const backend = createCpuBackend();

function commit(run: RunSpec, program: LlamaProgram, cells: CellMap, oracle: StatedOracle): Promise<string> {
  return commitOracle(backend, oracle, run, program, cells);
}

/** The run with the roots of a random base model and random rows, and their cells. */
async function declared(
  nonce: string,
  steps: number,
): Promise<{ run: RunSpec; program: LlamaProgram; cells: CellMap }> {
  const program = llamaProgram(segmentConfig(SHAPE, 0, [TOKENS]));
  const random = toy({ ...MICRO, dataRows: ROWS });
  const cells = new Map([...random.base, ...random.data]);
  const run = {
    ...SHAPE,
    nonce,
    steps,
    baseRoot: await commit(SHAPE, program, cells, 'base'),
    dataRoot: await commit(SHAPE, program, cells, 'data'),
  };
  return { run, program, cells };
}

/** The batch of one step, as the run's seed says. */
function batchOf(run: RunSpec, cells: CellMap, step: number): Batch {
  const [sample] = rowsOfStep(deriveSeed(runId(run), 'sampler'), run.dataRows, run.batch, step);
  const labels = Int32Array.from(
    (cells.get('data.labels') as Uint32Array).subarray(sample * TOKENS, (sample + 1) * TOKENS),
  );
  const first = (cells.get('data.first') as Uint32Array)[sample];
  return { inputs: Int32Array.of(first, ...labels.subarray(0, -1)), labels, mask: new Uint8Array(TOKENS).fill(1) };
}

/** The run's segments of one step each, trained and committed. @param nonce tells runs of the same data apart */
export async function microRun(nonce: string = SHAPE.nonce, steps: number = SHAPE.steps): Promise<MicroSegment[]> {
  const { run, cells: given } = await declared(nonce, steps);
  const segments: MicroSegment[] = [];
  for (let first = 0; first < steps; first++) {
    const program = llamaProgram(segmentConfig(run, first, [TOKENS]));
    const state = segments.at(-1)?.next ?? startCells(program, deriveSeed(runId(run), 'adapter'));
    const batch = batchOf(run, given, first);
    const engine = createCpuEngine(program, { witness: true });
    await engine.loadBase(given);
    await engine.begin(program, state);
    const { loss } = await engine.step(0, batch);
    const cells = new Map([...given, ...state, ...(await engine.state()), ...(await engine.witness())]);
    const root = (oracle: StatedOracle): Promise<string> => commit(run, program, cells, oracle);
    const segment: SegmentSpec = {
      first,
      steps: 1,
      adapterIn: first === 0 ? null : await root('adapterIn'),
      momentsIn: first === 0 ? null : await root('momentsIn'),
      adapterOut: await root('adapterOut'),
      momentsOut: await root('momentsOut'),
      counts: [TOKENS],
      losses: [Number(loss)],
    };
    const next = nextState(await engine.state());
    segments.push({
      statement: { run, segment },
      witness: { cells, inputs: batch.inputs, labels: batch.labels },
      next,
    });
    engine.close();
  }
  return segments;
}

/** Proves a statement by a witness, whether or not it is one of that statement. */
export async function proveStatement(statement: Statement, witness: Witness): Promise<Uint8Array> {
  return (await proveInstance(backend, instanceOf(statement), witness)).bytes;
}
