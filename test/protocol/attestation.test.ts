import fc from 'fast-check';
import {
  bytesToHex,
  getAddress,
  hashStruct,
  hashTypedData,
  hexToBytes,
  parseSignature,
  serializeSignature,
} from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { describe, expect, test } from 'vitest';

import {
  adapterRecordId,
  ATTESTATION_DOMAIN,
  ATTESTATION_TYPES,
  AttestationError,
  checksumAddress,
  recoverAddress,
  runAttestationDigest,
  segmentAttestationDigest,
  type Hex,
  type RunAttestation,
  type SegmentAttestation,
} from '../../protocol/attestation.ts';
import { parseSignedRun, parseSignedSegment, signedToJson } from '../../protocol/attestation-json.ts';

const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

const hexOf = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((b): Hex => bytesToHex(b));
const bytes32 = hexOf(32);
const address = hexOf(20).map((value) => getAddress(value));
const uint64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });

const segments: fc.Arbitrary<SegmentAttestation> = fc.record({
  statementHash: bytes32,
  proofDigest: bytes32,
  verifier: bytes32,
  owner: address,
  issuedAt: uint64,
});

const runs: fc.Arbitrary<RunAttestation> = fc.record({
  runId: bytes32,
  runDigest: bytes32,
  adapterRoot: bytes32,
  baseRoot: bytes32,
  dataRoot: bytes32,
  owner: address,
  steps: uint64,
  verifier: bytes32,
  issuedAt: uint64,
});

const run: RunAttestation = {
  runId: `0x${'01'.repeat(32)}`,
  runDigest: `0x${'02'.repeat(32)}`,
  adapterRoot: `0x${'03'.repeat(32)}`,
  baseRoot: `0x${'04'.repeat(32)}`,
  dataRoot: `0x${'05'.repeat(32)}`,
  owner: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
  steps: 30n,
  verifier: `0x${'06'.repeat(32)}`,
  issuedAt: 1_763_800_000n,
};

const segment: SegmentAttestation = {
  statementHash: run.runId,
  proofDigest: run.runDigest,
  verifier: run.verifier,
  owner: run.owner,
  issuedAt: run.issuedAt,
};

/** An account, a digest and its signature by viem. */
async function signedRun() {
  const account = privateKeyToAccount(generatePrivateKey());
  const signature = await account.signTypedData({
    domain: ATTESTATION_DOMAIN,
    types: ATTESTATION_TYPES,
    primaryType: 'RunAttestation',
    message: run,
  });
  return { account, signature, digest: runAttestationDigest(run) };
}

describe('digests', () => {
  test('of segments are those of viem', () => {
    fc.assert(
      fc.property(segments, (message) => {
        const typed = { domain: ATTESTATION_DOMAIN, types: ATTESTATION_TYPES, message } as const;
        expect(bytesToHex(segmentAttestationDigest(message))).toBe(
          hashTypedData({ ...typed, primaryType: 'SegmentAttestation' }),
        );
      }),
    );
  });

  test('of runs are those of viem', () => {
    fc.assert(
      fc.property(runs, (message) => {
        const typed = { domain: ATTESTATION_DOMAIN, types: ATTESTATION_TYPES, message } as const;
        expect(bytesToHex(runAttestationDigest(message))).toBe(
          hashTypedData({ ...typed, primaryType: 'RunAttestation' }),
        );
      }),
    );
  });

  test('every field changes the digest, and all but the time the record id', () => {
    const other: RunAttestation = {
      runId: run.verifier,
      runDigest: run.verifier,
      adapterRoot: run.verifier,
      baseRoot: run.verifier,
      dataRoot: run.verifier,
      owner: `0x${'07'.repeat(20)}`,
      steps: 31n,
      verifier: run.runId,
      issuedAt: run.issuedAt + 1n,
    };
    for (const name of Object.keys(run) as (keyof RunAttestation)[]) {
      const changed = { ...run, [name]: other[name] };
      expect(runAttestationDigest(changed), name).not.toEqual(runAttestationDigest(run));
      expect(adapterRecordId(changed) === adapterRecordId(run), name).toBe(name === 'issuedAt');
    }
  });

  test('the record id is the struct hash of viem', () => {
    const AdapterRecord = ATTESTATION_TYPES.RunAttestation.filter((field) => field.name !== 'issuedAt');
    fc.assert(
      fc.property(runs, (message) => {
        const expected = hashStruct({ data: message, primaryType: 'AdapterRecord', types: { AdapterRecord } });
        expect(adapterRecordId(message)).toBe(expected);
      }),
    );
  });

  test('refuse fields out of range by name', () => {
    const cases: [keyof RunAttestation, unknown][] = [
      ['runId', '0x01'],
      ['adapterRoot', run.adapterRoot.slice(2)],
      ['owner', run.runId],
      ['steps', -1n],
      ['issuedAt', 1n << 64n],
      ['issuedAt', 5],
    ];
    expect(() => runAttestationDigest(run)).not.toThrow();
    for (const [field, value] of cases) {
      const bad = { ...run, [field]: value };
      expect(() => runAttestationDigest(bad)).toThrow(expect.objectContaining({ field, code: 'ATTESTATION_FIELD' }));
    }
  });
});

