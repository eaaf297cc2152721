/** Answers of the service in every state that its page tells of; their signatures and proofs are nobody's. */
import type { Output } from '../../api/client.ts';
import { root, SAMPLE_RUN, SAMPLE_STATEMENT, sampleSegment } from './statements.ts';

export type Adapter = Output<'adapter'>;
export type Run = Output<'run'>;
export type Proof = Output<'proof'>;

const ADDRESS = `0x${'1e'.repeat(20)}`;
const SIGNATURE = `0x${'ab'.repeat(65)}`;
const VERIFIER = { id: 'zklora-verifier', version: '0.1.0', codeHash: root(0xc0), digest: root(0x7e) };
const AT = 1_795_000_000;
const RUN_ID = root(0x4d);
const FINAL = root(0x18);

const bytes32 = (digest: string): string => `0x${digest}`;

const runAttestation = {
  attestation: {
    runId: bytes32(RUN_ID),
    runDigest: bytes32(root(0xd1)),
    adapterRoot: bytes32(FINAL),
    baseRoot: bytes32(SAMPLE_RUN.baseRoot),
    dataRoot: bytes32(SAMPLE_RUN.dataRoot),
    owner: SAMPLE_RUN.owner,
    steps: '8',
    verifier: bytes32(VERIFIER.digest),
    issuedAt: String(AT),
  },
  attester: ADDRESS,
  signature: SIGNATURE,
};

const segments = [0, 4].map((first) => {
  const { adapterIn, momentsIn, adapterOut, momentsOut } = sampleSegment(first, 4);
  const roots = { adapterIn, momentsIn, adapterOut, momentsOut };
  const digests = { proofDigest: root(0x50 + first), statementHash: root(0x60 + first), verifier: VERIFIER.digest };
  return { ...digests, first, steps: 4, ...roots, receivedAt: AT + first };
});

const losses = Array.from({ length: 8 }, (_, step) => ({ step, loss: 6.2 - 0.21 * step + (step % 3) * 0.05 }));

const final: NonNullable<Run['final']> = {
  adapterRoot: FINAL,
  momentsRoot: root(0x38),
  runDigest: root(0xd1),
  verifier: VERIFIER.digest,
  withdrawn: null,
  completedAt: AT + 4,
  proofs: segments.map((s) => s.proofDigest),
  record: bytes32(root(0xec)),
  attestation: runAttestation,
  attestations: [runAttestation],
};

/** A complete run. */
export const RUN: Run = {
  runId: RUN_ID,
  run: { ...SAMPLE_RUN },
  complete: true,
  reached: 8,
  stop: null,
  missing: [],
  segments,
  moreSegments: 0,
  losses,
  final,
};

/** A run whose second half is not proven. */
export const PARTIAL_RUN: Run = {
  ...RUN,
  complete: false,
  reached: 4,
  stop: 'missing',
  missing: [{ first: 4, steps: 4 }],
  segments: segments.slice(0, 1),
  losses: losses.slice(0, 4),
  final: null,
};

const WITHDRAWN = { at: AT + 1000, reason: 'it accepted a proof of a false range' };
const withdrawnFinal = { ...final, withdrawn: WITHDRAWN, attestation: null, attestations: [] };
/** A run that a withdrawn verifier verified. */
export const WITHDRAWN_RUN: Run = { ...RUN, final: withdrawnFinal };

const anchor: NonNullable<Adapter['runs'][number]['anchor']> = {
  chainId: 1,
  registry: `0x${'2b'.repeat(20)}`,
  record: final.record,
  status: 'anchored',
  attester: ADDRESS,
  anchoredAt: AT + 60,
  endedAt: null,
  successor: null,
  parent: bytes32(root(0x3c)),
  readAt: AT + 90,
};

const yes = (evidence: Record<string, string | number>) => ({ answer: 'yes' as const, why: null, evidence });
const no = (why: string) => ({ answer: 'no' as const, why, evidence: {} });
const notAsked = (why: string) => ({ answer: 'not asked' as const, why, evidence: {} });

