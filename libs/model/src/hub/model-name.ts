import { existsSync } from 'node:fs';
import { UserError } from '@captrain/runtime';

/** A model on the Hugging Face hub: `openai-community/gpt2`, or `openai-community/gpt2@main`. */
export interface HubName {
  /** `name` or `org/name`. */
  readonly id: string;
  /** Branch, tag, or commit, full or abbreviated; the branch `main` unless given. */
  readonly revision: string | undefined;
}

/** What a user can name a model by. */
export type ModelName = { readonly folder: string } | HubName;

/**
 * Tells a folder from a hub id: what exists is a folder; what is written as a path (`/…`, `./…`, `../…`, `~…`, `…/`) is
 * meant as one; everything else is meant as a hub id. Throws a UserError for a path that does not exist, and for what
 * can be neither.
 */
export function parseModelName(name: string): ModelName {
  if (existsSync(name)) return { folder: name };
  if (/^(\.{0,2}\/|\.{1,2}$|~)|\/$/.test(name))
    throw new UserError(`there is no model folder ${name}; name one that exists.`);
  const at = name.indexOf('@');
  const id = at < 0 ? name : name.slice(0, at);
  const revision = at < 0 ? undefined : name.slice(at + 1);
  const fault = faultOfId(id) ?? (revision === undefined ? undefined : faultOfRevision(revision));
  if (fault !== undefined)
    throw new UserError(
      `there is no model folder ${name}, and it is no name of a model on the hub: ${fault}; ` +
        'name a folder that exists, or a model like org/name or org/name@revision.',
    );
  return { id, revision };
}

export function isCommit(revision: string | undefined): revision is string {
  return revision !== undefined && /^[0-9a-f]{40}$/.test(revision);
}

/** What people read: the name as they would type it. */
export function showName({ id, revision }: HubName): string {
  return revision === undefined ? id : `${id}@${revision}`;
}

/** The hub's rules, as `validate_repo_id` of Python's huggingface_hub checks them. */
function faultOfId(id: string): string | undefined {
  const parts = id.split('/');
  if (parts.length > 2) return `"${id}" has more than one slash`;
  if (id.includes('--') || id.includes('..')) return `"${id}" contains -- or ..`;
  if (id.endsWith('.git')) return `"${id}" ends in .git`;
  const wrong = parts.find((part) => !/^\w([\w.-]{0,94}\w)?$/.test(part));
  if (wrong === undefined) return undefined;
  return `"${wrong}" is not 1 to 96 of the letters a–z, digits, "-", "_" and ".", with neither "-" nor "." at an end`;
}

/** Git's rules for names of branches and tags (`git check-ref-format`), so far as a file name in the cache needs them. */
function faultOfRevision(revision: string): string | undefined {
  const wrong =
    revision === '' ||
    revision.length > 200 ||
    /[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|(^|\/)[.-]|[/.]$|\.lock(\/|$)/.test(revision) ||
    revision.startsWith('/');
  return wrong ? `"${revision}" is no branch, tag or commit` : undefined;
}
