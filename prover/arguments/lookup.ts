/** The prover of protocol/arguments/lookup.ts. */
import { ONE, ZERO, add, inverse, lift, mul, sub, type Ext } from '../../protocol/extension.ts';
import { PLAIN } from '../../protocol/context.ts';
import type { ProofWriter } from '../../protocol/channel.ts';
import {
  LAYER_LABEL,
  ROOT_LABEL,
  ROUND_LABEL,
  leafClaims,
  leafForm,
  type LookupChallenges,
} from '../../protocol/arguments/lookup.ts';
import type { Circuit, Leaf, Table } from '../../protocol/program/circuit.ts';
import { log2Ceil, type OracleName } from '../../protocol/program/tensors.ts';
import type { Claim } from '../../protocol/program/weights.ts';
import type { Backend, Cells, Fractions, LeafColumn, LeafRegion } from '../backend/backend.ts';

export type OracleCells = Readonly<Record<OracleName, Cells>>;

/** A table's columns as device cells, shifted to be non-negative. */
function uploadTable(backend: Backend, table: Table): { cells: Cells; shift: bigint }[] {
  return table.columns.map((column) => {
    const lowest = column.reduce((m, v) => Math.min(m, v), 0);
    const data = new Uint32Array(2 ** table.bits).fill(-lowest);
    column.forEach((v, i) => (data[table.start + i] = v - lowest));
    return { cells: backend.uploadCells(data), shift: BigInt(-lowest) };
  });
}

function region(
  backend: Backend,
  circuit: Circuit,
  oracles: OracleCells,
  leaf: Leaf,
  c: LookupChallenges,
  owned: Cells[],
): LeafRegion {
  const form = leafForm(leaf, c);
  const columns: LeafColumn[] = form.columns.map(({ cells, coef, shift }) => {
    return { cells: oracles[cells.oracle], base: circuit.placement(cells).base, shift, coef };
  });
  let constant = form.constant;
  let numerator: LeafRegion['numerator'] = 'one';
  if (leaf.kind === 'rangeTable' || leaf.kind === 'table') {
    columns.push({ cells: null, base: 0, shift: 0, coef: ONE });
    numerator = { cells: oracles.witness, base: leaf.placement.base };
  }
  if (leaf.kind === 'table') {
    uploadTable(backend, leaf.table).forEach(({ cells, shift }, i) => {
      const coef = c.beta[i + 1];
      owned.push(cells);
      columns.push({ cells, base: 0, shift: 0, coef });
      constant = add(constant, mul(coef, lift(shift)));
    });
  }
  if (leaf.kind === 'lookup' && leaf.lookup.causal) {
    const last = leaf.lookup.key.axes[leaf.lookup.key.axes.length - 1];
    numerator = { causal: log2Ceil(last?.size ?? 1) };
  }
  return { start: leaf.start, length: leaf.blocks * 2 ** leaf.loBits, constant, columns, numerator };
}

/** The one or two fractions of a layer's last state. */
async function readPair(backend: Backend, state: Fractions): Promise<[Ext, Ext, Ext, Ext]> {
  const [p, q] = await Promise.all([backend.downloadExt(state.p), backend.downloadExt(state.q)]);
  return [p[0] ?? ZERO, p[1] ?? ZERO, q[0] ?? ONE, q[1] ?? ONE];
}

export async function proveLookup(
  backend: Backend,
  writer: ProofWriter,
  circuit: Circuit,
  oracles: OracleCells,
  c: LookupChallenges,
): Promise<Claim<Ext>[]> {
  const owned: Cells[] = [];
  const regions = circuit.leaves.map((leaf) => region(backend, circuit, oracles, leaf, c, owned));
  const layers: Fractions[] = [backend.leaves(circuit.leafCount, regions)];
  backend.free(...owned);
  for (let i = 0; i < circuit.leafBits; i++) layers.push(backend.layerUp(layers[i]));
  const top = layers.pop() as Fractions;
  const [, , root] = await readPair(backend, top);
  backend.free(top.p, top.q);
  writer.element(ROOT_LABEL, root);
  writer.element(ROOT_LABEL, inverse(root));
  let point: Ext[] = [];
  let p = ZERO;
  let q = root;
  for (let layer = 0; layer < circuit.leafBits; layer++) {
    const lambda = writer.challenge('lookup.lambda');
    let state = layers.pop() as Fractions;
    const next: Ext[] = [];
    let eq = layer > 0 ? backend.eqTable(point.slice(1), ONE) : null;
    for (let i = 0; i < layer && eq !== null; i++) {
      const [zero, square] = await backend.fractionRound(state, eq, lambda);
      writer.elements(ROUND_LABEL, [zero, square]);
      const r = writer.challenge(ROUND_LABEL);
      next.push(r);
      state = backend.foldFractions(state, r);
      if (i + 1 < layer) eq = backend.sumPairs(eq);
    }
    if (eq !== null) backend.free(eq);
    const [p0, p1, q0, q1] = await readPair(backend, state);
    backend.free(state.p, state.q);
    writer.elements(LAYER_LABEL, [p0, p1, q0, q1]);
    const fold = writer.challenge('lookup.fold');
    p = add(p0, mul(fold, sub(p1, p0)));
    q = add(q0, mul(fold, sub(q1, q0)));
    point = [fold, ...next];
  }
  return leafClaims(PLAIN, circuit, c, point, p, q);
}
