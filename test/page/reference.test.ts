/** The reference page, as browsers show it under its policy. */
import { expect, test } from 'vitest';

import { ROUTES } from '../../api/routes.ts';
import { onPage, useBrowser } from './browser.ts';

useBrowser();

const paths = [...new Set(Object.values(ROUTES).map(({ path }) => path))];

test('every route is shown, and can be tried', async () => {
  await onPage('/docs', async ({ page, requests }) => {
    const shown = page.locator('.opblock-summary-path');
    await shown.first().waitFor();
    const texts = await shown.evaluateAll((all) => all.map((each) => each.getAttribute('data-path')));
    expect(new Set(texts)).toEqual(new Set(paths));
    expect(await page.locator('.opblock').count()).toBe(Object.keys(ROUTES).length);

    const health = page.locator('.opblock', { has: page.locator('[data-path="/healthz"]') });
    await health.locator('.opblock-summary-control').click();
    await health.getByRole('button', { name: 'Try it out' }).click();
    await health.getByRole('button', { name: 'Execute' }).click();
    await health.locator('.live-responses-table').waitFor();
    expect(await health.locator('.live-responses-table').textContent()).toContain('"ok": true');
    expect(requests.map(({ path }) => path)).toContain('/healthz');
  });
});

test('without scripts the routes and codes are a list', async () => {
  await onPage(
    '/docs',
    async ({ page, requests }) => {
      const listed = await page.locator('li code:visible').allTextContents();
      expect(listed).toEqual(Object.values(ROUTES).map(({ method, path }) => `${method.toUpperCase()} ${path}`));
      expect(await page.locator('dt', { hasText: 'NOT_FOUND' }).isVisible()).toBe(true);
      expect(requests.filter(({ path }) => path.endsWith('.js'))).toEqual([]);
    },
    { javaScriptEnabled: false },
  );
});
