import { describe, expect, test } from 'vitest';

import { chainReport } from '../../protocol/chain.ts';
import { root } from '../support/statements.ts';
import { entry, sampleSegment } from './records.ts';

/** Segments given as [first, steps], each verified one second after the one before. */
const inOrder = (...ranges: [number, number][]) =>
  ranges.map(([first, steps], i) => entry({ segment: sampleSegment(first, steps), receivedAt: 1000 + i }));

const RUN_STEPS = 8;
const WHOLE: [number, number][] = [
  [0, 2],
  [2, 2],
  [4, 4],
];

describe('a run', () => {
  test('is complete from step 0 to its last, whatever came first', () => {
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0],
    ]) {
      const segments = inOrder(...order.map((i) => WHOLE[i]));
      const report = chainReport(segments, RUN_STEPS);
      expect(report).toMatchObject({ reached: 8, stop: null, missing: [] });
      expect(report.chains).toHaveLength(1);
      const [chain] = report.chains;
      expect(chain.segments.map((s) => s.first)).toEqual([0, 2, 4]);
      expect(chain).toMatchObject({ adapterRoot: root(0x18), momentsRoot: root(0x38), completedAt: 1002 });
    }
  });

  test.each([0, 1, 2])('misses segment %i', (absent) => {
    const segments = inOrder(...WHOLE.filter((_, i) => i !== absent));
    const [first, steps] = WHOLE[absent];
    const reached = absent === 0 ? 0 : first;
    const report = { chains: [], reached, stop: 'missing', missing: [{ first, steps }] };
    expect(chainReport(segments, RUN_STEPS)).toEqual(report);
  });

  test('without segments misses all', () => {
    const missing = [{ first: 0, steps: 8 }];
    expect(chainReport([], 8)).toEqual({ chains: [], reached: 0, stop: 'missing', missing });
  });

  test.each(['adapterIn', 'momentsIn'] as const)('breaks where %s is another root', (field) => {
    const segments = inOrder(...WHOLE);
    segments[1] = { ...segments[1], [field]: root(0xee) };
    expect(chainReport(segments, RUN_STEPS)).toEqual({ chains: [], reached: 2, stop: 'roots', missing: [] });
  });

  test('breaks between verifier versions', () => {
    const segments = inOrder(...WHOLE);
    segments[2] = { ...segments[2], verifier: root(0xee) };
    expect(chainReport(segments, RUN_STEPS)).toEqual({ chains: [], reached: 4, stop: 'verifier', missing: [] });
  });

  test('starts at the public adapter, not in its middle', () => {
    const segments = inOrder([2, 2], [4, 4]);
    expect(chainReport(segments, RUN_STEPS).chains).toEqual([]);
  });
});

describe('several proofs of the same steps', () => {
  test('the chain uses any that fit', () => {
    const bad = { ...entry({ segment: sampleSegment(2, 2), content: 'other' }), adapterIn: root(0xee) };
    const report = chainReport([bad, ...inOrder(...WHOLE)], RUN_STEPS);
    expect(report.chains).toHaveLength(1);
    expect(report.chains[0].segments).not.toContainEqual(bad);
  });

  test('a complete chain stays the one that is told', () => {
    const segments = inOrder(...WHOLE);
    const [told] = chainReport(segments, RUN_STEPS).chains;
    const later = [
      ...segments,
      entry({ segment: sampleSegment(0, 8), receivedAt: 2000 }),
      entry({ segment: sampleSegment(0, 2), content: 'again', receivedAt: 2001 }),
      entry({ segment: sampleSegment(0, 4), receivedAt: 2002 }),
    ];
    expect(chainReport(later, RUN_STEPS).chains).toEqual([told]);
    expect(chainReport(later.reverse(), RUN_STEPS).chains).toEqual([told]);
  });

  test('each final adapter has its chain', () => {
    const other = { ...sampleSegment(4, 4), adapterOut: root(0xaf) };
    const report = chainReport([...inOrder(...WHOLE), entry({ segment: other, receivedAt: 3000 })], RUN_STEPS);
    expect(report.chains.map((c) => [c.adapterRoot, c.completedAt])).toEqual([
      [root(0x18), 1002],
      [root(0xaf), 3000],
    ]);
  });

  test('overlapping segments do not stand in for a chain', () => {
    const report = chainReport(inOrder([0, 4], [2, 4], [4, 2], [7, 1]), RUN_STEPS);
    expect(report).toEqual({ chains: [], reached: 6, stop: 'missing', missing: [{ first: 6, steps: 1 }] });
  });
});
