/** Between tensors on the GPU and committed cells on the CPU. */
import { encodeEnd, type ChainEnd } from '../../commitment/chains.ts';
import type { LlamaProgram } from '../../protocol/program/llama.ts';
import type { ContractOp } from '../../protocol/program/relations.ts';
import { sizeOf, type Tensor } from '../../protocol/program/tensors.ts';
import type { Batch, CellMap } from './engine.ts';
import { EngineError } from './errors.ts';
import { words64 } from './gpu-pass.ts';
import { isChain, type GpuStore, type Slot } from './gpu-store.ts';
import { cellOwners, type CellOwner } from './program-tensors.ts';
import { decodeEnd } from './state.ts';

/** Words that the GPU turns into cells before they are read back. */
const BLOCK_WORDS = 1 << 23;

/** Uploads the base tensors. @throws EngineError when cells are missing */
export function uploadBase(program: LlamaProgram, store: GpuStore, cells: CellMap): void {
  for (const { cells: declared, tensor } of cellOwners(program).values()) {
    if (declared.oracle !== 'base') continue;
    const data = cells.get(declared.name);
    if (data === undefined) throw new EngineError(`cells ${declared.name} are missing`);
    if (data.length !== sizeOf(declared.axes))
      throw new EngineError(`${declared.name} has ${data.length} cells instead of ${sizeOf(declared.axes)}`);
    const offset = Number(tensor.offset);
    store.write(
      store.slot(tensor).buffers[0],
      0,
      Int32Array.from(data, (cell) => cell + offset),
    );
  }
}

/** Uploads the first slices of every chain. @throws EngineError when cells are missing */
export function uploadState(program: LlamaProgram, store: GpuStore, cells: CellMap): void {
  for (const { cells: declared, tensor, part } of cellOwners(program).values()) {
    const end = declared.oracle;
    if ((end !== 'adapterIn' && end !== 'momentsIn') || part.coef !== 1n) continue;
    const values = decodeEnd(tensor, end, cells);
    const { buffers, wide, words } = store.slot(tensor);
    const out = new Int32Array(wide ? 2 * words : words);
    values.forEach((value: number | bigint, i: number) => {
      if (typeof value === 'number' && !wide) out[i] = value;
      else {
        const pair = words64(BigInt(value));
        out[i] = pair[0];
        if (wide) out[words + i] = pair[1];
      }
    });
    store.write(buffers[0], 0, out);
  }
}

/** Reads the last slices of every chain. */
export async function downloadState(program: LlamaProgram, store: GpuStore): Promise<CellMap> {
  const { steps } = program.config;
  const values = new Map<string, bigint[]>();
  for (const { tensor } of cellOwners(program).values()) {
    if (!isChain(tensor) || values.has(tensor.name)) continue;
    const { wide, words, bufferOf } = store.slot(tensor);
    const data = await store.queue.read(bufferOf(steps), 0, 4 * (wide ? 2 * words : words));
    const valueAt = (i: number): bigint =>
      wide ? BigInt.asIntN(64, (BigInt(data[words + i]) << 32n) | BigInt(data[i])) : BigInt(data[i] | 0);
    values.set(
      tensor.name,
      Array.from({ length: words }, (_, i) => valueAt(i)),
    );
  }
  const end = (name: ChainEnd): CellMap => encodeEnd(program, name, (chain) => values.get(chain.name) ?? []);
  return new Map([...end('adapterOut'), ...end('momentsOut')]);
}

/** Values of one limb that the GPU turns into cells: from which buffers, and how. */
interface Piece {
  readonly buffer: GPUBuffer;
  readonly count: number;
  readonly plane: number;
  readonly unsigned: boolean;
  readonly bias: bigint;
  readonly negative: boolean;
  readonly shift: number;
  readonly bits: number;
}

/** Complements by name: the contraction whose remainder they follow from. */
function complements(program: LlamaProgram): Map<string, ContractOp> {
  const out = new Map<string, ContractOp>();
  for (const op of program.operations)
    if (op.kind === 'contract' && op.complement !== null) out.set(op.complement.name, op);
  return out;
}

