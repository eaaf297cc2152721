/** A badge as SVG: two fields, the name and the status. It loads nothing and needs no font but the reader's. */
import type { Status } from './status.ts';

const COLOURS: Readonly<Record<Status, string>> = {
  verified: '#1b6e3c',
  anchored: '#1a5a96',
  revoked: '#a3211c',
  unknown: '#5c6066',
};

const NAME = 'zkLoRA';
const HEIGHT = 20;
const PADDING = 7;
/** Pixels of a character at 11 px, on average; `textLength` makes every font keep to it. */
const CHARACTER = 6.6;

const widthOf = (text: string): number => Math.round(text.length * CHARACTER);

function field(text: string, x: number): string {
  const width = widthOf(text);
  return `<text x="${x + PADDING}" y="14" textLength="${width}">${text}</text>`;
}

/** The badge of a status. Its texts are constants: nothing of a request is in it. */
export function badgeSvg(status: Status): string {
  const left = widthOf(NAME) + 2 * PADDING;
  const width = left + widthOf(status) + 2 * PADDING;
  const title = `${NAME}: ${status}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${HEIGHT}" viewBox="0 0 ${width} ${HEIGHT}" role="img" aria-labelledby="title">`,
    `<title id="title">${title}</title>`,
    `<clipPath id="round"><rect width="${width}" height="${HEIGHT}" rx="4"/></clipPath>`,
    '<g clip-path="url(#round)">',
    `<rect width="${left}" height="${HEIGHT}" fill="#24292f"/>`,
    `<rect x="${left}" width="${width - left}" height="${HEIGHT}" fill="${COLOURS[status]}"/>`,
    '</g>',
    '<g fill="#ffffff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11" aria-hidden="true">',
    field(NAME, 0),
    field(status, left),
    '</g>',
    '</svg>',
  ].join('');
}
