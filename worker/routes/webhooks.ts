import { requireKey } from '../auth.ts';
import { publicHttps, WebhookUrlError } from '../events/address.ts';
import { subscriberSecret, webhookSecret } from '../events/signature.ts';
import { requireRate } from '../limits/rate.ts';
import { notFound, Problem } from '../problems.ts';
import { declared, routes } from '../serve.ts';
import { WebhookStore, type Webhook } from '../store/webhooks.ts';

/** Most webhooks of one key at a time; two created at once may pass it by one. */
const MAX_WEBHOOKS = 10;

const SECRET = { 'cache-control': 'no-store' } as const;

const seconds = (): number => Math.floor(Date.now() / 1000);

const told = ({ id, url, events, createdAt, removedAt }: Webhook) => ({ id, url, events, createdAt, removedAt });

/** @throws Problem (400) */
function allowedUrl(text: string): string {
  try {
    return publicHttps(text).href;
  } catch (error) {
    if (!(error instanceof WebhookUrlError)) throw error;
    const detail = `The URL ${error.reason}.`;
    const next = 'Give an https URL with a public name, on port 443 or 8443.';
    throw new Problem(400, { code: 'WEBHOOK_URL', detail, next, check: 'url' });
  }
}

/** GET /webhooks, POST /webhooks and DELETE /webhooks/{id}, for holders of API keys: each sees its own alone. */
export const webhookRoutes = routes()
  .openapi(declared('webhooks'), async (c) => {
    const key = await requireKey(c);
    return c.json({ webhooks: (await new WebhookStore(c.env).listOf(key.id)).map(told) }, 200, SECRET);
  })
  .openapi(declared('createWebhook'), async (c) => {
    const key = await requireKey(c);
    await requireRate(c, key, 'write');
    const secret = webhookSecret(c.env);
    if (secret === null) {
      const next = 'Ask the operator to set WEBHOOK_SECRET.';
      throw new Problem(503, { code: 'WEBHOOKS_CLOSED', detail: 'This worker sends no webhooks.', next });
    }
    const { url, events } = c.req.valid('json');
    const address = allowedUrl(url);
    const store = new WebhookStore(c.env);
    const others = (await store.listOf(key.id)).length;
    if (others >= MAX_WEBHOOKS) {
      const detail = `The API key ${key.id} has ${others} webhooks, as many as it may have.`;
      throw new Problem(409, { code: 'WEBHOOK_LIMIT', detail, next: 'Remove one: DELETE /webhooks/{id}.' });
    }
    const webhook = await store.create(key.id, address, events, seconds());
    return c.json({ ...told(webhook), secret: await subscriberSecret(secret, webhook.id) }, 201, SECRET);
  })
  .openapi(declared('removeWebhook'), async (c) => {
    const key = await requireKey(c);
    const { id } = c.req.valid('param');
    const webhook = await new WebhookStore(c.env).remove(id, seconds(), key.id);
    if (webhook === null) throw notFound(`This API key has no webhook ${id}.`, 'GET /webhooks lists those it has.');
    return c.json(told(webhook), 200, SECRET);
  });