const adapterRun: Adapter['runs'][number] = {
  runId: RUN_ID,
  run: { ...SAMPLE_RUN },
  baseRoot: SAMPLE_RUN.baseRoot,
  dataRoot: SAMPLE_RUN.dataRoot,
  owner: SAMPLE_RUN.owner,
  steps: 8,
  complete: true,
  isFinal: true,
  proofs: [{ proofDigest: root(0x54), first: 4, steps: 4, receivedAt: AT + 4 }],
  losses,
  final,
  anchor: null,
};

/** Looked up by the SHA-256 of a file that was shown. */
const VERIFIED: Adapter = {
  id: root(0xf1),
  kind: 'file',
  adapterRoot: FINAL,
  status: 'verified',
  answers: {
    integrity: yes({ file: root(0xf1), tensors: root(0xf2), 'root of the file': FINAL }),
    proof: yes({ run: RUN_ID, steps: 8, segments: 2, 'run digest': final.runDigest }),
    attested: yes({ attester: ADDRESS, issued: '2026-11-18T00:00:00.000Z', signature: SIGNATURE }),
    anchored: notAsked('this service reads no registry'),
  },
  files: [{ file: root(0xf1), tensors: root(0xf2), adapterRoot: FINAL, runId: RUN_ID, shownAt: AT + 30 }],
  runs: [adapterRun],
  moreRuns: 0,
};

const ofRun = (part: Partial<typeof adapterRun>): Adapter['runs'] => [{ ...adapterRun, ...part }];
const revokedAnchor = { ...anchor, status: 'revoked', endedAt: AT + 5000 } as const;
const supersededAnchor = {
  ...anchor,
  status: 'superseded',
  endedAt: AT + 5000,
  successor: bytes32(root(0x5c)),
} as const;

/** Adapters in every state, with the run that each one's page tells of. */
export const ADAPTERS: Readonly<Record<string, readonly [Adapter, Run]>> = {
  verified: [VERIFIED, RUN],
  'by root': [
    { ...VERIFIED, id: FINAL, kind: 'root', answers: { ...VERIFIED.answers, integrity: notAsked('it is a root') } },
    RUN,
  ],
  anchored: [
    {
      ...VERIFIED,
      status: 'anchored',
      answers: { ...VERIFIED.answers, anchored: yes({ chain: 1, registry: anchor.registry, record: anchor.record }) },
      runs: ofRun({ anchor }),
    },
    RUN,
  ],
  superseded: [
    {
      ...VERIFIED,
      answers: { ...VERIFIED.answers, anchored: no('its owner put another record in its place') },
      runs: ofRun({ anchor: supersededAnchor }),
    },
    RUN,
  ],
  revoked: [
    {
      ...VERIFIED,
      status: 'revoked',
      answers: { ...VERIFIED.answers, anchored: no('its owner revoked it') },
      runs: ofRun({ anchor: revokedAnchor }),
    },
    RUN,
  ],
  incomplete: [
    {
      ...VERIFIED,
      id: root(0x14),
      adapterRoot: root(0x14),
      kind: 'root',
      status: 'unknown',
      files: [],
      answers: {
        integrity: notAsked('it is a root'),
        proof: no('the run is not proven as a whole'),
        attested: no('no whole run ends at this adapter'),
        anchored: notAsked('this service reads no registry'),
      },
      runs: ofRun({ complete: false, isFinal: false, final: null, losses: losses.slice(0, 4) }),
    },
    PARTIAL_RUN,
  ],
  'in the middle': [
    {
      ...VERIFIED,
      id: root(0x14),
      adapterRoot: root(0x14),
      status: 'unknown',
      runs: ofRun({ isFinal: false, final: null }),
    },
    RUN,
  ],
  withdrawn: [
    {
      ...VERIFIED,
      status: 'unknown',
      answers: { ...VERIFIED.answers, proof: no('the verifier version that verified it was withdrawn') },
      runs: ofRun({ final: withdrawnFinal }),
    },
    WITHDRAWN_RUN,
  ],
};

/** A proof of two steps. */
export const PROOF: Proof = {
  verdict: 'valid',
  proofDigest: root(0x50),
  proofBytes: 590_123,
  statementHash: root(0x60),
  runId: RUN_ID,
  verifier: VERIFIER,
  withdrawn: null,
  soundnessBits: 100.4,
  receivedAt: AT,
  statement: { run: { ...SAMPLE_STATEMENT.run }, segment: { ...SAMPLE_STATEMENT.segment } },
  attestation: null,
  attestations: [],
};
