/** Shows what is being checked: a line for each proof or file, then what it comes to. */
import type { Fact } from '../api/words.ts';
import { element } from './element.ts';
import type { Event, JobStart, Outcome, Tone } from './messages.ts';

type Done = Extract<Event, { kind: 'done' }>;

const seconds = (milliseconds: number): string =>
  milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;

/** Text with its digests and addresses set as such. */
function words(text: string): (Node | string)[] {
  return text
    .split(/((?:0x)?[0-9a-fA-F]{40,})/)
    .map((part, i) => (i % 2 === 0 ? part : element('code', { class: 'hex' }, part)));
}

function factList(facts: readonly Fact[]): HTMLElement {
  const rows = facts.map(({ term, value, kind }) => {
    const shown = kind === 'text' ? value : element('code', { class: 'hex' }, value);
    return element('div', {}, element('dt', {}, term), element('dd', {}, shown));
  });
  return element('dl', { class: 'facts' }, ...rows);
}

/** One proof or file. */
class Line {
  readonly root: HTMLLIElement;
  readonly #time = element('span', { class: 'job-time' });
  readonly #bar: HTMLProgressElement;
  readonly #state = element('p', { class: 'job-state' }, 'waiting');

  constructor({ name, note }: JobStart) {
    this.#bar = element('progress', { max: 1, value: 0, 'aria-label': `Progress of ${name}` });
    const title = element('span', { class: 'job-name', title: name }, name, ' ');
    title.append(element('span', { class: 'hint' }, note));
    const head = element('div', { class: 'job-head' }, title, this.#time);
    this.root = element('li', { class: 'job' }, head, this.#bar, this.#state);
  }

  progress(what: string, share: number | null): void {
    if (share !== null) this.#bar.value = share;
    if (this.#state.textContent !== what) this.#state.textContent = what;
  }

  done({ tone, text, milliseconds, facts }: Done): void {
    this.#bar.value = 1;
    this.#state.className = `job-state ${tone}`;
    this.#state.textContent = text;
    if (milliseconds !== null) this.#time.textContent = seconds(milliseconds);
    if (facts.length > 0)
      this.root.append(element('details', {}, element('summary', {}, 'What it says'), factList(facts)));
  }

  /** Something that the reader can do with it. */
  offer(control: HTMLElement): void {
    this.root.append(control);
  }
}

function outcomeBox({ tone, title, text, checks, link }: Outcome): HTMLElement {
  const lines = checks.map((check) => element('li', { class: check.tone }, ...words(check.text)));
  const spoken: Readonly<Record<Tone, string>> = { good: 'Holds: ', bad: 'Refuted: ', open: 'Open: ' };
  for (const [i, line] of lines.entries()) line.prepend(element('span', { class: 'hidden' }, spoken[checks[i].tone]));
  return element(
    'div',
    { class: `outcome ${tone}` },
    element('h3', {}, title),
    element('p', {}, ...words(text)),
    lines.length > 0 ? element('ul', { class: 'checks' }, ...lines) : null,
    link === null ? null : element('p', {}, element('a', { href: link.href }, link.text)),
  );
}

/** The lines and outcomes of one task. What changes is said aloud too, in few words. */
export class Board {
  readonly #say = element('p', { role: 'status', class: 'hint' });
  readonly #lines = element('ul', { class: 'jobs' });
  /** Holds the place of what it will come to, so that little moves when it is known. */
  readonly #pending = element('div', { class: 'outcome pending' }, element('p', {}, 'Nothing is decided yet.'));
  readonly #outcomes = element('div', {}, this.#pending);
  #jobs: readonly JobStart[] = [];
  #shown: Line[] = [];
  #at = -1;

  /**
   * @param place is emptied first
   * @param expected lines to show at once, so that nothing moves when the names come
   */
  constructor(place: HTMLElement, expected: number) {
    place.replaceChildren(this.#say, this.#outcomes, this.#lines);
    if (expected === 0) this.#pending.remove();
    this.#show(Array.from({ length: expected }, (_, i) => ({ name: `${i + 1} of ${expected}`, note: '' })));
  }

  say(text: string): void {
    this.#say.textContent = text;
  }

  #conclude(outcome: Outcome): void {
    this.#pending.remove();
    this.#outcomes.append(outcomeBox(outcome));
  }

  #show(jobs: readonly JobStart[]): void {
    this.#jobs = jobs;
    this.#shown = jobs.map((job) => new Line(job));
    this.#lines.replaceChildren(...this.#shown.map((line) => line.root));
  }

  /** Shows an event. @returns the line of a job that is done */
  hear(event: Event): Line | null {
    switch (event.kind) {
      case 'jobs':
        this.#show(event.jobs);
        return null;
      case 'progress':
        if (event.job !== this.#at) {
          this.#at = event.job;
          this.say(`Checking ${event.job + 1} of ${this.#jobs.length}: ${this.#jobs[event.job].name}`);
        }
        this.#shown[event.job].progress(event.what, event.share);
        return null;
      case 'done':
        this.#shown[event.job].done(event);
        return this.#shown[event.job];
      case 'outcome':
        this.#conclude(event.outcome);
        return null;
      case 'failed':
        this.#conclude({ tone: 'open', title: 'It could not be checked', text: event.text, checks: [], link: null });
        return null;
      case 'end':
        this.#pending.remove();
        return null;
    }
  }

  /** The titles of what it came to, for the status line. */
  conclusion(): string {
    const titles = [...this.#outcomes.querySelectorAll('h3')].map((title) => title.textContent);
    return titles.length === 0 ? 'Done.' : `Done. ${titles.join('. ')}.`;
  }
}
