import { describe, expect, test, vi } from 'vitest';

import { parseTime, table, TimeError, timeText } from '../../prover/operate/text.ts';

describe('times', () => {
  test.each([
    ['2027-01-31', '2027-01-31T00:00:00Z'],
    ['2027-01-31T12:34Z', '2027-01-31T12:34:00Z'],
    ['2027-01-31T12:34:56Z', '2027-01-31T12:34:56Z'],
    ['1970-01-01', '1970-01-01T00:00:00Z'],
  ])('%s is %s', (text, told) => {
    expect(timeText(parseTime(text))).toBe(told);
  });

  test('now is this second', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_790_000_000_999 });
    expect(parseTime('now')).toBe(1_790_000_000);
    vi.useRealTimers();
  });

  test.each([
    '2026-02-30',
    '2026-13-01',
    'tomorrow',
    '1767225600',
    '2026-01-01T00:00:00+02:00',
    '2026-01-01T25:00Z',
    '1969-12-31',
    '',
  ])('"%s" is none', (text) => {
    expect(() => parseTime(text)).toThrow(TimeError);
  });
});

test('a table shows nothing that moves the cursor of a terminal or turns its text', () => {
  const text = table([
    ['id', 'name'],
    ['1', 'a\u001b[2Jb\u202ec\u2028d\r\ne'],
  ]);
  expect(text).toBe('id  name\n1   a�[2Jb�c�d��e\n');
});
