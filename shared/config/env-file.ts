// Brings a .env file into process.env, for development.
import { existsSync } from 'node:fs';

/** A variable that is already set keeps its value, even a blank one. A missing file is no fault. */
export function loadEnvFile(path: string): void {
  if (existsSync(path)) process.loadEnvFile(path);
}
