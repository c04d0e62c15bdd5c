import { packageVersion } from '@captrain/runtime';

/** The version in this package's package.json. */
export const version = packageVersion(import.meta.url);
