/** Whether a run's segments chain: root to root byte for byte from step 0 to its last, under one verifier version. */

/** What a chain needs of a verified segment proof; roots and digests are 32 bytes in lower-case hexadecimal. */
export interface ChainSegment {
  /** SHA-256 of the proof's bytes. */
  readonly proofDigest: string;
  readonly statementHash: string;
  readonly first: number;
  readonly steps: number;
  readonly adapterIn: string | null;
  readonly momentsIn: string | null;
  readonly adapterOut: string;
  readonly momentsOut: string;
  /** Digest of the verifier version. */
  readonly verifier: string;
  /** When it was verified, seconds since 1970. */
  readonly receivedAt: number;
}

/** Segments that lead from step 0 to the run's last step. */
export interface Chain {
  /** In order of their steps. */
  readonly segments: readonly ChainSegment[];
  readonly adapterRoot: string;
  readonly momentsRoot: string;
  /** Digest of the verifier version. */
  readonly verifier: string;
  /** When the last of these segments was verified, seconds since 1970. */
  readonly completedAt: number;
}

/** Why no chain goes on from the step that it reaches. */
export type Stop = 'missing' | 'roots' | 'verifier';

export interface ChainReport {
  /** Complete chains, one for each adapter root and verifier version, in the order in which they became complete. */
  readonly chains: readonly Chain[];
  /** The last step to which segments chain from step 0. */
  readonly reached: number;
  /** Null where a chain is complete. `missing`: no segment starts there. */
  readonly stop: Stop | null;
  /** Ranges of steps that no segment covers. */
  readonly missing: readonly { readonly first: number; readonly steps: number }[];
}

/** A place in a run: between two segments of a chain. */
interface Place {
  readonly step: number;
  readonly adapter: string | null;
  readonly moments: string | null;
  readonly verifier: string;
}

const keyOf = ({ step, adapter, moments, verifier }: Place): string => `${step} ${adapter} ${moments} ${verifier}`;

const startOf = (s: ChainSegment): Place => ({
  step: s.first,
  adapter: s.adapterIn,
  moments: s.momentsIn,
  verifier: s.verifier,
});

const endOf = (s: ChainSegment): Place => ({
  step: s.first + s.steps,
  adapter: s.adapterOut,
  moments: s.momentsOut,
  verifier: s.verifier,
});

/**
 * Places that segments reach from step 0, and the segment that reached each first. Segments are taken in the order in
 * which they were verified, so that a chain, once complete, stays the one that is told, whatever is submitted later.
 */
class Reached {
  readonly by = new Map<string, ChainSegment>();
  readonly places: Place[] = [];
  readonly #waiting = new Map<string, ChainSegment[]>();

  add(segment: ChainSegment): void {
    const start = keyOf(startOf(segment));
    this.#waiting.set(start, [...(this.#waiting.get(start) ?? []), segment]);
    if (segment.first === 0 || this.by.has(start)) this.#follow(segment);
  }

  #follow(segment: ChainSegment): void {
    const open = [segment];
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      const end = endOf(next);
      const key = keyOf(end);
      if (this.by.has(key)) continue;
      this.by.set(key, next);
      this.places.push(end);
      open.push(...(this.#waiting.get(key) ?? []));
    }
  }

  chainTo(place: Place): Chain {
    const segments: ChainSegment[] = [];
    for (let at = place; at.step > 0; at = startOf(segments[0])) segments.unshift(this.by.get(keyOf(at))!);
    return {
      segments,
      adapterRoot: place.adapter!,
      momentsRoot: place.moments!,
      verifier: place.verifier,
      completedAt: Math.max(...segments.map((s) => s.receivedAt)),
    };
  }
}

function missingRanges(segments: readonly ChainSegment[], steps: number): { first: number; steps: number }[] {
  const gaps: { first: number; steps: number }[] = [];
  let covered = 0;
  for (const { first, steps: length } of [...segments].sort((a, b) => a.first - b.first)) {
    if (first > covered) gaps.push({ first: covered, steps: first - covered });
    covered = Math.max(covered, first + length);
  }
  if (covered < steps) gaps.push({ first: covered, steps: steps - covered });
  return gaps;
}

function stopAt(step: number, segments: readonly ChainSegment[], reached: Reached): Stop {
  const starting = segments.filter((s) => s.first === step);
  if (starting.length === 0) return 'missing';
  const ends = reached.places.filter((place) => place.step === step);
  const joins = starting.some((s) => ends.some((e) => e.adapter === s.adapterIn && e.moments === s.momentsIn));
  return joins ? 'verifier' : 'roots';
}

/**
 * Looks for chains among the segments of one run.
 * @param segments all of one run; several of the same steps may be among them
 * @param steps of the whole run
 */
export function chainReport(segments: readonly ChainSegment[], steps: number): ChainReport {
  const reached = new Reached();
  const inTime = [...segments].sort(
    (a, b) =>
      a.receivedAt - b.receivedAt || (a.proofDigest < b.proofDigest ? -1 : Number(a.proofDigest > b.proofDigest)),
  );
  for (const segment of inTime) reached.add(segment);

  const chains: Chain[] = [];
  for (const place of reached.places) {
    const told = chains.some((c) => c.adapterRoot === place.adapter && c.verifier === place.verifier);
    if (place.step === steps && !told) chains.push(reached.chainTo(place));
  }
  const step = reached.places.reduce((most, place) => Math.max(most, place.step), 0);
  const stop = chains.length > 0 ? null : stopAt(step, segments, reached);
  return { chains, reached: step, stop, missing: missingRanges(segments, steps) };
}
