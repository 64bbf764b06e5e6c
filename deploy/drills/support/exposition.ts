// The numbers of a server as it tells them, and whether one fell that may only rise.

export type Exposition = Map<string, number>;

/** Only what may never fall: counters and histograms. @returns value by series */
export function risingIn(text: string): Exposition {
  const rising = new Set([...text.matchAll(/^# TYPE (\S+) (?:counter|histogram)$/gm)].map(([, name = '']) => name));
  return new Map([...all(text)].filter(([series]) => rising.has(familyOf(series))));
}

export const all = (text: string): Exposition =>
  new Map(
    [...text.matchAll(/^([a-z_]\S*?(?:\{.*\})?) (\S+)$/gm)].map(([, series = '', value]) => [series, Number(value)]),
  );

const familyOf = (series: string): string => (series.split('{', 1)[0] ?? '').replace(/_(bucket|sum|count)$/, '');

/** Series that fell, or are gone. Sums of times may lose a rounding error. */
export const fallsBetween = (before: Exposition, after: Exposition): string[] =>
  [...before].flatMap(([series, value]) => {
    const now = after.get(series);
    return now !== undefined && now >= value - 1e-6 ? [] : [`${series} ${value} → ${now ?? 'gone'}`];
  });
