// Many at once: runs work for each item, a given number at a time.
export async function crowd<Item, Result>(
  items: Item[],
  atOnce: number,
  work: (item: Item, i: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = items.entries();
  const worker = async () => {
    for (const [i, item] of waiting) results[i] = await work(item, i);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
