import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stackOf } from '../../protocol/program/layout.ts';
import { packStack } from '../../protocol/program/pack.ts';
import { ORACLES, sizeOf } from '../../protocol/program/tensors.ts';
import type { Dataset } from '../../prover/model/dataset.ts';
import { readCells, writeCells } from '../../prover/train/cell-file.ts';
import type { CellMap } from '../../prover/train/engine.ts';
import { EngineError, RunConfigError, RunFolderError } from '../../prover/train/errors.ts';
import { LossLog } from '../../prover/train/loss-log.ts';
import { lossPlot, ticks } from '../../prover/train/loss-plot.ts';
import { duration } from '../../prover/train/progress.ts';
import { batchOfStep, countOf, dataCells, heldOutBatches, holdOut } from '../../prover/train/rows.ts';
import { optimizerOf, precisionOf, runConfig, type RunSettings } from '../../prover/train/run-config.ts';
import { adapterCells } from '../../commitment/chains.ts';
import { adapterOf, nextState, zeroMoments } from '../../prover/train/state.ts';
import { initialAdapter } from '../../protocol/program/initial.ts';
import { toy } from '../support/toy.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zklora-parts-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Rows whose tokens tell where they come from: 100·row + position. */
function dataset(rows: number, seqLen: number): Dataset {
  const tokens = Uint32Array.from(
    { length: rows * (seqLen + 1) },
    (_, i) => 100 * Math.floor(i / (seqLen + 1)) + (i % (seqLen + 1)),
  );
  return { rows, seqLen, tokens, mask: Uint8Array.from({ length: rows * seqLen }, (_, i) => (i % 3 === 0 ? 0 : 1)) };
}

