/** Proofs of toy segments of every kind, on the GPU, and byte for byte the same on both backends. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VerificationError } from '../../protocol/errors.ts';
import { PARAMETER_SETS, type ParameterSet } from '../../protocol/parameters.ts';
import type { Backend } from '../../prover/backend/backend.ts';
import { createGpuBackend } from '../../prover/backend/webgpu.ts';
import { proveInstance } from '../../prover/prove.ts';
import { MICRO, MICRO_DEEP, micro, prove, ran, verify } from '../support/micro.ts';
import { TOYS, toy } from '../support/toy.ts';

/** The real parameters but for proof of work, which is no part of what these tests are about. */
const PARAMETERS: ParameterSet = {
  ...(PARAMETER_SETS.get('standard-100') as ParameterSet),
  lookupGrinding: 2,
  queryGrinding: 2,
  foldGrinding: 2,
};

let gpu: Backend;
beforeAll(async () => {
  gpu = await createGpuBackend();
});
afterAll(() => gpu.close());

describe('a segment', () => {
  it.each(Object.keys(TOYS))('of the toy "%s" is proven on the GPU and verified', async (name) => {
    const { instance, witness } = await ran(toy(TOYS[name], name), PARAMETERS);
    const { bytes, writer } = await proveInstance(gpu, instance, witness);
    expect(verify(bytes, instance)).toEqual(writer.log);
    const other = { ...instance, losses: (instance.losses ?? []).map((l, i) => (i === 0 ? l + 1 : l)) };
    expect(() => verify(bytes, other)).toThrow(VerificationError);
  });

  it.each([
    ['one layer, one step', MICRO],
    ['two layers, two steps', MICRO_DEEP],
  ])('of %s has the same bytes from both backends', async (_, options) => {
    const { instance, witness } = await micro(options);
    const onCpu = await prove(instance, witness);
    const onGpu = await proveInstance(gpu, instance, witness);
    expect(onGpu.bytes).toEqual(onCpu.bytes);
    verify(onCpu.bytes, instance);
  });
});
