/** The prover of protocol/arguments/relations.ts. */
import { HALF, ZERO, add, mul, pow, type Ext } from '../../protocol/extension.ts';
import { PLAIN } from '../../protocol/context.ts';
import type { ProofWriter } from '../../protocol/channel.ts';
import { interpolate } from '../../protocol/multilinear.ts';
import {
  ROUND_LABEL,
  SUM_LABEL,
  VALUE_LABEL,
  claimedFactors,
  drawPlan,
  relationClaims,
  type RelationClaims,
} from '../../protocol/arguments/relations.ts';
import { roundMessage } from '../../protocol/arguments/sumcheck.ts';
import type { Product, RelationPlan } from '../../protocol/arguments/plan.ts';
import type { ExtVec } from '../backend/backend.ts';
import { factorTable, weightTable, type FactorSource } from './factors.ts';

/** A distinct table and the number of variables it has. */
interface Table {
  vector: ExtVec;
  readonly bits: number;
  value: Ext | null;
}

interface Tables {
  readonly all: Table[];
  /** Tables of each product, the weight first. */
  readonly ofProduct: Table[][];
  readonly byFactor: Map<string, Table>;
}

function buildTables(source: FactorSource, plan: RelationPlan): Tables {
  const known = new Map<string, Table>();
  const byFactor = new Map<string, Table>();
  const table = (key: string, bits: number, make: () => ExtVec): Table => {
    let found = known.get(key);
    if (found === undefined) {
      found = { vector: make(), bits, value: null };
      known.set(key, found);
    }
    return found;
  };
  const ofProduct = plan.products.map((product) => {
    const kept = product.kept.map((k) => k.axis.name).join();
    const list: Table[] = [];
    if (product.weight.length > 0) {
      const scaled = product.weight.filter((w) => w.weight.kind === 'vector' && !w.kept.axis.short);
      const key = `weight ${kept} ${product.weight.map((w) => w.kept.axis.name).join()} ${scaled.length > 0 ? plan.products.indexOf(product) : ''}`;
      list.push(table(key, product.bits, () => weightTable(source.backend, product) as ExtVec));
    }
    for (const f of product.factors) {
      const entry = table(`${f.key} | ${kept}`, product.bits, () => factorTable(source, f, product));
      byFactor.set(f.key, entry);
      list.push(entry);
    }
    return list;
  });
  return { all: [...known.values()], ofProduct, byFactor };
}

/** Value of a finished product: its tables are single elements. */
function finished(product: Product, tables: readonly Table[]): Ext {
  return tables.reduce((s, t) => mul(s, t.value ?? ZERO), product.coef);
}

/** Values at 0 … degree of the batched round polynomial. */
async function roundValues(source: FactorSource, plan: RelationPlan, tables: Tables, round: number): Promise<Ext[]> {
  const active = plan.products.flatMap((p, i) => (p.bits > round ? [{ product: p, list: tables.ofProduct[i] }] : []));
  const sums = await source.backend.productRound(active.map(({ list }) => list.map((t) => t.vector)));
  const total = new Array<Ext>(plan.degree + 1).fill(ZERO);
  active.forEach(({ product }, i) => {
    const values = sums[i];
    for (let x = 0; x <= plan.degree; x++) {
      const v = x < values.length ? values[x] : interpolate(values, [BigInt(x), 0n]);
      total[x] = add(total[x], mul(product.coef, v));
    }
  });
  plan.products.forEach((p, i) => {
    if (p.bits > round) return;
    const share = mul(finished(p, tables.ofProduct[i]), pow(HALF, round + 1 - p.bits));
    for (let x = 0; x <= plan.degree; x++) total[x] = add(total[x], share);
  });
  return total;
}

async function settle(source: FactorSource, tables: Tables, round: number): Promise<void> {
  const done = tables.all.filter((t) => t.bits === round);
  const values = await Promise.all(done.map((t) => source.backend.downloadExt(t.vector)));
  done.forEach((t, i) => {
    t.value = values[i][0] ?? ZERO;
    source.backend.free(t.vector);
  });
}

export async function proveRelations(
  writer: ProofWriter,
  source: FactorSource,
  rows: readonly (readonly number[])[],
  losses: readonly number[] | null,
): Promise<RelationClaims<Ext>> {
  const plan = drawPlan(writer, source.circuit, rows, losses);
  const tables = buildTables(source, plan);
  await settle(source, tables, 0);
  let sum: Ext = ZERO;
  const r: Ext[] = [];
  for (let round = 0; round < plan.bits; round++) {
    const values = await roundValues(source, plan, tables, round);
    if (round === 0) {
      sum = add(values[0], values[1]);
      writer.element(SUM_LABEL, sum);
    }
    writer.elements(ROUND_LABEL, roundMessage(values));
    const challenge = writer.challenge(ROUND_LABEL);
    r.push(challenge);
    const active = tables.all.filter((t) => t.bits > round);
    const folded = source.backend.fold(
      active.map((t) => t.vector),
      challenge,
    );
    active.forEach((t, i) => (t.vector = folded[i]));
    await settle(source, tables, round + 1);
  }
  const values = new Map<string, Ext>();
  for (const key of claimedFactors(plan).keys()) {
    const value = tables.byFactor.get(key)?.value ?? ZERO;
    writer.element(VALUE_LABEL, value);
    values.set(key, value);
  }
  return relationClaims(PLAIN, source.circuit, plan, sum, values, r);
}
