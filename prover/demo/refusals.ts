/** What must be refused: a changed weight, a changed byte, a missing segment. */
import { copyFile, cp, mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Backend } from '../backend/backend.ts';
import { QUESTIONS, type Answers } from '../check/answers.ts';
import { checkAdapter, type CheckSources } from '../check/check.ts';
import { ProverError } from '../errors.ts';
import { readAdapter, writeAdapter } from '../model/adapter.ts';
import { readArchitecture } from '../model/config.ts';
import { PROVENANCE } from '../proofs/provenance.ts';
import { judge } from '../proofs/verify-files.ts';
import { ServiceRefusalError } from '../service/errors.ts';
import { submitProof } from '../service/submit.ts';

/** One thing that was refused. */
export interface Refusal {
  readonly what: string;
  readonly by: string;
  readonly why: string;
}

/** Something was accepted that must be refused: a mistake of the program. */
export class AcceptedError extends ProverError {
  constructor(what: string) {
    super(`${what} was accepted; it must be refused`, 'This is a mistake of the program: please report it.');
  }
}

function refusedAnswers(what: string, answers: Answers, expected: readonly (typeof QUESTIONS)[number][]): Refusal {
  if (expected.some((question) => answers[question].answer !== 'no')) throw new AcceptedError(what);
  const why = expected.map((question) => `${question}: ${answers[question].why}`).join('; ');
  return { what, by: 'check', why };
}

/** A copy of the adapter in which one weight is 2^-22 more. */
export async function changedWeight(
  backend: Backend,
  sources: CheckSources,
  model: string,
  folder: string,
): Promise<Refusal> {
  const architecture = await readArchitecture(model);
  const adapter = await readAdapter(sources.adapter, architecture);
  const pair = adapter.layers[0][adapter.targets[0]]!;
  pair.B[0] += pair.B[0] > 0 ? -1 : 1;
  await writeAdapter(folder, adapter, { architecture, name: basename(model) });
  await copyFile(join(sources.adapter, PROVENANCE), join(folder, PROVENANCE));
  const answers = await checkAdapter(backend, { ...sources, adapter: folder });
  return refusedAnswers('an adapter with one changed weight', answers, QUESTIONS);
}

/** A proof in which one bit of one byte in the middle is another; refused here and by the service. */
export async function changedByte(file: string, worker: string): Promise<Refusal[]> {
  const what = 'a proof with one changed byte';
  const bytes = new Uint8Array(await readFile(file));
  bytes[bytes.length >> 1] ^= 1;
  const { refusal } = judge({ name: file, bytes });
  if (refusal === null) throw new AcceptedError(what);
  const here = { what, by: 'verify', why: `${refusal.message} [${refusal.code}]` };
  try {
    await submitProof(worker, bytes);
  } catch (error) {
    if (!(error instanceof ServiceRefusalError)) throw error;
    const { status, code, detail } = error.problem;
    return [here, { what, by: 'service', why: `${status} ${code}: ${detail}` }];
  }
  throw new AcceptedError(what);
}

/** The adapter with the proofs of its run but one. @param files all of them */
export async function missingSegment(
  backend: Backend,
  sources: CheckSources,
  files: readonly string[],
  folder: string,
): Promise<Refusal> {
  await mkdir(folder, { recursive: true });
  for (const file of files.slice(0, -1)) await cp(file, join(folder, basename(file)));
  const answers = await checkAdapter(backend, { ...sources, proofs: folder, worker: null, registry: null });
  return refusedAnswers('a run with a missing segment', answers, ['proof']);
}
