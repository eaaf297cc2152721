/** What a commitment's root binds besides its cells. */
import { describe, expect, it } from 'vitest';
import { shapeDigest, type CommitmentKind } from '../../protocol/statement.ts';
import { SAMPLE_RUN } from '../support/statements.ts';

type Run = typeof SAMPLE_RUN;
const digest = (run: Run, kind: CommitmentKind): string => shapeDigest(run, kind).join();

describe('the shape digest', () => {
  it.each<[string, CommitmentKind, Partial<Run>]>([
    ['another weight scale', 'base', { scales: { ...SAMPLE_RUN.scales, weight: SAMPLE_RUN.scales.weight + 1 } }],
    [
      'another activation scale',
      'base',
      { scales: { ...SAMPLE_RUN.scales, activation: SAMPLE_RUN.scales.activation - 1 } },
    ],
    [
      'another bound of frozen weights',
      'base',
      { widths: { ...SAMPLE_RUN.widths, frozen: SAMPLE_RUN.widths.frozen - 1 } },
    ],
    ['another quantisation rule', 'base', { quantisation: 'zklora/quantise/v2' }],
    ['another model', 'base', { model: { ...SAMPLE_RUN.model, ropeTheta: '500000' } }],
    ['another row length', 'data', { seqLen: 2 * SAMPLE_RUN.seqLen }],
    ['another tokenizer', 'data', { tokenizer: '00'.repeat(32) }],
    ['another rank', 'adapter', { lora: { ...SAMPLE_RUN.lora, rank: SAMPLE_RUN.lora.rank + 1 } }],
    ['another limb width', 'adapter', { widths: { ...SAMPLE_RUN.widths, widest: SAMPLE_RUN.widths.widest - 1 } }],
    ['another rank', 'moments', { lora: { ...SAMPLE_RUN.lora, rank: SAMPLE_RUN.lora.rank + 1 } }],
  ])('differs for %s of %s', (_, kind, change) => {
    expect(digest({ ...SAMPLE_RUN, ...change }, kind)).not.toBe(digest(SAMPLE_RUN, kind));
  });

  it.each<CommitmentKind>(['base', 'data', 'adapter', 'moments'])(
    'of %s is that of no other kind and forgets the owner',
    (kind) => {
      const others = (['base', 'data', 'adapter', 'moments'] as const).filter((k) => k !== kind);
      for (const other of others) expect(digest(SAMPLE_RUN, kind)).not.toBe(digest(SAMPLE_RUN, other));
      expect(digest({ ...SAMPLE_RUN, owner: `0x${'22'.repeat(20)}` }, kind)).toBe(digest(SAMPLE_RUN, kind));
    },
  );
});
