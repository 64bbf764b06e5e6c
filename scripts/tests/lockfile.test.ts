// The rules of the lockfile, each with a violation that it has to find.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lockFaults, productionPackages, type Lockfile, type Manifest } from '../lockfile.ts';

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const lockfile = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lockfile;

/** Our own, with one package changed. */
const withPackage = (path: string, change: object): Lockfile => ({
  ...lockfile,
  packages: { ...lockfile.packages, [path]: { ...lockfile.packages[path], ...change } },
});
const changed = (change: object) => lockFaults(manifest, withPackage('node_modules/express', change));

describe('the lockfile', () => {
  it('of this project is as it should be', () => {
    expect(lockFaults(manifest, lockfile)).toEqual([]);
    expect(productionPackages(lockfile).length).toBeGreaterThan(100);
  });

  it.each<[string, object, string]>([
    ['a package without a hash', { integrity: undefined }, 'has no sha512'],
    ['a hash that can be forged', { integrity: 'sha1-6bE1ohEhTbKZJ1ryZkdWVqvY6dQ=' }, 'has no sha512'],
    ['a package from git', { resolved: 'git+ssh://git@github.com/expressjs/express.git#0123456' }, 'comes from git+ssh:'],
    ['a package from somewhere else', { resolved: 'https://packages.example/express-5.3.0.tgz' }, 'comes from https:'],
    ['a folder in the place of a package', { link: true, resolved: '../express' }, 'is a link'],
    ['an install script', { hasInstallScript: true }, 'runs an install script'],
    ['a dependency from git', { dependencies: { qs: 'github:ljharb/qs' } }, 'wants qs from github:ljharb/qs'],
    ['a dependency from a URL', { dependencies: { qs: 'https://example.com/qs.tgz' } }, 'wants qs from https:'],
    ['a dependency from a folder', { optionalDependencies: { qs: 'file:../qs' } }, 'wants qs from file:'],
    ['a dependency of another name from git', { dependencies: { qs: 'npm:qs@git+https://example.com/qs' } }, 'wants qs from npm:'],
  ])('is refused with %s', (_, change, fault) => {
    expect(changed(change)).toEqual([expect.stringContaining(fault)]);
  }); // prettier-ignore

  it('is refused when package.json asks for something else, or for no one version', () => {
    const other = { ...manifest, dependencies: { ...manifest.dependencies, express: '^5.3.0' } };
    expect(lockFaults(other, lockfile)).toEqual([
      'package.json: express is ^5.3.0, not one version',
      'package.json and package-lock.json differ',
    ]);
  });

  it('is refused in a format that older versions of npm write', () => {
    expect(lockFaults(manifest, { ...lockfile, lockfileVersion: 1 })).toHaveLength(1);
  });
});