describe('recovery', () => {
  test("finds viem's signer, and another address for another message", async () => {
    const { account, signature, digest } = await signedRun();
    expect(recoverAddress(digest, signature)).toBe(account.address);
    const changed = runAttestationDigest({ ...run, steps: 31n });
    expect(recoverAddress(changed, signature)).not.toBe(account.address);
  });

  test('refuses the malleable twin, wrong v, zero and short signatures', async () => {
    const { signature, digest, account } = await signedRun();
    const { r, s, yParity } = parseSignature(signature);
    const twin = serializeSignature({
      r,
      s: `0x${(CURVE_ORDER - BigInt(s)).toString(16).padStart(64, '0')}`,
      yParity: 1 - yParity,
    });
    const bytes = hexToBytes(signature);
    const withV = (v: number): Hex => bytesToHex(Uint8Array.of(...bytes.subarray(0, 64), v));
    const refused: Hex[] = [
      twin,
      withV(0),
      withV(1),
      withV(29),
      bytesToHex(bytes.subarray(0, 64)),
      bytesToHex(Uint8Array.of(...new Uint8Array(64), 27)),
      bytesToHex(Uint8Array.of(...bytes.subarray(0, 32), ...new Uint8Array(32), 27)),
      `0x${'ff'.repeat(64)}1b`,
      '0x',
    ];
    expect(recoverAddress(digest, signature)).toBe(account.address);
    for (const bad of refused) expect(() => recoverAddress(digest, bad), bad).toThrow(AttestationError);
  });

  test('addresses carry the capitals of ERC-55', () => {
    fc.assert(
      fc.property(hexOf(20), (value) => {
        expect(checksumAddress(value)).toBe(getAddress(value));
      }),
    );
  });
});

describe('JSON', () => {
  test('keeps every attestation', () => {
    fc.assert(
      fc.property(runs, segments, address, hexOf(65), (a, b, attester, signature) => {
        const signedRunMessage = { attestation: a, attester, signature };
        const signedSegment = { attestation: b, attester, signature };
        expect(parseSignedRun(JSON.parse(JSON.stringify(signedToJson(signedRunMessage))))).toEqual(signedRunMessage);
        expect(parseSignedSegment(JSON.parse(JSON.stringify(signedToJson(signedSegment))))).toEqual(signedSegment);
      }),
    );
  });

  test('is refused with the name of the wrong field', () => {
    const good = signedToJson({ attestation: run, attester: run.owner, signature: `0x${'01'.repeat(65)}` });
    expect(parseSignedRun(good).attestation).toEqual(run);
    const changed = (field: keyof RunAttestation, value: unknown) => ({
      ...good,
      attestation: { ...good.attestation, [field]: value },
    });
    const cases: [string, unknown][] = [
      ['runId', undefined],
      ['runId', null],
      ['runId', { ...good, attestation: null }],
      ['runId', changed('runId', '0x')],
      ['steps', changed('steps', 30)],
      ['steps', changed('steps', '030')],
      ['issuedAt', changed('issuedAt', '18446744073709551616')],
      ['owner', changed('owner', undefined)],
      ['attester', { ...good, attester: '0x00' }],
      ['signature', { ...good, signature: '0x00' }],
    ];
    for (const [field, value] of cases) {
      expect(() => parseSignedRun(value), field).toThrow(expect.objectContaining({ field }));
    }
    expect(() => parseSignedSegment(good)).toThrow(expect.objectContaining({ field: 'statementHash' }));
    const goodSegment = signedToJson({ attestation: segment, attester: run.owner, signature: good.signature as Hex });
    expect(parseSignedSegment(goodSegment).attestation).toEqual(segment);
  });
});
