/** Small parts that several pages show. */
import { html } from 'hono/html';

import { stepRange, type Fact } from '../../api/words.ts';
import type { Html } from './layout.ts';

const DATE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });

/** A time, from seconds since 1970. */
export function time(seconds: number): Html {
  const date = new Date(seconds * 1000);
  // Seconds of a chain or a record may be beyond the dates that there are.
  if (Number.isNaN(date.getTime())) return html`${seconds} s after 1970`;
  return html`<time datetime="${date.toISOString()}">${DATE.format(date)} UTC</time>`;
}

/** Hexadecimal digits, which may break anywhere. */
export const code = (digits: string): Html => html`<code class="hex">${digits}</code>`;

/** The first and last digits, linked to what they name; the whole stands in the link. */
export function shortLink(digest: string, what: string): Html {
  return html`<a class="hex" href="/?q=${digest}" title="${digest}"
    ><span class="hidden">${what} </span>${digest.slice(0, 8)}…${digest.slice(-8)}</a
  >`;
}

/** Terms and what they are. */
export function factList(facts: readonly Fact[]): Html {
  return html`<dl class="facts">
    ${facts.map(
      ({ term, value, kind }) =>
        html`<div>
          <dt>${term}</dt>
          <dd>${kind === 'text' ? value : code(value)}</dd>
        </div>`,
    )}
  </dl>`;
}

/** Evidence as the service's JSON has it: what looks like digits of a digest is set as such. */
export function evidenceList(evidence: Readonly<Record<string, string | number>>): Html {
  const facts = Object.entries(evidence).map(([term, value]): Fact => {
    const digits = /^(0x)?[0-9a-fA-F]{40,}$/.test(String(value));
    return { term, value: String(value), kind: digits ? 'digest' : 'text' };
  });
  return factList(facts);
}

/** "steps 0 to 3 and step 7", counted from 0. */
export function ranges(list: readonly { readonly first: number; readonly steps: number }[], most = 6): string {
  const shown = list.slice(0, most).map(stepRange);
  if (list.length > most) shown.push(`${list.length - most} more ranges`);
  return new Intl.ListFormat('en-GB').format(shown);
}
