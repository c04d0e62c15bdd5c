import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { sha256 } from '@captrain/runtime';
import { gitDigest } from './git-digest.js';

/** A model on the test hub: commits with their files, and what names them. */
export class HubServerModel {
  /** Shown by whoever may see the model; anybody may unless given. */
  token: string | undefined;
  /** Whether those who may not have its files may know of it. */
  gated = false;
  private readonly refs = new Map<string, string>();
  private readonly commits = new Map<string, Map<string, Buffer>>();

  /** Contents of so many bytes and more are given by the store, and known by their SHA-256. */
  constructor(private readonly largeBytes = 4096) {}

  /** Adds a commit, moves a branch or tag to it, and returns it. */
  commit(files: Record<string, Buffer | string>, ref = 'main'): string {
    const contents = new Map(Object.entries(files).map(([name, content]) => [name, Buffer.from(content)]));
    const commit = sha256(`${this.commits.size}`, ...contents.keys(), ...contents.values()).slice(0, 40);
    this.commits.set(commit, contents);
    this.refs.set(ref, commit);
    return commit;
  }

  /** The same with the files of a folder. */
  commitFolder(folder: string, ref?: string): string {
    const names = readdirSync(folder);
    const files = names.map((name) => [name, readFileSync(path.join(folder, name))] as const);
    return this.commit(Object.fromEntries(files), ref);
  }

  commitOf(revision: string): string | undefined {
    return this.refs.get(revision) ?? [...this.commits.keys()].find((commit) => commit.startsWith(revision));
  }

  files(commit: string): ReadonlyMap<string, Buffer> {
    return this.commits.get(commit)!;
  }

  isLarge(content: Buffer): boolean {
    return content.length >= this.largeBytes;
  }

  /** As the hub lists a commit's files. */
  treeOf(commit: string): object[] {
    return [...this.files(commit)].map(([path, content]) => {
      const { length: size } = content;
      const entry = { type: 'file', path, size, oid: gitDigest(content) };
      if (!this.isLarge(content)) return entry;
      return { ...entry, lfs: { oid: sha256(content), size, pointerSize: 130 } };
    });
  }
}
