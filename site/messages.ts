/** What the page and the Web Worker that checks say to each other. Everything is plain data. */
import type { Fact } from '../api/words.ts';

/** `good`: holds; `bad`: is refuted; `open`: could not be decided. */
export type Tone = 'good' | 'bad' | 'open';

export type Task =
  | {
      readonly kind: 'run';
      /** Of the service. */
      readonly base: string;
      readonly runId: string;
      /** The adapter at which the page says that the run ends. */
      readonly adapterRoot: string | null;
    }
  | { readonly kind: 'proof'; readonly base: string; readonly proofDigest: string }
  | { readonly kind: 'files'; readonly base: string; readonly files: readonly PickedFile[] }
  | { readonly kind: 'send'; readonly base: string; readonly file: File; readonly offer: Offer };

/** What can be sent to the service, if the reader wants it: a proof, or an adapter file of a run that it knows. */
export type Offer = { readonly kind: 'proof' } | { readonly kind: 'file'; readonly runId: string };

/** A file with its path inside what was dropped. */
export interface PickedFile {
  readonly path: string;
  readonly file: File;
}

/** One thing that is checked: a proof or a file. */
export interface JobStart {
  readonly name: string;
  readonly note: string;
}

/** One line of a conclusion. */
export interface Check {
  readonly tone: Tone;
  readonly text: string;
}

/** What it all comes to. */
export interface Outcome {
  readonly tone: Tone;
  readonly title: string;
  readonly text: string;
  readonly checks: readonly Check[];
  /** A page of the service with more about it. */
  readonly link: { readonly href: string; readonly text: string } | null;
}

export type Event =
  /** Everything that will be checked, in order. */
  | { readonly kind: 'jobs'; readonly jobs: readonly JobStart[] }
  /** How far the job is; `share` from 0 to 1, null where nobody knows. */
  | { readonly kind: 'progress'; readonly job: number; readonly what: string; readonly share: number | null }
  | {
      readonly kind: 'done';
      readonly job: number;
      readonly tone: Tone;
      readonly text: string;
      /** Milliseconds that this machine computed; null where it did not. */
      readonly milliseconds: number | null;
      readonly facts: readonly Fact[];
      readonly offer: Offer | null;
    }
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  /** Nothing follows. */
  | { readonly kind: 'end' }
  /** Nothing follows: the task could not be done. */
  | { readonly kind: 'failed'; readonly text: string };
