// The rules of exported text: quoting by RFC 4180, and no cell that a spreadsheet would run.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvCell } from '../export.ts';

describe('a cell', () => {
  test.each([
    ['plain', 'plain'],
    ['', ''],
    [null, ''],
    [1299, '1299'],
    ['a,b', '"a,b"'],
    ['she said "no"', '"she said ""no"""'],
    ['two\nlines', '"two\nlines"'],
    ['two\r\nlines', '"two\r\nlines"'],
    ['Grüße, 世界', '"Grüße, 世界"'],
    ['a = b', 'a = b'],
  ])('%j is %j', (value, cell) => expect(csvCell(value)).toBe(cell));

  test.each(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])(
    'that begins with %j is no formula',
    (start) => {
      expect(csvCell(`${start}cmd|' /C calc'!A0`)).toBe(`"'${start}cmd|' /C calc'!A0"`);
    },
  );

  test('comes back as it went, but for the guard', () => {
    const unquoted = (cell: string) => (cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const cell = csvCell(text);
        expect([text, `'${text}`]).toContain(unquoted(cell));
        expect(unquoted(cell)).not.toMatch(/^[=+\-@\t\r\n]/);
        if (!cell.startsWith('"')) expect(cell).not.toMatch(/[",\r\n]/);
      }),
    );
  });
});
