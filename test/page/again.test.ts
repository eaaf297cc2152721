/** Verification again in the reader's browser, of what an honest service says and of what a lying one does. */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';

import { root } from '../support/statements.ts';
import { expectAccessible, fixture, onPage, outcomesOf, useBrowser } from './browser.ts';

useBrowser();

const { adapterRoot, runId, attester, proofs } = fixture;
const adapter = `/?q=${adapterRoot}`;

const button = (page: Page) => page.locator('#again button');
const status = (page: Page) => page.locator('#again [role=status]');
const checks = (page: Page): Promise<string[]> => page.locator('#again .checks li').allTextContents();

/** Presses the button and waits for what it comes to. */
async function again(page: Page): Promise<string[]> {
  await page.getByRole('button', { name: 'Verify again in this browser' }).click();
  await page.getByText(/^(Done|Cancelled)/).waitFor();
  return outcomesOf(page);
}

interface Report {
  runId: string;
  final: { runDigest: string; attestations: { attestation: Record<string, string>; signature: string }[] };
  segments: { proofDigest: string; first: number }[];
}

/** Lets the service tell something else of the run. */
async function telling(page: Page, change: (report: Report) => void): Promise<void> {
  await page.route(`**/runs/${runId}`, async (route) => {
    const response = await route.fetch();
    const report = (await response.json()) as Report;
    change(report);
    await route.fulfill({ response, json: report });
  });
}

/** Lets the service hand out other bytes of its proofs. */
async function handingOut(page: Page, change: (bytes: Buffer) => Buffer): Promise<void> {
  await page.route('**/raw', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: change(await response.body()) });
  });
}

describe('an honest service', () => {
  test('is confirmed: every proof, their chain, the digest and the signature', async () => {
    await onPage(adapter, async ({ page, requests }) => {
      expect(await again(page)).toEqual(['Confirmed by your browser']);
      const [held, chained, end, digest, signed, ...rest] = await checks(page);
      expect(held).toMatch(/All 2 proofs hold, verified here in \d+\.\d s/);
      expect(chained).toContain('from step 0 to step 2');
      expect(end).toContain(adapterRoot);
      expect(digest).toContain('is the one that the service tells');
      expect(signed).toContain(`${attester} signed exactly this run`);
      expect(rest).toEqual([]);
      expect(await page.locator('#again .job-state').allTextContents()).toEqual([
        'Holds: it proves step 0 of a run of 2 steps (counted from 0).',
        'Holds: it proves step 1 of a run of 2 steps (counted from 0).',
      ]);
      expect(await page.locator('#again .job-time').allTextContents()).toEqual([
        expect.stringMatching(/^\d+(\.\d)? m?s$/),
        expect.stringMatching(/^\d+(\.\d)? m?s$/),
      ]);
      expect(requests.filter(({ method }) => method !== 'GET')).toEqual([]);
    });
  });

  test('a run, and a proof alone', async () => {
    await onPage(`/?q=${runId}`, async ({ page }) => {
      expect(await again(page)).toEqual(['Confirmed by your browser']);
      await page.locator('.chain a[href^="/?q="]').nth(1).click();
      await page.getByRole('heading', { name: 'This proof holds' }).waitFor();
      expect(await again(page)).toEqual(['Confirmed by your browser']);
      expect((await checks(page)).at(-1)).toContain('signed exactly this proof');
    });
  });

  test('says aloud what goes on, and moves nothing much', async () => {
    await onPage(adapter, async ({ page }) => {
      await button(page).scrollIntoViewIfNeeded();
      await page.evaluate(() => {
        const seen = { shift: 0, said: [] as string[] };
        Object.assign(globalThis, { seen });
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) seen.shift += (entry as PerformanceEntry & { value: number }).value;
        }).observe({ type: 'layout-shift', buffered: true });
        new MutationObserver(() => {
          const text = document.querySelector('#again [role=status]')?.textContent ?? '';
          if (text !== seen.said.at(-1)) seen.said.push(text);
        }).observe(document.querySelector('#again .output')!, { childList: true, subtree: true, characterData: true });
      });
      await again(page);
      const seen = await page.evaluate(
        () => (globalThis as unknown as { seen: { shift: number; said: string[] } }).seen,
      );
      expect(seen.said).toEqual([
        'Asking the service which proofs there are',
        'Checking 1 of 2: Proof 1 of 2',
        'Checking 2 of 2: Proof 2 of 2',
        'Done. Confirmed by your browser.',
      ]);
      expect(seen.shift).toBeLessThan(0.1);
    });
  });

  test('by keyboard alone, on a phone, in the dark; again and cancelled', async () => {
    const options = { viewport: { width: 320, height: 640 }, colorScheme: 'dark', bypassCSP: true } as const;
    await onPage(
      adapter,
      async ({ page }) => {
        await page.locator('#again button:enabled').waitFor();
        for (let stop = 0; !(await button(page).evaluate((b) => b === document.activeElement)); stop++) {
          expect(stop).toBeLessThan(12);
          await page.keyboard.press('Tab');
        }
        await page.keyboard.press('Enter');
        await page.getByText('Done. Confirmed by your browser.').waitFor();
        // The focus stays where the reader is.
        expect(await button(page).evaluate((b) => b === document.activeElement)).toBe(true);
        await expectAccessible(page, 'after verifying again');
        await page.route('**/raw', () => undefined);
        await page.keyboard.press('Enter');
        await page.getByRole('button', { name: 'Cancel' }).waitFor();
        await page.keyboard.press('Enter');
        expect(await status(page).textContent()).toBe('Cancelled. Nothing was decided.');
        expect(await outcomesOf(page)).toEqual([]);
        expect(await button(page).textContent()).toBe('Verify again in this browser');
      },
      options,
    );
  });
});

