/**
 * What this machine has sent, or is about to: one file for each thing meant, written before anything leaves the machine.
 * It pins the sender's nonce, so that of all transactions that are ever sent for it the chain can take one alone.
 */
import { readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { keccak256, stringToHex, type Address, type Hex } from 'viem';
import { z } from 'zod';

import { meaningOf, type Action } from './calls.ts';
import { createFile, replaceFile } from './whole-file.ts';
import { addressSchema, decimalSchema, hexSchema } from './records.ts';
import { readSigned } from './signed.ts';
import { ChainFileError, SignedTransactionError } from './transaction-errors.ts';

const FORMAT = 'zklora/transaction/v1';

const attemptSchema = z.strictObject({
  /** Null where the node signs and its answer is not there yet. */
  hash: hexSchema(32).nullable(),
  /** The signed transaction; null where the node signs. */
  raw: hexSchema().nullable(),
  /** Wei for each unit of gas, at most; and of it the tip. */
  maxFeePerGas: decimalSchema,
  maxPriorityFeePerGas: decimalSchema,
});

const outcomeSchema = z.strictObject({
  kind: z.enum(['mined', 'reverted', 'replaced', 'cancelled']),
  /** The transaction that took the nonce; null where the node doesn't tell. */
  hash: hexSchema(32).nullable(),
});

const entrySchema = z.strictObject({
  format: z.literal(FORMAT),
  action: z.string(),
  /** What it is about, see `Subject`. */
  subject: z.string(),
  chainId: z.int().min(1),
  registry: addressSchema,
  data: hexSchema(),
  sender: addressSchema,
  nonce: z.int().min(0),
  gas: decimalSchema,
  /** Latest block when it was made. */
  block: decimalSchema,
  /** The first is the first sent, the others raise its fee. */
  attempts: z.array(attemptSchema).min(1),
  /** Null until the chain has decided. */
  outcome: outcomeSchema.nullable(),
});

/** One signed version of the transaction. */
export type Attempt = z.output<typeof attemptSchema>;
/** How the chain has decided. */
export type Decided = z.output<typeof outcomeSchema>;
/** Content of a journal's file. */
export type Entry = Omit<z.output<typeof entrySchema>, 'format' | 'action'> & { readonly action: Action };

/** What a transaction is for: the same thing on the same chain has the same file. */
export interface Subject {
  readonly action: Action;
  /** Run ids, a batch's root or an owner. */
  readonly about: string;
  readonly chainId: number;
  readonly registry: Address;
}

/** The file for one subject in a folder. */
export interface Journal {
  readonly file: string;
  readonly subject: Subject;
}

/** The journal of a subject in a folder of a run, beside a batch or a consent. */
export function journalIn(folder: string, subject: Subject): Journal {
  const { action, about, chainId, registry } = subject;
  const key = keccak256(stringToHex(JSON.stringify([about.toLowerCase(), registry.toLowerCase()]))).slice(2, 14);
  return { file: join(folder, 'transactions', `${action}-${chainId}-${key}.json`), subject };
}

function textOf(entry: Entry): string {
  const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);
  return `${JSON.stringify({ format: FORMAT, ...entry }, plain, 2)}\n`;
}

/** Whether a file says what it must: the very transaction for its subject, signed by its sender. */
async function problemOf({ subject }: Journal, entry: Entry): Promise<string | undefined> {
  const { action, about, chainId, registry } = subject;
  const same =
    entry.action === action &&
    entry.subject === about &&
    entry.chainId === chainId &&
    entry.registry.toLowerCase() === registry.toLowerCase();
  if (!same) return 'it is about something else';
  const meaning = meaningOf(entry.data);
  if (meaning?.action !== action) return 'its data is of another call';
  const names = meaning.runIds.length > 0 ? meaning.runIds : meaning.ids;
  if (names.length > 0 && names.join('-') !== about) return 'its data is about something else';
  for (const { raw, hash } of entry.attempts) {
    if (raw === null) continue;
    const signed = await readSigned(raw, { registry, data: entry.data, sender: entry.sender }, chainId);
    if (signed.hash !== hash || signed.nonce !== entry.nonce)
      return 'a signed transaction in it has another hash or nonce';
  }
  return undefined;
}

/** What is kept, or undefined. @throws ChainFileError for a file that is damaged or about something else */
export async function readJournal(journal: Journal): Promise<Entry | undefined> {
  const next = 'Look up what the account has sent, then move this file away and run the command again.';
  let text: string;
  try {
    text = await readFile(journal.file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const entry = entrySchema.parse(JSON.parse(text)) as unknown as Entry;
    const problem = await problemOf(journal, entry);
    if (problem === undefined) return entry;
    throw new ChainFileError(journal.file, problem, next);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError || error instanceof SignedTransactionError)
      throw new ChainFileError(journal.file, 'it is damaged', next, { cause: error });
    throw error;
  }
}

/** Keeps a new entry. @returns false where another process was first */
export async function beginJournal(journal: Journal, entry: Entry): Promise<boolean> {
  return createFile(journal.file, textOf(entry));
}

/** Keeps what became of an entry. */
export async function updateJournal(journal: Journal, entry: Entry): Promise<void> {
  await replaceFile(journal.file, textOf(entry));
}

/** Puts a decided entry aside, under its sender and nonce, to make room for a new one. */
export async function archiveJournal({ file }: Journal, { sender, nonce }: Entry): Promise<void> {
  await rename(file, file.replace(/\.json$/, `.${sender.slice(2, 10)}-${nonce}.old.json`));
}

/** Data of the calls of an action that a folder's journals keep for a registry, whatever became of them. Throws for a damaged file. */
export async function keptCalls(folder: string, { action, chainId, registry }: Omit<Subject, 'about'>): Promise<Hex[]> {
  const path = join(folder, 'transactions');
  const names = await readdir(path).catch(() => [] as string[]);
  const found: Hex[] = [];
  for (const name of names.filter((n) => n.startsWith(`${action}-${chainId}-`) && n.endsWith('.json'))) {
    const entry = await readFile(join(path, name), 'utf8').then((text) => entrySchema.parse(JSON.parse(text)));
    if (entry.registry.toLowerCase() === registry.toLowerCase()) found.push(entry.data);
  }
  return found;
}
