/** The four answers about an adapter directory, each with its evidence. */

/** What a reader asks, in the order in which each rests on the one before. */
export const QUESTIONS = ['integrity', 'proof', 'attested', 'anchored'] as const;
export type Question = (typeof QUESTIONS)[number];

/** `not asked`: nobody was named who could tell. */
export interface Answer {
  readonly answer: 'yes' | 'no' | 'not asked';
  /** Why not, or what is missing to answer; a sentence without its full stop. */
  readonly why: string | null;
  readonly evidence: Readonly<Record<string, string | number>>;
}

export type Answers = Readonly<Record<Question, Answer>>;

type Evidence = Answer['evidence'];

export const yes = (evidence: Evidence): Answer => ({ answer: 'yes', why: null, evidence });
export const no = (why: string, evidence: Evidence = {}): Answer => ({ answer: 'no', why, evidence });
export const notAsked = (why: string): Answer => ({ answer: 'not asked', why, evidence: {} });

/** The answers as a person reads them. */
export function answersText(answers: Answers): string {
  return QUESTIONS.map((question) => {
    const { answer, why, evidence } = answers[question];
    const facts = Object.entries(evidence).map(([name, value]) => `    ${name.padEnd(16)} ${value}`);
    return [`${question.padEnd(9)}  ${answer}${why === null ? '' : `: ${why}`}`, ...facts].join('\n');
  }).join('\n');
}
