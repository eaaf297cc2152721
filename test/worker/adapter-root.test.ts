/** The root of an adapter's file in the worker's own runtime. */
import { describe, expect, test } from 'vitest';

import { adapterRootOfFile } from '../../commitment/adapter-root.ts';
import { fileDigests } from '../../commitment/digests.ts';
import { AdapterError, TensorFileError } from '../../commitment/errors.ts';
import { toHex } from '../../protocol/bytes.ts';
import { SAMPLE_ADAPTER_ROOT, sampleAdapterFile } from '../support/sample-adapter.ts';
import { SAMPLE_RUN } from '../support/statements.ts';

const bytes = sampleAdapterFile();

describe('in workerd, the file of an adapter', () => {
  test('has the root that it has everywhere', () => {
    expect(adapterRootOfFile(bytes, SAMPLE_RUN)).toBe(SAMPLE_ADAPTER_ROOT);
  });

  test('has the digests that the platform computes', async () => {
    const file = toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.slice())));
    const tensors = 'e2600038320f9714e1264e72eed9042b4d46bfe3408bf336810d79dd0898aaa2';
    expect(fileDigests(bytes)).toEqual({ file, tensors });
  });

  test('is refused where it is broken or of another run', () => {
    expect(() => adapterRootOfFile(bytes.subarray(0, -4), SAMPLE_RUN)).toThrow(TensorFileError);
    const other = { ...SAMPLE_RUN, lora: { ...SAMPLE_RUN.lora, rank: 4 } };
    expect(() => adapterRootOfFile(bytes, other)).toThrow(AdapterError);
  });
});