describe('a lying service is found out', () => {
  test('that hands out a changed byte', async () => {
    await onPage(adapter, async ({ page }) => {
      await handingOut(page, (bytes) => {
        bytes[bytes.length >> 1] ^= 1;
        return bytes;
      });
      expect(await again(page)).toEqual(['Not confirmed by your browser']);
      expect(await page.locator('#again .job-state').first().textContent()).toContain(
        'other bytes than those that it names',
      );
    });
  });

  test('that names false proofs by their own digest', async () => {
    const bytes = await readFile(proofs[0]);
    bytes[bytes.length - 1] ^= 1;
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex');
    await onPage(adapter, async ({ page }) => {
      await telling(page, (report) =>
        Object.assign(report.final, { proofs: [digest, report.segments[1].proofDigest] }),
      );
      await page.route(`**/proofs/${digest}/raw`, (route) => route.fulfill({ body: bytes }));
      expect(await again(page)).toEqual(['Not confirmed by your browser']);
      expect(await page.locator('#again .job-state').first().textContent()).toMatch(
        /does not prove its statement|damaged/,
      );
      expect((await checks(page))[0]).toContain('1 proof of 2 did not hold');
    });
  });

  test('that leaves a proof out', async () => {
    await onPage(adapter, async ({ page }) => {
      await telling(page, (report) => Object.assign(report.final, { proofs: [report.segments[0].proofDigest] }));
      expect(await again(page)).toEqual(['The run is not complete']);
      expect((await checks(page)).at(-1)).toContain('chain from step 0 to step 1 of 2. Without a proof: step 1.');
    });
  });

  test('that says that the run ends elsewhere', async () => {
    await onPage(`/?q=${runId}`, async ({ page }) => {
      await page
        .locator('#again')
        .evaluate((section: HTMLElement, other) => (section.dataset.adapter = other), root(7));
      expect(await again(page)).toEqual(['Not confirmed by your browser']);
      expect((await checks(page)).join()).toContain(`They end at another adapter than this page says: ${adapterRoot}`);
    });
  });

  const signed = (change: (signed: Report['final']['attestations'][number]) => void) => (report: Report) =>
    report.final.attestations.forEach(change);
  test.each<[string, (report: Report) => void, string]>([
    ['a digest of another run', (r) => (r.final.runDigest = root(7)), 'is not the one that the service tells'],
    ['an attestation of another base', signed((s) => (s.attestation.baseRoot = `0x${root(7)}`)), 'baseRoot differs'],
    ['a time that was not signed', signed((s) => (s.attestation.issuedAt = '1')), 'is said to be of'],
    ['a signature of nobody', signed((s) => (s.signature = `0x${'00'.repeat(65)}`)), 'malformed'],
  ])('that tells %s', async (_, change, said) => {
    await onPage(adapter, async ({ page }) => {
      await telling(page, change);
      expect(await again(page)).toEqual(['Not confirmed by your browser']);
      expect((await checks(page)).join()).toContain(said);
    });
  });

  test('that tells of another run', async () => {
    await onPage(adapter, async ({ page }) => {
      await telling(page, (report) => (report.runId = root(7)));
      expect(await again(page)).toEqual(['It could not be checked']);
    });
  });
});

describe('a service that fails', () => {
  const failing = { expectFailures: true };

  test('is not there', async () => {
    await onPage(
      adapter,
      async ({ page }) => {
        await page.route('**/runs/*', (route) => route.abort());
        expect(await again(page)).toEqual(['It could not be checked']);
        expect(await page.locator('#again .outcome').textContent()).toContain('does not answer');
      },
      failing,
    );
  });

  test('lost a proof that it names', async () => {
    await onPage(
      adapter,
      async ({ page }) => {
        await page.route(`**/raw`, (route) =>
          route.fulfill({
            status: 404,
            contentType: 'application/problem+json',
            body: JSON.stringify({
              ...{ type: 'urn:zklora:problem:NOT_FOUND', title: 'Not found', status: 404 },
              ...{ code: 'NOT_FOUND', detail: 'gone', check: null, next: 'nothing' },
            }),
          }),
        );
        expect(await again(page)).toEqual(['Not confirmed by your browser']);
        expect(await page.locator('#again .job-state').first().textContent()).toContain('does not hand it out');
      },
      failing,
    );
  });

  test('answers what is not understood', async () => {
    await onPage(adapter, async ({ page }) => {
      await page.route('**/runs/*', (route) => route.fulfill({ contentType: 'application/json', body: '<b>no</b>' }));
      expect(await again(page)).toEqual(['It could not be checked']);
    });
  });

  test('has no checking code for this browser', async () => {
    await onPage(
      adapter,
      async ({ page }) => {
        await page.route('**/checker.js', (route) =>
          route.fulfill({ contentType: 'text/javascript', body: 'no script' }),
        );
        expect(await again(page)).toEqual(['It could not be checked']);
        expect(await page.locator('#again .outcome').textContent()).toContain('./zklora verify');
      },
      failing,
    );
  });
});
