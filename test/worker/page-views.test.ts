/** What the pages say of each state, and that nothing of an answer becomes markup. */
import { describe, expect, test } from 'vitest';

import { adapterPage, malformedPage, problemPage, proofPage, runPage, unknownPage } from '../../worker/pages/pages.ts';
import { lossCurve } from '../../worker/pages/loss-curve.ts';
import { idIn } from '../../worker/routes/page.ts';
import { ADAPTERS, PARTIAL_RUN, PROOF, RUN, WITHDRAWN_RUN } from '../support/page-samples.ts';
import { root } from '../support/statements.ts';

const ORIGIN = 'https://service.example';

const text = (html: string): string =>
  html
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

const titleOf = (html: string): string => text(/<h1[^>]*>([\s\S]*?)<\/h1>/.exec(html)![1]);
const adapterHtml = async (state: string): Promise<string> => String(await adapterPage(...ADAPTERS[state], ORIGIN));

describe('the verdict on an adapter', () => {
  test.each([
    ['verified', 'This adapter came out of the declared training run', 'Every one of its 8 steps was verified'],
    ['verified', 'This adapter came out of the declared training run', '1 key signs for it.'],
    ['verified', 'This adapter came out of the declared training run', 'the SHA-256 of a file'],
    ['by root', 'This adapter came out of the declared training run', 'a commitment, not a file'],
    ['anchored', 'This adapter came out of the declared training run', 'stands in a registry on chain 1 since'],
    ['superseded', 'This adapter came out of the declared training run', 'has since put another adapter in its place'],
    ['revoked', 'This adapter was revoked', 'Its owner took its record back on 18 November 2026'],
    ['incomplete', 'This adapter is not verified', 'not proven from its first step to its last'],
    ['in the middle', 'This is not the result of its run', 'goes on from it to another adapter'],
    ['withdrawn', 'This adapter is not verified', '“it accepted a proof of a false range”'],
  ])('%s: %s; %s', async (state, title, said) => {
    const html = await adapterHtml(state);
    expect(titleOf(html)).toBe(title);
    expect(text(html)).toContain(said);
  });

  test('only what counts is called good', async () => {
    for (const state of Object.keys(ADAPTERS)) {
      const tone = /class="verdict (\w+)"/.exec(await adapterHtml(state))![1];
      expect([state, tone]).toEqual([
        state,
        ['revoked'].includes(state) ? 'bad' : /incomplete|middle|withdrawn/.test(state) ? 'open' : 'good',
      ]);
    }
  });

  test('answers the four questions with what each does not mean', async () => {
    const html = text(await adapterHtml('anchored'));
    for (const asked of [
      'Is the file the committed adapter? Yes',
      'Is the whole training run proven? Yes',
      'Has somebody signed for it? Yes',
      'Is it on record on a blockchain? Yes',
    ])
      expect(html).toContain(asked);
    expect(html.match(/What it does not mean:/g)).toHaveLength(4);
  });

  test('says why where the answer is no', async () => {
    const html = text(await adapterHtml('revoked'));
    expect(html).toContain('Is it on record on a blockchain? No Its owner revoked it.');
  });

  test('names the records before and after', async () => {
    expect(await adapterHtml('anchored')).toContain(`0x${root(0x3c)}`);
    expect(text(await adapterHtml('superseded'))).toContain(`Superseded by the record 0x${root(0x5c)}`);
  });

  test('nobody signs for what a withdrawn verifier verified', async () => {
    expect(text(await adapterHtml('withdrawn'))).toContain('Nobody: what a withdrawn verifier accepted');
  });
});

describe('the other pages', () => {
  test('a complete run leads to its adapter', async () => {
    const html = String(await runPage(RUN, ORIGIN));
    expect(titleOf(html)).toBe('This training run is complete');
    expect(html).toContain(`href="/?q=${root(0x18)}"`);
  });

  test('an incomplete run says what is missing', async () => {
    const html = text(String(await runPage(PARTIAL_RUN, ORIGIN)));
    expect(html).toContain('This training run is not complete');
    expect(html).toContain('No stored proof starts at step 4.');
    expect(html).toContain('Steps without a proof: steps 4 to 7.');
  });

  test('a broken chain is shown where it breaks', async () => {
    const [first, second] = RUN.segments;
    const broken = { ...second, adapterIn: root(0x99) };
    const report = { ...PARTIAL_RUN, stop: 'roots' as const, missing: [], segments: [first, broken] };
    const html = text(String(await runPage(report, ORIGIN)));
    expect(html).toContain('Here the chain is broken.');
    expect(html).toContain('starts from another adapter than the one that the steps before it lead to');
  });

  test('a run of a withdrawn verifier does not count', async () => {
    const html = String(await runPage(WITHDRAWN_RUN, ORIGIN));
    expect(titleOf(html)).toBe('This training run is not verified');
  });

  test('a proof, and one that counts no more', async () => {
    expect(titleOf(String(await proofPage(PROOF, ORIGIN)))).toBe('This proof holds');
    const withdrawn = { ...PROOF, withdrawn: { at: 1_795_000_000, reason: 'wrong' } };
    expect(titleOf(String(await proofPage(withdrawn, ORIGIN)))).toBe('This proof counts no more');
  });

  test('a time that no calendar has', async () => {
    expect(String(await proofPage({ ...PROOF, receivedAt: Number.MAX_SAFE_INTEGER }, ORIGIN))).toContain('after 1970');
  });
});

