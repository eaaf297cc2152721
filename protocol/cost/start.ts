/** Work of evaluating a run's public start, function by function of `program/start.ts` and `program/matrix-point.ts`. */
import type { Circuit } from '../program/circuit.ts';
import type { Placement } from '../program/layout.ts';
import { innerBits } from '../program/matrix-point.ts';
import { isStartOracle } from '../program/start.ts';
import type { Statement } from '../statement.ts';
import { ELEMENT_BYTES, type Tally } from './tally.ts';

/** The part of a lora_A that one limb has: its matrices are drawn once for all limbs. */
function drawnCost(placement: Placement, highBits: number, t: Tally): void {
  const [layers, rows, ...columns] = placement.cells.axes;
  const width = columns.reduce((n, { size }) => n * size, 1);
  const inner = 2 ** innerBits(placement, columns, placement.cells.bits ?? 0);
  const groups = width / inner;
  t.eqRange(highBits, placement.blocks);
  t.hold(placement.blocks);
  // Weights of layers, rows and groups of columns; the limbs of each inner weight take two products' time.
  t.add('products', 2 * 3 * (layers.size + rows.size + groups) + 5 * inner);
  t.hold(2 * (layers.size + rows.size + groups));
  t.add('products', layers.size * rows.size * (1 + 3 * groups));
  t.add('integers', layers.size * rows.size * width);
  t.add('cells', layers.size * rows.size * width);
  t.pass(ELEMENT_BYTES * (2 * groups + inner) + 4 * 2 * rows.size * width);
}

/** A functional of ones on cells of one value. */
function constantCost({ blocks, lo }: Placement, highBits: number, t: Tally): void {
  t.eqRange(highBits, blocks);
  t.hold(2 * blocks);
  t.add('products', 2 * blocks + lo.length + 3);
}

/** A₀ and zero moments of a run's first segment. */
export function startCost({ segment }: Statement, circuit: Circuit, t: Tally): void {
  if (segment.first > 0) return;
  t.add('compressions', 2);
  const targets = new Map<string, number>();
  for (const tensor of circuit.program.chains)
    for (const { cells } of tensor.parts) {
      if (!isStartOracle(cells.oracle)) continue;
      const placement = circuit.placement(cells);
      const highBits = circuit.stacks[cells.oracle].bits - placement.loBits;
      if (cells.oracle === 'momentsIn' || !tensor.name.endsWith('.lora_A')) constantCost(placement, highBits, t);
      else {
        drawnCost(placement, highBits, t);
        targets.set(
          tensor.name,
          cells.axes.reduce((n, { size }) => n * size, 1),
        );
      }
    }
  for (const drawn of targets.values()) {
    t.add('draws', drawn);
    t.add('compressions', drawn / 4 + 8 * circuit.program.config.model.layers);
  }
}
