/** The four questions about an adapter, answered: what each answer means, and what it does not mean. */
import { html } from 'hono/html';

import type { Html } from './layout.ts';
import { evidenceList } from './parts.ts';
import type { Adapter } from './verdict.ts';

type Question = keyof Adapter['answers'];
type Answer = Adapter['answers'][Question];

interface Words {
  readonly asked: string;
  readonly yes: string;
  readonly limits: string;
}

const QUESTIONS: Readonly<Record<Question, Words>> = {
  integrity: {
    asked: 'Is the file the committed adapter?',
    yes: 'The service recomputed the commitment from a file with this very fingerprint: it is this adapter, weight for weight.',
    limits:
      'It says nothing about other files, and not that what a model server loads is this file: check what you load.',
  },
  proof: {
    asked: 'Is the whole training run proven?',
    yes: 'Every step has a proof that the verifier accepted: forward pass, loss, backward pass and update, from the declared data and base model. Each step starts where the one before it ended.',
    limits:
      'It does not say that the data is good, licensed or free of back doors, nor that the base model is honest. The owner may have prepared other runs and shown this one.',
  },
  attested: {
    asked: 'Has somebody signed for it?',
    yes: 'A key signed that it verified every step. The signature can be checked by anybody, on any chain.',
    limits: 'A signature is worth as much as whoever holds the key. You need not trust them: verify again, above.',
  },
  anchored: {
    asked: 'Is it on record on a blockchain?',
    yes: 'A registry contract keeps the record of this adapter, who anchored it and when; nobody can change or backdate it.',
    limits: 'The contract verifies no proof. It keeps what was signed, by whom, and whether the owner revoked it.',
  },
};

const SHORT: Readonly<Record<Answer['answer'], string>> = { yes: 'Yes', no: 'No', 'not asked': 'Not asked' };

function questionItem(question: Question, { answer, why, evidence }: Answer): Html {
  const { asked, yes, limits } = QUESTIONS[question];
  const known = Object.keys(evidence).length > 0;
  const reason = why === null ? '' : `${why.charAt(0).toUpperCase()}${why.slice(1)}${/[.!?]$/.test(why) ? '' : '.'}`;
  return html`<li class="${answer === 'yes' ? 'yes' : answer === 'no' ? 'no' : 'open'}">
    <h3>${asked} <strong>${SHORT[answer]}</strong></h3>
    <p>${answer === 'yes' ? yes : reason}</p>
    <p class="quiet"><b>What it does not mean:</b> ${limits}</p>
    ${
      known
        ? html`<details>
            <summary>Evidence</summary>
            ${evidenceList(evidence)}
          </details>`
        : ''
    }
  </li>`;
}

/** The section of the four answers. */
export function questionSection({ answers }: Adapter): Html {
  const order: readonly Question[] = ['integrity', 'proof', 'attested', 'anchored'];
  return html`<section aria-labelledby="questions">
    <h2 id="questions">Four questions</h2>
    <ul class="questions">
      ${order.map((question) => questionItem(question, answers[question]))}
    </ul>
    <p class="quiet">What no proof here states is listed under <a href="#not-stated">what is not stated</a>.</p>
  </section>`;
}