describe('the losses', () => {
  test('are a picture with a title, and a table', async () => {
    const html = String(await lossCurve(RUN.losses, 8, false));
    expect(html).toMatch(/<title id="curve-title">Loss from 6\.20 at step 0 to 4\.78 at step 7<\/title>/);
    expect(html.match(/<tr>/g)).toHaveLength(9);
    expect(html).not.toContain('NaN');
  });

  test.each([
    ['one', [{ step: 3, loss: 0 }]],
    ['equal ones', [0, 1, 2].map((step) => ({ step, loss: 1.5 }))],
    ['very many', Array.from({ length: 20_000 }, (_, step) => ({ step, loss: 1 + Math.sin(step) }))],
  ])('of %s', async (_, losses) => {
    const html = String(await lossCurve(losses, 20_000, false));
    expect(html).not.toMatch(/NaN|Infinity/);
    expect(html.length).toBeLessThan(30_000);
  });

  test('hidden, or none yet', async () => {
    expect(String(await lossCurve([], 8, true))).toContain('does not publish its losses');
    expect(String(await lossCurve([], 8, false))).toContain('No proven step');
  });
});

interface Parsed {
  readonly name: string;
  readonly attributes: readonly string[];
}

/** The elements that a parser of HTML finds. */
async function parsed(html: string): Promise<Parsed[]> {
  const found: Parsed[] = [];
  const element = ({ tagName, attributes }: Element): void => {
    const pairs: Iterable<readonly string[]> = attributes;
    found.push({ name: tagName, attributes: Array.from(pairs, (pair) => pair.join('=')) });
  };
  await new HTMLRewriter().on('*', { element }).transform(new Response(html)).text();
  return found;
}

const HOSTILE = `"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;`;

/** A copy with every text replaced, but those of declared runs: the protocol's own parser reads them. */
function poisoned<T>(value: T, key = ''): T {
  if (key === 'run' || key === 'statement') return value;
  if (typeof value === 'string') return HOSTILE as T;
  if (Array.isArray(value)) return (value as unknown[]).map((each) => poisoned(each)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as Record<string, unknown>);
  return Object.fromEntries(entries.map(([name, each]) => [name, poisoned(each, name)])) as T;
}

/** Words that templates choose by. */
const KEPT = ['status', 'kind', 'stop', 'answer', 'verdict'];
function hostile<T>(value: T): T {
  const restore = (bad: unknown, good: unknown): void => {
    if (typeof bad !== 'object' || bad === null) return;
    for (const [name, each] of Object.entries(good as Record<string, unknown>)) {
      const target = bad as Record<string, unknown>;
      if (KEPT.includes(name)) target[name] = each;
      else restore(target[name], each);
    }
  };
  const bad = poisoned(value);
  restore(bad, value);
  return bad;
}

describe('hostile texts stay texts', () => {
  const evidence = { answer: 'yes' as const, why: HOSTILE, evidence: { [HOSTILE]: HOSTILE, digest: root(1) } };
  const pages: [string, () => unknown][] = [
    ...Object.keys(ADAPTERS).map((state): [string, () => unknown] => [
      state,
      () => {
        const [adapter, run] = hostile(ADAPTERS[state]);
        const answers = { integrity: evidence, proof: evidence, attested: evidence, anchored: evidence };
        return adapterPage({ ...adapter, answers }, run, HOSTILE);
      },
    ]),
    ['run', () => runPage(hostile(RUN), HOSTILE)],
    ['proof', () => proofPage(hostile({ ...PROOF, withdrawn: { at: 1, reason: HOSTILE } }), HOSTILE)],
    ['unknown', () => unknownPage(HOSTILE)],
    ['malformed', () => malformedPage(HOSTILE)],
    ['problem', () => problemPage({ code: HOSTILE, detail: HOSTILE, next: HOSTILE }, HOSTILE)],
  ];

  test.each(pages)('%s', async (_, render) => {
    const html = String(await render());
    expect(html).toContain('&lt;script&gt;');
    expect(html).not.toMatch(/<script>|<img src=x|"'>/);
    const elements = await parsed(html);
    expect(elements.filter(({ name }) => name === 'script')).toEqual([
      { name: 'script', attributes: ['type=module', 'src=/assets/page.js'] },
    ]);
    expect(elements.flatMap(({ attributes }) => attributes.filter((each) => /^(on|style=)/.test(each)))).toEqual([]);
    const links = elements.flatMap(({ attributes }) => attributes.filter((each) => /^(href|src|action)=/.test(each)));
    expect(links.filter((each) => !/^\w+=[/#]/.test(each))).toEqual([]);
  });
});

describe('what was typed', () => {
  test.each([
    [root(0xab), root(0xab)],
    [`0x${root(0xab)}`, root(0xab)],
    [root(0xab).toUpperCase(), root(0xab)],
    [`https://service.example/adapters/${root(0xab)}`, root(0xab)],
    [`sha256:${root(0xab)}  adapter_model.safetensors`, root(0xab)],
    [root(0xab).slice(1), null],
    [`${root(0xab)}0`, null],
    [`0x${'5e'.repeat(20)}`, null],
    ['my adapter', null],
  ])('%s', (typed, id) => expect(idIn(typed)).toBe(id));
});
