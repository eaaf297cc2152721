/**
 * Integer training: runs a program's operations step by step and hands out every committed cell as the witness.
 */
import type { CellMap } from '../../commitment/cells.ts';
import type { LlamaProgram } from '../../protocol/program/llama.ts';

/** Token ids and mask of one step, row-major [batch, seqLen]; mask[i] is 1 where label i counts. */
export interface Batch {
  readonly inputs: Int32Array;
  readonly labels: Int32Array;
  readonly mask: Uint8Array;
}

export type { CellMap };

export interface StepResult {
  /** Σ (μ − score of the label) over unmasked labels, at scale 2^10. */
  readonly loss: bigint;
  readonly count: number;
}

/**
 * An engine is made for one program shape (segment length included) and reused for further segments of the same shape.
 * Two engines given the same inputs produce the same cells, bit for bit.
 */
export interface Engine {
  readonly name: string;
  /** Cells of oracle `base`: once. */
  loadBase(cells: CellMap): Promise<void>;
  /** Begins a segment: its program (same shape; constants may differ) and the cells of `adapterIn` and `momentsIn`. */
  begin(program: LlamaProgram, state: CellMap): Promise<void>;
  /** Runs step `index` of the segment (0 … T−1, in order). @throws RangeOverflowError naming tensor, layer, value and the width to raise. */
  step(index: number, batch: Batch): Promise<StepResult>;
  /** Forward only: the summed loss of a batch under the adapter of slice 0. */
  evaluate(batch: Batch): Promise<StepResult>;
  /** After the last step: the cells of `adapterOut` and `momentsOut`. */
  state(): Promise<CellMap>;
  /** After the last step, when the engine was made with `witness: true`: every cell of oracle `witness`, all T steps. */
  witness(): Promise<CellMap>;
  close(): void;
}
