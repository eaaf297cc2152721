/**
 * The verifier's plan says what the program says: for a changed cell of every kind, the relations whose plan no longer sums
 * to zero at a random point are those that exact integer arithmetic finds broken, and every cell is pinned by one of them or
 * by a table.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { isZero } from '../../protocol/extension.ts';
import type { Cells } from '../../protocol/program/tensors.ts';
import { ProgramCheck } from '../support/check-program.ts';
import { TARGETS } from '../../protocol/program/adapter.ts';
import { MICRO, MICRO_DEEP, micro, type Ran } from '../support/micro.ts';
import type { ToyOptions } from '../support/toy.ts';
import { PlanValues } from '../support/plan-value.ts';

/** All targets and odd sizes everywhere. */
const ODD: Partial<ToyOptions> = {
  ...MICRO_DEEP,
  targets: TARGETS,
  layers: 3,
  hidden: 6,
  feed: 5,
  group: 3,
  kvHeads: 2,
  vocab: 5,
  rank: 3,
  alpha: 3,
  batch: 2,
  dataRows: 3,
  seed: 23,
};

const RUNS = {
  'AdamW, one layer': MICRO,
  'SGD, two layers and steps': MICRO_DEEP,
  ...(process.env.ZKLORA_FULL === '1' ? { 'SGD, odd sizes': ODD } : {}),
};

/** Up to eight indices, the first two and the last among them: the second is masked in causal matrices of two tokens. */
function spread(length: number): number[] {
  const even = [0, 1, 2, 3, 4, 5, 6].map((i) => Math.round((i * (length - 1)) / 6));
  return [...new Set([...even, Math.min(1, length - 1)])];
}

/** Another value of a cell, inside its range where it has one. */
function altered(declared: Cells, cells: Uint32Array, at: number): Uint32Array {
  const out = cells.slice();
  out[at] += declared.bits !== null && out[at] === 2 ** declared.bits - 1 ? -1 : 1;
  return out;
}

describe.each(Object.entries(RUNS))('%s', (_, options) => {
  let run: Ran;
  let plans: PlanValues;
  let exact: ProgramCheck;

  beforeAll(async () => {
    run = await micro(options);
    plans = new PlanValues(run.instance, run.cells, 1);
    exact = new ProgramCheck(run.toy.program, run.cells, run.toy.rows);
  });

  it('holds on the honest cells', () => {
    expect([...exact.violations()]).toEqual([]);
    expect(plans.names.filter((name) => !isZero(plans.value(name)))).toEqual([]);
    expect(plans.names).toHaveLength(run.toy.program.relations.length + run.toy.program.ties.length + 1);
  });

  it('breaks exactly where integers break, for a changed cell of every kind', () => {
    const different: unknown[] = [];
    const broken = new Set<string>();
    const free: string[] = [];
    for (const declared of run.toy.program.cells) {
      const { name } = declared;
      const cells = run.cells.get(name) as Uint32Array;
      for (const at of spread(cells.length)) {
        const changed = new Map([[name, altered(declared, cells, at)]]);
        // Data cells are read by ties alone, on behalf of the tokens and the mask.
        const read = declared.oracle === 'data' ? ['input.bits', 'label.bits', 'mask'] : [name];
        const violations = [...exact.with(changed).violations(new Set(read))];
        const expected = new Set(
          violations.filter((v) => v.kind === 'relation' || v.kind === 'tie').map((v) => v.name),
        );
        const readers = plans.readersOf(name).filter((reader) => reader !== 'loss');
        const found = new Set(readers.filter((reader) => !isZero(plans.value(reader, changed))));
        if ([...expected].sort().join() !== [...found].sort().join()) different.push({ name, at, expected, found });
        if (violations.length === 0 && isZero(plans.value('loss', changed))) free.push(`${name}[${at}]`);
        for (const relation of found) broken.add(relation);
      }
    }
    expect(different).toEqual([]);
    // Data rows that no step samples, and frozen weights that meet only zeros, are free.
    expect(free.filter((name) => !/^(data|base)\./.test(name))).toEqual([]);
    expect(plans.names.filter((name) => name !== 'loss' && !broken.has(name))).toEqual([]);
  });

  it('gives one key to one table', () => {
    // Equal keys share one claimed value, so they have to mean the same operand at the same weights.
    const all = plans.factors();
    const seen = new Map<string, string>();
    const collisions: string[] = [];
    for (const { key, operand, uses } of all) {
      const text = JSON.stringify([operand.tensor.name, uses], (_, v: unknown) => (typeof v === 'bigint' ? `${v}` : v));
      if ((seen.get(key) ?? text) !== text) collisions.push(key);
      seen.set(key, text);
    }
    expect(seen.size).toBeGreaterThan(50);
    expect(collisions).toEqual([]);
  });
});