/** The buffers of the values that a cell owner's cells come from, in the cells' order. */
function piecesOf(owner: CellOwner, store: GpuStore, derived: ReadonlyMap<string, ContractOp>): Piece[] {
  const { tensor, part } = owner;
  const bits = part.cells.bits ?? 32;
  const shift = part.coef.toString(2).length - 1;
  const op = derived.get(tensor.name);
  // complement = divisor − 1 − remainder
  const source: Tensor = op?.remainder ?? tensor;
  const slot: Slot = store.slot(source);
  const bias = op === undefined ? -tensor.offset : op.divisor - 1n - tensor.offset;
  const { words, wide, unsigned } = slot;
  const piece = { plane: wide ? words : 0, count: words, unsigned, bias, negative: op !== undefined, shift, bits };
  if (!isChain(tensor)) return [{ ...piece, buffer: slot.buffers[0] }];
  const { start, count } = part.slice ?? { start: 0, count: tensor.axes[0].size };
  return Array.from({ length: count }, (_, k) => ({ ...piece, buffer: slot.bufferOf(start + k) }));
}

/** Every cell of oracle `witness` of a segment whose batches were these. */
export async function downloadWitness(
  program: LlamaProgram,
  store: GpuStore,
  batches: readonly Batch[],
): Promise<CellMap> {
  const out = tokenCells(program, batches);
  const derived = complements(program);
  const reader = new CellReader(store);
  const owners = cellOwners(program);
  for (const declared of program.cells) {
    if (declared.oracle !== 'witness' || out.has(declared.name)) continue;
    const owner = owners.get(declared.name);
    if (owner === undefined) throw new EngineError(`cells ${declared.name} belong to no tensor`);
    const cells = new Uint32Array(sizeOf(declared.axes));
    out.set(declared.name, cells);
    let at = 0;
    for (const piece of piecesOf(owner, store, derived)) {
      await reader.add(piece, cells.subarray(at, at + piece.count));
      at += piece.count;
    }
  }
  await reader.finish();
  return out;
}

/** Collects cells in blocks, so that few reads bring many tensors. */
class CellReader {
  readonly #store: GpuStore;
  #block: GPUBuffer | null = null;
  #used = 0;
  #targets: { readonly at: number; readonly cells: Uint32Array }[] = [];

  constructor(store: GpuStore) {
    this.#store = store;
  }

  async add(piece: Piece, cells: Uint32Array): Promise<void> {
    for (let first = 0; first < cells.length; first += BLOCK_WORDS)
      await this.#part(piece, first, cells.subarray(first, first + BLOCK_WORDS));
  }

  async finish(): Promise<void> {
    await this.#flush();
    this.#block?.destroy();
  }

  async #part(piece: Piece, first: number, cells: Uint32Array): Promise<void> {
    if (this.#used + cells.length > BLOCK_WORDS) await this.#flush();
    this.#block ??= this.#store.buffer(BLOCK_WORDS, 'cells');
    const { queue } = this.#store;
    const mask = piece.bits >= 32 ? 0xffffffff : 2 ** piece.bits - 1;
    queue.dispatch(
      'train/cells',
      queue.groupsFor(cells.length, 64),
      [
        cells.length,
        first,
        this.#used,
        piece.plane,
        ...words64(piece.bias),
        piece.shift,
        mask,
        Number(piece.negative),
        0,
        0,
        0,
      ],
      [piece.buffer, this.#block],
      { UNSIGNED: Number(piece.unsigned) },
    );
    this.#targets.push({ at: this.#used, cells });
    this.#used += cells.length;
  }

  async #flush(): Promise<void> {
    if (this.#block === null || this.#used === 0) return;
    const words = await this.#store.queue.read(this.#block, 0, 4 * this.#used);
    for (const { at, cells } of this.#targets) cells.set(words.subarray(at, at + cells.length));
    this.#targets = [];
    this.#used = 0;
  }
}

/** Cells of token bits, their slacks and the mask. */
function tokenCells(program: LlamaProgram, batches: readonly Batch[]): Map<string, Uint32Array> {
  const out = new Map<string, Uint32Array>();
  const { vocabSize } = program.config.model;
  const join = (pick: (batch: Batch) => ArrayLike<number>): number[] => batches.flatMap((b) => Array.from(pick(b)));
  const declared = new Set(program.cells.map((c) => c.name));
  out.set(program.mask.name, Uint32Array.from(join((b) => b.mask)));
  for (const key of ['inputs', 'labels'] as const) {
    const { bits, name } = program[key];
    const ids = join((b) => b[key]);
    const width = bits.axes[bits.axes.length - 1].size;
    out.set(
      bits.parts[0].cells.name,
      Uint32Array.from({ length: ids.length * width }, (_, i) => (ids[Math.floor(i / width)] >> (i % width)) & 1),
    );
    const slack = name.replace('.onehot', '.slack');
    if (declared.has(slack))
      out.set(
        slack,
        Uint32Array.from(ids, (id) => vocabSize - 1 - id),
      );
  }
  return out;
}
