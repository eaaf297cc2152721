/** Look-ups as people see them: without scripts, on a phone, in the dark, by keyboard; every state is accessible. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';

import { adapterPage, proofPage, runPage } from '../../worker/pages/pages.ts';
import { ADAPTERS, PARTIAL_RUN, PROOF, WITHDRAWN_RUN } from '../support/page-samples.ts';
import { root } from '../support/statements.ts';
import { expectAccessible, fixture, onPage, useBrowser } from './browser.ts';

useBrowser();

const { adapterRoot, runId, attester } = fixture;
const PHONE = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true };
const unknown = root(0x09);

const heading = (page: Page): Promise<string | null> => page.locator('h1').textContent();

describe('without scripts', () => {
  test('a look-up by the form, with verdict, losses, lineage and signer', async () => {
    await onPage(
      '/',
      async ({ page, requests }) => {
        await page.getByLabel('Look up an adapter').fill(`  0x${adapterRoot.toUpperCase()} `);
        await page.getByRole('button', { name: 'Look up' }).click();
        await page.waitForURL(/q=/);
        expect(await heading(page)).toBe('This adapter came out of the declared training run');
        expect(await page.getByRole('img', { name: /Loss from/ }).isVisible()).toBe(true);
        expect(await page.locator('.chain li').count()).toBe(3);
        expect(await page.locator('section', { hasText: 'Who signed for it' }).textContent()).toContain(attester);
        await page.getByText('The losses as a table').click();
        expect(await page.getByRole('table').getByRole('row').count()).toBe(3);
        // What needs scripts is not offered; what does without is named.
        expect(await page.getByRole('button', { name: 'Verify again' }).isVisible()).toBe(false);
        expect(await page.locator('#choose-files').isVisible()).toBe(false);
        const without = page.locator('noscript p').first();
        expect(await without.isVisible()).toBe(true);
        expect(await without.textContent()).toContain('./zklora verify does the same');
        expect(requests.filter(({ path }) => path.endsWith('.js'))).toEqual([]);
      },
      { javaScriptEnabled: false },
    );
  });

  test('from an adapter to its proof and back to its run', async () => {
    await onPage(
      `/?q=${adapterRoot}`,
      async ({ page }) => {
        await page.locator('.chain a[href^="/?q="]').nth(1).click();
        expect(await heading(page)).toBe('This proof holds');
        await page.getByRole('link', { name: 'The run that it belongs to' }).click();
        expect(await heading(page)).toBe('This training run is complete');
        expect(page.url()).toContain(runId);
      },
      { javaScriptEnabled: false },
    );
  });

  test('the badge is shown', async () => {
    await onPage(`/?q=${adapterRoot}`, async ({ page }) => {
      const badge = page.getByAltText('The badge of this adapter');
      await badge.scrollIntoViewIfNeeded();
      expect(await badge.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(50);
    });
  });
});

describe('by keyboard', () => {
  test('every stop shows where it is, and a look-up needs no mouse', async () => {
    await onPage('/', async ({ page }) => {
      await page.locator('#choose-files:enabled').waitFor();
      const names: string[] = [];
      for (let stop = 0; stop < 8; stop++) {
        await page.keyboard.press('Tab');
        const [name, outline] = await page.evaluate(() => {
          const active = document.activeElement as HTMLElement;
          const shown = active.matches('.button input') ? active.parentElement! : active;
          const { outlineStyle, outlineWidth } = getComputedStyle(shown);
          return [active.id || active.textContent.trim(), `${outlineStyle} ${outlineWidth}`] as const;
        });
        names.push(name);
        expect([name, outline]).toEqual([name, 'solid 3px']);
      }
      const order = ['Skip to the content', 'zkLoRA', 'API', 'Verifiers (JSON)', 'q', 'Look up', 'choose-files'];
      expect(names).toEqual([...order, 'choose-folder']);
      await page.locator('#q').focus();
      await page.keyboard.type(adapterRoot);
      await page.keyboard.press('Enter');
      await page.waitForURL(/q=/);
      expect(await heading(page)).toBe('This adapter came out of the declared training run');
    });
  });

  test('the skip link leads past the header', async () => {
    await onPage('/', async ({ page }) => {
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('content');
    });
  });
});

/** Pages of the service itself, and those of states that it is not in, rendered by the same functions. */
const SERVED = [
  ['home', '/'],
  ['adapter', `/?q=${adapterRoot}`],
  ['run', `/?q=${runId}`],
  ['unknown', `/?q=${unknown}`],
  ['malformed', '/?q=my+adapter'],
] as const;
const RENDERED: readonly (readonly [string, () => unknown])[] = [
  ...Object.entries(ADAPTERS).map(([state, pair]) => [state, () => adapterPage(...pair, fixture.url)] as const),
  ['incomplete run', () => runPage(PARTIAL_RUN, fixture.url)],
  ['withdrawn run', () => runPage(WITHDRAWN_RUN, fixture.url)],
  ['withdrawn proof', () => proofPage({ ...PROOF, withdrawn: { at: 1, reason: 'a mistake' } }, fixture.url)],
];

/** Opens one page after the other. */
async function everyPage(options: Parameters<typeof onPage>[2], look: (page: Page, name: string) => Promise<void>) {
  await onPage(
    '/',
    async ({ page }) => {
      for (const [name, path] of SERVED) {
        await page.goto(fixture.url + path);
        await look(page, name);
      }
      for (const [name, render] of RENDERED) {
        const body = String(await render());
        await page.route('**/?q=sample', (route) => route.fulfill({ contentType: 'text/html', body }), { times: 1 });
        await page.goto(`${fixture.url}/?q=sample`);
        await look(page, name);
      }
    },
    { expectFailures: true, ...options },
  );
}

/** Elements that move or fade. */
const moving = (page: Page): Promise<number> =>
  page.evaluate(
    () =>
      [...document.querySelectorAll('*')].filter((each) => {
        const { transitionDuration, animationName } = getComputedStyle(each);
        return transitionDuration !== '0s' || animationName !== 'none';
      }).length,
  );

const openAll = (page: Page): Promise<void> =>
  page.evaluate(() => document.querySelectorAll('details').forEach((each) => (each.open = true)));

const brightness = (page: Page): Promise<number> =>
  page.evaluate(() => Math.max(...getComputedStyle(document.body).backgroundColor.match(/\d+/g)!.map(Number)));

describe('every page', () => {
  // The policy would keep axe out.
  test('is accessible by light and in the dark, and still for those who want no motion', () =>
    everyPage({ bypassCSP: true, reducedMotion: 'reduce' }, async (page, name) => {
      expect(await page.locator('h1').count(), name).toBe(1);
      expect(await page.title()).toBe(`${await heading(page)} · zkLoRA`);
      expect(await moving(page), name).toBe(0);
      expect(await brightness(page), name).toBeGreaterThan(240);
      await openAll(page);
      await expectAccessible(page, name);
      await page.emulateMedia({ colorScheme: 'dark' });
      expect(await brightness(page), name).toBeLessThan(40);
      // Colours alone are others.
      await expectAccessible(page, `${name}, dark`, ['color-contrast']);
      await page.emulateMedia({ colorScheme: 'light' });
    }));

  test('is accessible on a phone of 320 pixels, with everything open', () =>
    everyPage({ bypassCSP: true, ...PHONE }, async (page, name) => {
      await openAll(page);
      // What a width changes; the page's words and structure are the same.
      await expectAccessible(page, `${name}, phone`, ['target-size', 'scrollable-region-focusable', 'color-contrast']);
    }));

  test('keeps to its policy', () => everyPage({}, (page) => page.waitForLoadState('load')));
});
