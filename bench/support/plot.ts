// A chart as SVG: bars with their values, whiskers from the least to the most, in colours that can be read on white and on black alike.
import { shown, type Chart, type Figure } from './bench.ts';

const WIDTH = 760;
const LABEL_WIDTH = 210;
const VALUE_WIDTH = 90;
const BAR_HEIGHT = 18;
const ROW_HEIGHT = 26;
const GROUP_HEIGHT = 34;
const TOP = 56;

/** In the middle between white and black, whichever the page has. */
const style = `
  text { font: 13px system-ui, sans-serif; fill: #6e7781 }
  .title { font-weight: 600; font-size: 15px } .group { font-weight: 600 }
  .other { fill: #9aa7b4 } .ours { fill: #4a89d6 } .whisker { stroke: #b35900; stroke-width: 1.5; fill: none }`;

/** Bars whose label begins with Waybill are ours. */
export function plotOf(title: string, { unit, groups }: Chart): string {
  const all = groups.flatMap(({ bars }) => bars);
  const most = Math.max(...all.map(({ max }) => max).filter(Number.isFinite));
  const scale = (value: number) => (Number.isFinite(value) ? (value / most) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH) : 0);
  const height = TOP + groups.length * GROUP_HEIGHT + all.length * ROW_HEIGHT;
  let y = TOP;
  const drawn = groups.map(({ title, bars }) => {
    const heading = text(0, (y += GROUP_HEIGHT) - 14, title, 'group');
    return [heading, ...bars.map((bar) => drawBar(bar, (y += ROW_HEIGHT) - ROW_HEIGHT, scale))].join('\n');
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>${style}\n</style>`,
    text(0, 20, title, 'title'),
    text(0, 42, all.some(isSpread) ? `${unit}; whiskers: least and most of all rounds` : unit, 'unit'),
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function drawBar(bar: { label: string } & Figure, y: number, scale: (value: number) => number): string {
  const { label, median, min, max } = bar;
  const [width, left, right] = [scale(median), scale(min), scale(max)].map((x) => Math.round(x * 10) / 10) as [
    number,
    number,
    number,
  ];
  const middle = y + BAR_HEIGHT / 2;
  const kind = label.startsWith('Waybill') ? 'ours' : 'other';
  return [
    text(LABEL_WIDTH - 8, middle + 4, label, 'label', 'end'),
    `<rect class="${kind}" x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR_HEIGHT}" rx="2"/>`,
    isSpread(bar)
      ? `<path class="whisker" d="M${LABEL_WIDTH + left} ${middle}H${LABEL_WIDTH + right}M${LABEL_WIDTH + left} ${middle - 4}v8M${LABEL_WIDTH + right} ${middle - 4}v8"/>`
      : '',
    text(LABEL_WIDTH + Math.max(width, right) + 8, middle + 4, shown(median), 'value'),
  ].join('\n');
}

const isSpread = ({ min, max }: Figure): boolean => min < max;

function text(x: number, y: number, content: string, kind: string, anchor = 'start'): string {
  return `<text class="${kind}" x="${x}" y="${y}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

const escaped = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