describe('files of cells', () => {
  const arrays: CellMap = new Map([
    ['a', Uint32Array.of(1, 2 ** 32 - 1)],
    ['empty', new Uint32Array(0)],
    ['b.first', Uint32Array.of(7)],
  ]);

  it('come back as they were', async () => {
    const file = join(folder, 'cells.bin');
    await writeCells(file, { step: 3, runId: 'ab' }, arrays);
    expect(await readCells(file)).toEqual({ about: { step: 3, runId: 'ab' }, arrays });
  });

  it('are refused when a byte is changed or the end is missing', async () => {
    const file = join(folder, 'broken.bin');
    await writeCells(file, { step: 3 }, arrays);
    const bytes = await readFile(file);
    for (const at of [0, 16, 40, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[at] ^= 1;
      await writeFile(file, changed);
      await expect(readCells(file)).rejects.toThrow(RunFolderError);
    }
    for (const length of [0, 10, bytes.length - 1]) {
      await writeFile(file, bytes.subarray(0, length));
      await expect(readCells(file)).rejects.toThrow(RunFolderError);
    }
    await writeFile(file, bytes);
    expect((await readCells(file)).arrays).toEqual(arrays);
  });
});

describe('rows', () => {
  it('are held out evenly, and every row is in one of both parts', () => {
    const { training, heldOut } = holdOut(dataset(10, 2), 3);
    const firsts = (d: Dataset): number[] => Array.from({ length: d.rows }, (_, row) => d.tokens[row * 3] / 100);
    expect(firsts(heldOut)).toEqual([1, 5, 8]);
    expect(firsts(training)).toEqual([0, 2, 3, 4, 6, 7, 9]);
    expect(() => holdOut(dataset(3, 2), 3)).toThrow(RunConfigError);
  });

  it('become inputs, labels and mask of a batch, and cells', () => {
    const data = dataset(4, 3);
    const batch = batchOfStep(new Uint8Array(32), data, 2, 0);
    expect([...batch.labels]).toEqual([...batch.inputs].map((token) => token + 1));
    expect(countOf(batch)).toBe(4);
    const cells = dataCells(data);
    expect(cells.get('data.first')).toEqual(Uint32Array.of(0, 100, 200, 300));
    expect([...(cells.get('data.labels') as Uint32Array)].slice(3, 6)).toEqual([101, 102, 103]);
  });

  it('fill the last held-out batch with masked rows', () => {
    const batches = heldOutBatches(dataset(3, 3), 2);
    expect(batches.map(countOf)).toEqual([4, 2]);
    expect(batches[1].inputs).toHaveLength(6);
  });
});

describe('settings', () => {
  it('have defaults, and exact decimals whether they are given as text or numbers', () => {
    expect(optimizerOf(runConfig({ lr: 1e-5 }))).toMatchObject({ kind: 'adamw', lr: '0.00001', eps: '1e-08' });
    expect(optimizerOf(runConfig({ optimizer: 'sgd', lr: '0.1', schedule: 'cosine', warmup: 2 }))).toEqual({
      kind: 'sgd',
      lr: '0.1',
      momentum: '0.9',
      schedule: { kind: 'cosine', warmup: 2 },
    });
    expect(runConfig({ targets: ['v_proj', 'q_proj'] }).targets).toEqual(['q_proj', 'v_proj']);
    expect(precisionOf(runConfig({ widths: { gate: 16 } })).widths).toMatchObject({ gate: 16, residual: 20 });
  });

  it.each([
    ['a batch that is no power of two', { batch: 3 }],
    ['an unknown setting', { learningRate: 1 }],
    ['an unknown width', { widths: { attention: 3 } }],
    ['a rate that is no number', { lr: 'fast' }],
    ['steps that are no number', { steps: Number.NaN }],
    ['an owner that is no address', { owner: '0x12' }],
  ])('refuse %s', (_, settings) => {
    expect(() => runConfig(settings as RunSettings)).toThrow(RunConfigError);
  });
});

describe('states', () => {
  const t = toy({ optimizer: 'adamw', targets: ['q_proj', 'o_proj'] });
  const { model, lora } = t.config;

  it('hold an adapter exactly', () => {
    const adapter = initialAdapter(new Uint8Array(32), { dimensions: model, layers: model.layers, ...lora });
    expect(adapterOf(t.program, 'adapterIn', adapterCells(t.program, adapter))).toEqual(adapter);
  });

  it('hold moments of zero as raised cells', () => {
    const zero = zeroMoments(t.program);
    expect(new Set(zero.get('q_proj.lora_A.v.0.first'))).toEqual(new Set([0]));
    // m is signed with 30 bits: 2^29 in limbs of 12
    expect(new Set(zero.get('q_proj.lora_A.m.2.first'))).toEqual(new Set([2 ** 5]));
  });

  it('refuse cells that are too wide or missing', () => {
    const cells = new Map(t.state);
    const name = 'q_proj.lora_A.0.first';
    cells.set(
      name,
      (cells.get(name) as Uint32Array).map(() => 2 ** 12),
    );
    expect(() => adapterOf(t.program, 'adapterIn', cells)).toThrow(EngineError);
    cells.delete(name);
    expect(() => adapterOf(t.program, 'adapterIn', cells)).toThrow(EngineError);
  });

  it('begin the next segment where the last ended', () => {
    expect([...nextState(new Map([['q_proj.lora_A.0.last', Uint32Array.of(1)]])).keys()]).toEqual([
      'q_proj.lora_A.0.first',
    ]);
  });
});

describe('packing', () => {
  it('puts every cell where the layout says', () => {
    const t = toy({ hidden: 6, feed: 12, steps: 2 });
    for (const oracle of ORACLES) {
      const cells = t.program.cells.filter((c) => c.oracle === oracle);
      const stack = stackOf(cells);
      let next = 1;
      const numbered = new Map(cells.map((c) => [c.name, Uint32Array.from({ length: sizeOf(c.axes) }, () => next++)]));
      const packed = packStack(stack, numbered);
      expect(new Set(packed).size).toBe(next - 1);
      for (const [name, p] of stack.placements) {
        const data = numbered.get(name) as Uint32Array;
        // the address of a cell from its digits: odd digits first, then powers of two
        data.forEach((value, natural) => {
          let rest = natural;
          const index = new Map(
            [...p.cells.axes].reverse().map((a) => {
              const i = rest % a.size;
              rest = Math.floor(rest / a.size);
              return [a.name, i];
            }),
          );
          let address = 0;
          for (const d of [...p.hi, ...p.lo])
            address = address * d.size + (Math.floor((index.get(d.axis.name) as number) / d.stride) % d.size);
          expect(packed[p.base + address]).toBe(value);
        });
      }
    }
  });

  it('refuses cells that are missing', () => {
    const t = toy();
    const stack = stackOf(t.program.cells.filter((c) => c.oracle === 'data'));
    expect(() => packStack(stack, new Map())).toThrow(RangeError);
  });
});

describe('losses', () => {
  it('are cut back to the step from which a run goes on, and a torn line does not count', async () => {
    const line = (step: number) => ({ step, loss: 100 + step, count: 2, mean: 1.5 });
    const log = await LossLog.open(folder, 'losses', -1);
    for (const step of [0, 1, 2]) await log.add(line(step));
    const file = join(folder, 'losses.jsonl');
    await writeFile(file, (await readFile(file, 'utf8')) + '{"step": 3, "lo');
    expect((await LossLog.open(folder, 'losses', 9)).lines).toEqual([line(0), line(1), line(2)]);
    expect((await LossLog.open(folder, 'losses', 1)).lines).toEqual([line(0), line(1)]);
    expect(await readFile(file, 'utf8')).toBe(`${JSON.stringify(line(0))}\n${JSON.stringify(line(1))}\n`);
  });

  it('are drawn with title, axes, a line and held-out points', () => {
    const line = (step: number, mean: number) => ({ step, loss: 1, count: 1, mean });
    const svg = lossPlot('Loss of <b> & c', [line(0, 3.5), line(1, 3), line(2, 2.75)], [line(0, 3.6), line(3, 2.9)], 3);
    expect(svg).toContain('Loss of &lt;b&gt; &amp; c');
    expect(svg).toContain('>step<');
    expect(svg).toContain('>mean loss, nats<');
    expect(svg).toContain('prefers-color-scheme: dark');
    expect(/points="([^"]*)"/.exec(svg)?.[1].split(' ')).toHaveLength(3);
    expect(svg.match(/<circle class="held-out"[^>]* r="5"/g)).toHaveLength(3);
    expect(svg).not.toContain('NaN');
  });

  it('have round ticks', () => {
    expect(ticks(2.75, 3.6, 5)).toEqual([2.6, 2.8, 3, 3.2, 3.4, 3.6]);
    expect(ticks(0, 3, 6, true)).toEqual([0, 1, 2, 3]);
    expect(ticks(0, 30, 6, true)).toEqual([0, 5, 10, 15, 20, 25, 30]);
  });

  it('are timed in words', () => {
    expect([duration(3.2), duration(61), duration(7300)]).toEqual(['4 s', '1 min 1 s', '2 h 1 min']);
  });
});
