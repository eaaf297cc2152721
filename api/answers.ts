/** Schemas of the service's answers. */
import { z } from 'zod';

import * as v from './values.ts';

/** A refusal, RFC 9457. */
export const problem = z
  .object({
    type: z.string().meta({ example: 'urn:zklora:problem:NOT_FOUND' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'what happened' }),
    code: z.string().meta({ description: 'stable; /docs lists them', example: 'NOT_FOUND' }),
    check: z.string().nullable().meta({ description: 'the check that refused, where one did' }),
    next: z.string().meta({ description: 'what to do about it' }),
    evidence: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457, application/problem+json' });

export const proof = z
  .object({
    verdict: z.literal('valid'),
    proofDigest: v.digest,
    proofBytes: v.count,
    statementHash: v.digest,
    runId: v.digest,
    verifier: v.verifierVersion,
    withdrawn: v.orNull(v.withdrawal),
    soundnessBits: z.number(),
    receivedAt: v.seconds.meta({ description: 'when it was verified' }),
    statement: v.statement,
    attestation: v
      .orNull(v.segmentAttestation)
      .meta({ description: 'by the first key; null where no key signs, or `withdrawn`' }),
    attestations: z.array(v.segmentAttestation).meta({ description: 'by every key that is valid now' }),
  })
  .meta({ id: 'Proof' });

export const submission = proof
  .extend({
    stored: z.enum(['now', 'before']),
    timings: z.object({
      bodyMs: z.number(),
      verifyMs: z.number().nullable().meta({ description: 'null where the proof was verified before' }),
      storeMs: z.number(),
      note: z.string(),
    }),
  })
  .meta({ id: 'Submission' });

export const job = z
  .object({
    id: z.string(),
    proofDigest: v.digest,
    state: z.enum(['queued', 'verifying', 'valid', 'refused', 'failed']),
    submittedAt: v.seconds,
    endedAt: v.orNull(v.seconds),
    problem: v.orNull(problem).meta({ description: 'why it was refused or failed' }),
  })
  .meta({ id: 'Job', description: 'a verification that does not fit one request; `valid`: see /proofs/{sha256}' });

export const segment = z
  .object({
    proofDigest: v.digest,
    statementHash: v.digest,
    first: v.count,
    steps: z.int().min(1),
    adapterIn: v.orNull(v.digest),
    momentsIn: v.orNull(v.digest),
    adapterOut: v.digest,
    momentsOut: v.digest,
    verifier: v.digest,
    receivedAt: v.seconds,
  })
  .meta({ id: 'Segment', description: 'steps [first, first + steps) of a run, proven' });

export const final = z
  .object({
    adapterRoot: v.digest,
    momentsRoot: v.digest,
    runDigest: v.digest,
    verifier: v.digest,
    withdrawn: v.orNull(v.withdrawal),
    completedAt: v.seconds,
    proofs: z.array(v.digest).min(1),
    record: v.bytes32.meta({ description: 'id of the record that a registry keeps of this run' }),
    attestation: v.orNull(v.runAttestation),
    attestations: z.array(v.runAttestation).meta({ description: 'by every key that is valid now' }),
  })
  .meta({ id: 'Final', description: 'a complete run: what a contract anchors, and who attests it' });

export const lossPoint = z
  .object({ step: v.count, loss: z.number().meta({ description: 'mean loss, nats a label' }) })
  .meta({ id: 'LossPoint', description: 'what the statement publishes of a step; steps count from 0' });

export const run = z
  .object({
    runId: v.digest,
    run: v.run,
    complete: z.boolean(),
    reached: v.count.meta({ description: 'the last step to which segments chain from step 0' }),
    stop: z
      .enum(['missing', 'roots', 'verifier'])
      .nullable()
      .meta({ description: 'why no segment goes on from there; null where the run is complete' }),
    missing: z.array(z.object({ first: v.count, steps: v.count })),
    segments: z.array(segment).min(1),
    moreSegments: v.count.meta({ description: 'stored, but too many to be told; they chain to no adapter' }),
    losses: z
      .array(lossPoint)
      .meta({ description: 'of proven steps, the first 131072 at most; empty where the run hides them' }),
    final: v.orNull(final),
  })
  .meta({ id: 'RunReport' });

export const status = z
  .enum(['verified', 'anchored', 'revoked', 'unknown'])
  .meta({ id: 'Status', description: 'unknown: no complete run that counts ends at this adapter' });

export const anchor = z
  .object({
    chainId: v.count,
    registry: v.address,
    record: v.bytes32,
    status: z.enum(['unknown', 'anchored', 'superseded', 'revoked']),
    attester: v.orNull(v.address),
    anchoredAt: v.orNull(v.seconds),
    endedAt: v.orNull(v.seconds),
    successor: v.orNull(v.bytes32),
    parent: v.orNull(v.bytes32),
    readAt: v.seconds.meta({ description: 'when the chain was asked' }),
  })
  .meta({ id: 'Anchor', description: 'what the registry holds of a record' });

export const shownFile = z
  .object({ file: v.digest, tensors: v.digest, adapterRoot: v.digest, runId: v.digest, shownAt: v.seconds })
  .meta({
    id: 'ShownFile',
    description:
      'SHA-256 of an adapter file, and of its tensors: of the file without metadata, as safetensors writes it',
  });

export const adapterRun = z
  .object({
    runId: v.digest,
    run: v.run,
    baseRoot: v.digest,
    dataRoot: v.digest,
    owner: v.address,
    steps: v.count,
    complete: z.boolean(),
    isFinal: z.boolean().meta({ description: 'whether the adapter is the one after the last step' }),
    proofs: z.array(z.object({ proofDigest: v.digest, first: v.count, steps: v.count, receivedAt: v.seconds })),
    losses: z.array(lossPoint).meta({ description: 'evenly thinned where a run has many; all are in /runs/{id}' }),
    final: v.orNull(final),
    anchor: v.orNull(anchor).meta({ description: 'null where no registry is named, or the adapter is not final' }),
  })
  .meta({ id: 'AdapterRun' });

const kind = z
  .enum(['root', 'file', 'tensors', 'record'])
  .meta({ description: 'what the id is; of a `record` are then the status and the first of the runs' });

export const adapter = z
  .object({
    id: v.digest,
    kind,
    adapterRoot: v.digest,
    status,
    answers: z
      .object({ integrity: v.answer, proof: v.answer, attested: v.answer, anchored: v.answer })
      .meta({ description: 'is the file the committed adapter, is a whole run proven, attested, anchored' }),
    files: z.array(shownFile),
    runs: z.array(adapterRun).min(1),
    moreRuns: v.count,
  })
  .meta({ id: 'Adapter' });

export const lookup = z
  .object({
    answers: z.array(
      z.object({
        id: v.digest,
        status,
        kind: kind.nullable(),
        adapterRoot: v.orNull(v.digest),
        runId: v.orNull(v.digest),
        record: v.orNull(v.bytes32),
      }),
    ),
  })
  .meta({ id: 'Lookup' });

export const attesterKey = z
  .object({
    address: v.address,
    validFrom: v.orNull(v.seconds),
    validUntil: v.orNull(v.seconds),
    signing: z.boolean().meta({ description: 'whether this worker signs with it now' }),
  })
  .meta({ id: 'AttesterKey' });

export const verifiers = z
  .object({
    current: v.digest,
    verifiers: z
      .array(v.verifierVersion.extend({ withdrawn: v.orNull(v.withdrawal) }).meta({ id: 'KnownVerifier' }))
      .min(1),
    attester: v.orNull(v.address).meta({ description: 'the key of `attestation` members' }),
    attesters: z.array(attesterKey),
  })
  .meta({ id: 'Verifiers' });

export const health = z.object({ ok: z.literal(true) }).meta({ id: 'Health' });
