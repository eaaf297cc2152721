/** Work before the proof's first message is read: the program, its tables, the rows. */
import { planned } from '../arguments/plan.ts';
import type { Circuit, Table } from '../program/circuit.ts';
import type { Statement } from '../statement.ts';
import type { Tally } from './tally.ts';

/** Entries of SiLU's table that are computed; further rows follow a closed form. */
const SILU_ENTRIES = 51_201;

/** Largest table of an exponential with a scale of P bits: T(u) ≥ 1 for u ≥ −1024·(P + 1)·ln 2. */
const expEntries = (bits: number): number => Math.ceil(1024 * (bits + 1) * Math.LN2) + 2;

const entriesOf = ({ name }: Table): number => (name === 'silu' ? SILU_ENTRIES : expEntries(Number(name.slice(3))));

/** Rows of a table that are kept; the others are zero. */
export function rowsOfTable(table: Table): number {
  return table.name === 'silu' ? 2 ** table.bits : Math.min(2 ** table.bits, entriesOf(table));
}

/** The powers that a table begins with take as long as this many angles; then one in 64 of its entries does. */
const FIRST_POWERS = 400;

/** An optimiser's constants of one step take as long as this many angles. */
const OPTIMIZER_CONSTANTS = 16;

/** Bytes of a tensor's cells in program and circuit: axes, placement, leaf. */
const CELLS_BYTES = 4096;

/** Decoding, the program and its layout. */
export function statementCost({ segment }: Statement, headerBytes: number, circuit: Circuit, t: Tally): void {
  t.add('constants', OPTIMIZER_CONSTANTS * segment.steps);
  for (const { relation } of planned(circuit, segment.losses)) t.add('terms', relation.terms.length);
  t.add('terms', circuit.program.cells.length);
  t.add('messages', Math.ceil(headerBytes / 16));
  t.held += 64 * headerBytes + CELLS_BYTES * circuit.program.cells.length;
}

/** Tables and public tensors. Computed once for a process that keeps them, but a statement may be the first of its kind. */
export function publicsCost(circuit: Circuit, t: Tally): void {
  const { model, seqLen } = circuit.program.config;
  for (const table of circuit.tables.values()) {
    const rows = rowsOfTable(table);
    t.add('constants', FIRST_POWERS + entriesOf(table) / 64);
    t.add('tableRows', 2 * (rows + entriesOf(table)));
    t.held += 2 * 4 * (rows + entriesOf(table));
  }
  const half = model.headDim / 2;
  t.add('constants', seqLen * half);
  // The root of the frequencies: powers of numbers of 128·half bits, about 20 µs for each of `half`.
  t.add('powers', 4 * half);
  t.held += 4 * 4 * seqLen * half * (1 + 4);
}

/** Epochs that a segment's steps fall into. */
function epochsOf({ run, segment }: Statement): number {
  const stepsPerEpoch = Math.floor(run.dataRows / run.batch);
  const last = Math.floor((segment.first + segment.steps - 1) / stepsPerEpoch);
  return last - Math.floor(segment.first / stepsPerEpoch) + 1;
}

/** Shuffles of every epoch that the segment touches, and its rows. */
export function rowsCost(statement: Statement, headerBytes: number, t: Tally): void {
  const { run, segment } = statement;
  // The run's id and its seed.
  t.hash(headerBytes);
  t.add('compressions', 4);
  const epochs = epochsOf(statement);
  t.add('draws', epochs * run.dataRows);
  t.add('compressions', (epochs * run.dataRows) / 4 + 4 * epochs);
  // An epoch's order while it is made, and those kept.
  t.held += 4 * run.dataRows * 2;
  t.held += 16 * segment.steps * run.batch;
}
