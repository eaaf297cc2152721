import { describe, expect, it } from 'vitest';
import type { CellMap } from '../../prover/train/engine.ts';
import { createCpuEngine } from '../../prover/train/cpu-engine.ts';
import { ProgramCheck } from '../support/check-program.ts';
import { toys, type Toy } from '../support/toy.ts';

/** Cells of all oracles after a toy's segment, and the losses of its steps. */
async function run(t: Toy): Promise<{ cells: CellMap; losses: bigint[] }> {
  const engine = createCpuEngine(t.program, { witness: true });
  await engine.loadBase(t.base);
  await engine.begin(t.program, t.state);
  const losses: bigint[] = [];
  for (const [i, batch] of t.batches.entries()) losses.push((await engine.step(i, batch)).loss);
  const cells = new Map([...t.base, ...t.data, ...t.state, ...(await engine.state()), ...(await engine.witness())]);
  engine.close();
  return { cells, losses };
}

const ORACLES = ['witness', 'adapterOut', 'momentsOut'];

describe.each(toys())('$name', (t) => {
  const ran = run(t);

  it('satisfies every relation, tie, range and lookup at every index', async () => {
    const { cells } = await ran;
    expect([...new ProgramCheck(t.program, cells, t.rows).violations()]).toEqual([]);
  });

  it('has the loss that its public relation says', async () => {
    const { cells, losses } = await ran;
    const check = new ProgramCheck(t.program, cells, t.rows);
    const { domain, terms } = t.program.loss;
    const sums = losses.map((_, step) => -check.sum(terms, domain, new Map([['step', step]])));
    expect(losses).toEqual(sums);
    expect(losses.every((loss) => loss > 0n)).toBe(true);
  });

  it('breaks when one cell of any kind is changed', async () => {
    const { cells } = await ran;
    const free: string[] = [];
    const intact = new ProgramCheck(t.program, cells, t.rows);
    expect(intact.violations().next().done).toBe(true);
    for (const [i, declared] of t.program.cells.entries()) {
      if (!ORACLES.includes(declared.oracle)) continue;
      const original = cells.get(declared.name) as Uint32Array;
      const changed = Uint32Array.from(original);
      const at = (i * 7919) % changed.length;
      // 1 up, or 1 down at the top of the range, so that the cell still passes its range lookup
      changed[at] += declared.bits !== null && changed[at] === 2 ** declared.bits - 1 ? -1 : 1;
      const broken = intact.with(new Map([[declared.name, changed]])).violations(new Set([declared.name]));
      if (broken.next().done) free.push(`${declared.name}[${at}]`);
    }
    expect(free).toEqual([]);
  });
});
