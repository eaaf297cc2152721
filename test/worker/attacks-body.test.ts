/** Bodies that come in the smallest pieces: each piece takes time by itself. */
import { expect, test } from 'vitest';

import { BodyReader } from '../../worker/body.ts';
import { Problem } from '../../worker/problems.ts';

/** A body of so many pieces of one length, and how many were asked for. */
function pieces(count: number, length: number) {
  const asked = { pieces: 0 };
  const piece = new Uint8Array(length);
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (asked.pieces++ < count) controller.enqueue(piece);
      else controller.close();
    },
  });
  const request = new Request('http://worker.test/', { method: 'POST', body });
  return { asked, reader: new BodyReader(request, 2 ** 23) };
}

test('a body in pieces of a byte is given up early', async () => {
  const { asked, reader } = pieces(2 ** 23, 1);
  const refused = await reader.whole(2 ** 23).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(Problem);
  expect(refused).toMatchObject({ status: 408, details: { code: 'BODY_SLOW' } });
  expect(asked.pieces).toBeLessThan(17_000);
});

test('one in pieces of a small packet is read to its end', async () => {
  const { reader } = pieces(20_000, 400);
  expect(await reader.whole(2 ** 23)).toHaveLength(8_000_000);
});

test('a short one may come byte by byte', async () => {
  const { reader } = pieces(10_000, 1);
  expect(await reader.whole(2 ** 23)).toHaveLength(10_000);
});
