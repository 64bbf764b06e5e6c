// What the documents say about the house, compared with the house.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { permissionsOf, roles } from '../modules/users/roles.ts';
import { blocksOf, sectionOf } from '../scripts/readme.ts';
import { variableGroups } from '../shared/config/config.schema.ts';
import { supervisionVariables } from '../shared/config/supervision.ts';
import { facts } from '../shared/events/facts.ts';

const read = (path: string) => readFileSync(path, 'utf8');
const markdownBelow = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));

const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'AGENTS.md',
  ...markdownBelow('docs'),
  ...markdownBelow('modules'),
  ...markdownBelow('clients'),
];
const manifest = JSON.parse(read('package.json')) as Record<
  'scripts' | 'dependencies' | 'optionalDependencies' | 'devDependencies',
  Record<string, string>
>;

/** Every match of the pattern's first group in every document, as `document: match`. */
const mentions = (pattern: RegExp) =>
  documents.flatMap((document) => [...read(document).matchAll(pattern)].map(([, found = '']) => ({ document, found })));

/** As on the page of a repository: lower case, no punctuation, hyphens for blanks. */
const anchorsOf = (path: string) =>
  [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')); // prettier-ignore

describe('the documents', () => {
  it('link to files and headings that are there', () => {
    const links = mentions(/\]\(([^)\s]+)\)/g).filter(({ found }) => !/^https?:/.test(found));
    const broken = links.filter(({ document, found }) => {
      const [file = '', anchor] = found.split('#');
      const path = file === '' ? document : join(dirname(document), file);
      return !existsSync(path) || (anchor !== undefined && !anchorsOf(path).includes(anchor));
    });
    expect(links.length).toBeGreaterThan(30);
    expect(broken).toEqual([]);
  });

  it('name files that are there', () => {
    const paths = mentions(/`((?:modules|shared|scripts|tests|docs|chaos)\/[\w./-]+)`/g);
    expect(paths.length).toBeGreaterThan(10);
    expect(paths.filter(({ found }) => !existsSync(found))).toEqual([]);
  });

  it('name npm scripts that exist', () => {
    const commands = mentions(/npm run ([a-z][\w:-]*)/g);
    expect(commands.length).toBeGreaterThan(10);
    expect(commands.filter(({ found }) => manifest.scripts[found] === undefined)).toEqual([]);
  });

  it('name environment variables that the configuration knows', () => {
    const own = Object.values(variableGroups('development')).flatMap((group) => Object.keys(group));
    const known = [...own, ...supervisionVariables];
    const variables = mentions(/(?<![\w-])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?!\w)/g);
    expect(variables.length).toBeGreaterThan(20);
    expect(variables.filter(({ found }) => !known.includes(found.replace(/_FILE$/, '')))).toEqual([]);
  });
});

describe('the README', () => {
  const map = blocksOf(sectionOf(read('README.md'), 'The map of the house'), '')[0] ?? '';

  /** Each line's path, below the nearest line above it that is less indented. */
  const pathsOnMap = (): string[] => {
    let folder = '';
    return map.split('\n').map((line) => {
      const name = line.trim().split(' ', 1)[0] ?? '';
      if (!line.startsWith(' ')) folder = name;
      return line.startsWith(' ') ? `${folder}${name}` : name;
    });
  };

  it('draws a map of what is there', () => {
    expect(pathsOnMap().filter((path) => !existsSync(path))).toEqual([]);
  });

  it('draws every module and every room', () => {
    const foldersOf = (parent: string) =>
      readdirSync(parent, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => `${parent}/${name}/`);
    expect(pathsOnMap()).toEqual(expect.arrayContaining([...foldersOf('modules'), ...foldersOf('shared')]));
  });

  it('begins with the two commands, each in a block of its own', () => {
    expect(blocksOf(read('README.md'), 'sh').slice(0, 2)).toEqual(['npm ci && npm start', 'npm ci && npm test']);
  });
});

describe('docs/api.md', () => {
  it.each(roles)('says what a %s may do', (role) => {
    const row =
      new RegExp(`^\\| \`${role}\` \\| (.*) \\|$`, 'm').exec(sectionOf(read('docs/api.md'), 'Roles'))?.[1] ?? '';
    const told = [...row.matchAll(/`([^`]+)`/g)].map(([, permission = '']) => permission);
    expect(told.toSorted()).toEqual([...permissionsOf(role)].toSorted());
  });
});

describe('docs/architecture.md', () => {
  it('knows every fact', () => {
    const told = sectionOf(read('docs/architecture.md'), 'Facts and their delivery');
    expect(Object.keys(facts).filter((type) => !told.includes(`\`${type}\``))).toEqual([]);
  });
});

describe('docs/decisions', () => {
  it('give a reason for every dependency', () => {
    const reasons = [...read('docs/decisions/0010-dependencies.md').matchAll(/^\| (`.*?) \|/gm)]
      .map(([, names = '']) => names)
      .join(' ');
    const names = Object.keys({
      ...manifest.dependencies,
      ...manifest.optionalDependencies,
      ...manifest.devDependencies,
    });
    const isExplained = (name: string) =>
      reasons.includes(`\`${name}\``) || reasons.includes(`\`${name.split('/', 1)[0] ?? ''}/*\``);
    expect(names.filter((name) => !isExplained(name))).toEqual([]);
    const explained = [...reasons.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
    expect(explained.filter((name) => !name.endsWith('*') && !names.includes(name))).toEqual([]);
  });

  it('are all in the list', () => {
    const files = readdirSync('docs/decisions').filter((name) => /^\d{4}-/.test(name));
    expect(files.filter((name) => !read('docs/decisions/README.md').includes(`(${name})`))).toEqual([]);
  });
});
