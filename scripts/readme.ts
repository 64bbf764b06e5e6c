// Reads the parts of a Markdown text that can be run and checked.

/** The fenced blocks of one language, in order, without their fences. */
export const blocksOf = (markdown: string, language: string): string[] =>
  [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, found]) => found === language)
    .map(([, , block = '']) => block.trimEnd());

/** What stands below `## title`, up to the next heading of its level; a `##` inside a block is none. */
export function sectionOf(markdown: string, title: string): string {
  const begin = markdown.indexOf(`\n## ${title}\n`);
  if (begin < 0) throw new Error(`README.md has no section "${title}"`);
  const end = markdown.indexOf('\n## ', begin + 1);
  return markdown.slice(begin, end < 0 ? undefined : end);
}
