/** Integer training on the GPU; the same cells, bit for bit, as the CPU engine's. */
import type { LlamaProgram } from '../../protocol/program/llama.ts';
import { openDevice, type GpuDevice } from '../backend/device.ts';
import { GpuQueue } from '../backend/gpu-queue.ts';
import type { Batch, CellMap, Engine, StepResult } from './engine.ts';
import { EngineError } from './errors.ts';
import { downloadState, downloadWitness, uploadBase, uploadState } from './gpu-cells.ts';
import { GpuPlan, checkShape } from './gpu-plan.ts';
import { GpuStore } from './gpu-store.ts';

/** One queue a device, so that its engines compile every kernel once. */
const queues = new WeakMap<GpuDevice, GpuQueue>();

function queueOf(gpu: GpuDevice): GpuQueue {
  let queue = queues.get(gpu);
  if (queue === undefined) {
    queue = new GpuQueue(gpu);
    queues.set(gpu, queue);
  }
  return queue;
}

/** A segment under way. */
interface Segment {
  readonly program: LlamaProgram;
  readonly plan: GpuPlan;
  readonly batches: Batch[];
  evaluation: GpuPlan | null;
}

class GpuEngine implements Engine {
  readonly name: string;
  readonly #gpu: GpuDevice;
  readonly #ownsDevice: boolean;
  readonly #made: LlamaProgram;
  readonly #keepsWitness: boolean;
  readonly #store: GpuStore;
  /** Where evaluation computes: apart from the witness, which it must not touch. */
  readonly #aside: GpuStore;
  #based = false;
  #segment: Segment | null = null;

  constructor(program: LlamaProgram, gpu: GpuDevice, keepsWitness: boolean, ownsDevice: boolean) {
    this.name = `gpu (${gpu.adapterInfo.description || gpu.adapterInfo.device})`;
    this.#gpu = gpu;
    this.#ownsDevice = ownsDevice;
    this.#made = program;
    this.#keepsWitness = keepsWitness;
    this.#store = new GpuStore(queueOf(gpu), keepsWitness);
    this.#aside = new GpuStore(this.#store.queue, false, this.#store);
  }

  async loadBase(cells: CellMap): Promise<void> {
    uploadBase(this.#made, this.#store, cells);
    this.#based = true;
  }

  async begin(program: LlamaProgram, state: CellMap): Promise<void> {
    if (!this.#based) throw new EngineError('the base model is not loaded', 'Call loadBase before begin.');
    checkShape(program, this.#made);
    this.#end();
    uploadState(program, this.#store, state);
    const plan = new GpuPlan(program, this.#store, this.#keepsWitness ? 'witness' : 'state');
    this.#segment = { program, plan, batches: [], evaluation: null };
  }

  async step(index: number, batch: Batch): Promise<StepResult> {
    const { program, plan, batches } = this.#begun();
    if (index !== batches.length)
      throw new EngineError(`step ${index} does not follow: ${batches.length} steps of the segment are done`);
    const count = checkBatch(program, batch);
    const declared = program.config.counts[index];
    if (count !== declared)
      throw new EngineError(`step ${index} has ${count} unmasked labels, the program says ${declared}`);
    this.#load(this.#store, program, batch, index);
    const loss = await plan.run(index);
    batches.push({ inputs: batch.inputs.slice(), labels: batch.labels.slice(), mask: batch.mask.slice() });
    return { loss, count };
  }

  async evaluate(batch: Batch): Promise<StepResult> {
    const segment = this.#begun();
    const count = checkBatch(segment.program, batch);
    segment.evaluation ??= new GpuPlan(segment.program, this.#aside, 'loss');
    this.#load(this.#aside, segment.program, batch, 0);
    return { loss: await segment.evaluation.run(0), count };
  }

  async state(): Promise<CellMap> {
    return downloadState(this.#finished().program, this.#store);
  }

  async witness(): Promise<CellMap> {
    if (!this.#keepsWitness)
      throw new EngineError('this engine was made without a witness', 'Make it with witness: true.');
    const { program, batches } = this.#finished();
    return downloadWitness(program, this.#store, batches);
  }

  close(): void {
    this.#end();
    this.#store.close();
    this.#aside.close();
    if (this.#ownsDevice) this.#gpu.close();
  }

  #end(): void {
    this.#segment?.plan.close();
    this.#segment?.evaluation?.close();
    this.#segment = null;
  }

  #begun(): Segment {
    if (this.#segment === null) throw new EngineError('no segment has begun', 'Call begin first.');
    return this.#segment;
  }

  #finished(): Segment {
    const segment = this.#begun();
    const { steps } = segment.program.config;
    if (segment.batches.length !== steps)
      throw new EngineError(`${segment.batches.length} of the segment's ${steps} steps are done`);
    return segment;
  }

  /** Writes the step's token ids and mask. */
  #load(store: GpuStore, program: LlamaProgram, batch: Batch, step: number): void {
    store.write(store.slot(program.inputs).buffers[0], 0, batch.inputs);
    store.write(store.slot(program.labels).buffers[0], 0, batch.labels);
    const mask = store.slot(program.mask);
    store.write(mask.buffers[0], step * mask.strides[0], Int32Array.from(batch.mask));
  }
}

/** The number of unmasked labels. @throws EngineError for another shape or an id outside the vocabulary */
function checkBatch(program: LlamaProgram, batch: Batch): number {
  const { batch: rows, seqLen, model } = program.config;
  const entries = rows * seqLen;
  for (const key of ['inputs', 'labels', 'mask'] as const)
    if (batch[key].length !== entries)
      throw new EngineError(`the batch has ${batch[key].length} ${key} instead of ${entries}`);
  for (const ids of [batch.inputs, batch.labels]) {
    const stranger = ids.find((id) => id < 0 || id >= model.vocabSize);
    if (stranger !== undefined)
      throw new EngineError(`token ${stranger} is outside the vocabulary of ${model.vocabSize}`);
  }
  return batch.mask.reduce((n: number, m) => n + m, 0);
}

/**
 * The GPU engine.
 *
 * @param program of the runs' shape: one that begins a segment may have other constants
 * @param options witness: whether `witness()` may be called; device: one that is open, else the engine opens its own
 * @throws DeviceError when no device can be opened; EngineError for a program without operations
 */
export async function createGpuEngine(
  program: LlamaProgram,
  options: { readonly witness: boolean; readonly device?: GpuDevice },
): Promise<Engine> {
  if (program.operations.length === 0) throw new EngineError('the program has no operations');
  const gpu = options.device ?? (await openDevice());
  return new GpuEngine(program, gpu, options.witness, options.device === undefined);
}
