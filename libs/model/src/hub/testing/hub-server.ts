import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sha256 } from '@captrain/runtime';
import { gitDigest } from './git-digest.js';
import type { HubServerModel } from './hub-model.js';

export interface SeenRequest {
  readonly host: 'hub' | 'store';
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

/** An answer in place of the right one; nothing where the request is to be served as usual. */
export type Interference = (request: SeenRequest, response: ServerResponse) => boolean | void;

/**
 * A server on this machine that speaks so much of the Hugging Face hub's protocol as clients need to read models: what a
 * revision is, the files of a commit, and their contents. Large files are given by a second server, the "store", on a
 * port of its own, to which the first redirects with an address that needs no token. `close()` ends both.
 */
export class HubServer {
  readonly models = new Map<string, HubServerModel>();
  /** All requests so far. */
  readonly seen: SeenRequest[] = [];
  /** May answer a request itself, or harm the answer. */
  interfere: Interference | undefined;
  private readonly hub = createServer((request, response) => this.#serve('hub', request, response));
  private readonly store = createServer((request, response) => this.#serve('store', request, response));

  static async start(): Promise<HubServer> {
    const server = new HubServer();
    for (const one of [server.hub, server.store]) await once(one.listen(0, '127.0.0.1'), 'listening');
    return server;
  }

  get endpoint(): string {
    return addressOf(this.hub);
  }

  /** Requests for the contents of a file. */
  downloads(path: string): SeenRequest[] {
    return this.seen.filter((seen) => seen.method === 'GET' && seen.path.endsWith(`/${path}`));
  }

  async close(): Promise<void> {
    for (const one of [this.hub, this.store]) {
      one.close();
      one.closeAllConnections();
    }
  }

  #serve(host: 'hub' | 'store', request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(request.url!.split('?')[0]!);
    const { authorization, range } = request.headers;
    const seen: SeenRequest = { host, method: request.method!, path, authorization, range };
    this.seen.push(seen);
    if (this.interfere?.(seen, response)) return;
    if (host === 'hub') this.#serveHub(seen, response);
    else this.#serveStore(seen, response);
  }

  #serveHub(seen: SeenRequest, response: ServerResponse): void {
    const api = /^\/api\/models\/((?:[^/]+\/)?[^/]+)\/(revision|tree)\/(.+)$/.exec(seen.path);
    const file = /^\/((?:[^/]+\/)?[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(seen.path);
    const [, id, call, revision] = api ?? [file?.[0], file?.[1], 'resolve', file?.[2]];
    const model = id === undefined ? undefined : this.models.get(id);
    const authorized = !model?.token || seen.authorization === `Bearer ${model.token}`;
    // The hub does not tell strangers whether a model is missing or private.
    if (model === undefined || (!authorized && !model.gated))
      return refuse(response, seen.authorization ? 404 : 401, 'RepoNotFound');
    const commit = model.commitOf(revision!);
    if (commit === undefined) return refuse(response, 404, 'RevisionNotFound');
    if (call === 'revision')
      return json(response, { _id: '0', id, sha: commit, siblings: [], private: false });
    if (call === 'tree') return json(response, model.treeOf(commit));
    if (!authorized) return refuse(response, 403, 'GatedRepo');
    const content = model.files(commit).get(file![3]!);
    if (content === undefined) return refuse(response, 404, 'EntryNotFound');
    response.setHeader('x-repo-commit', commit);
    if (!model.isLarge(content)) return give(seen, response, content, gitDigest(content));
    response.setHeader('x-linked-etag', `"${sha256(content)}"`);
    response.setHeader('x-linked-size', content.length);
    response.writeHead(302, { location: `${addressOf(this.store)}/${id}/${commit}/${file![3]!}` }).end();
  }

  #serveStore(seen: SeenRequest, response: ServerResponse): void {
    const [, id, commit, path] = /^\/(.+)\/([0-9a-f]{40})\/(.+)$/.exec(seen.path)!;
    const content = this.models.get(id!)!.files(commit!).get(path!)!;
    give(seen, response, content, sha256(content));
  }
}

/** Gives a content, or the rest of it that a range asks for. */
function give({ method, range }: SeenRequest, response: ServerResponse, content: Buffer, etag: string): void {
  const from = Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
  if (from > 0 && from >= content.length) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    return;
  }
  const rest = content.subarray(from);
  response.setHeader('etag', `"${etag}"`);
  response.setHeader('accept-ranges', 'bytes');
  response.setHeader('content-length', rest.length);
  if (range !== undefined)
    response.setHeader('content-range', `bytes ${from}-${content.length - 1}/${content.length}`);
  response.writeHead(range === undefined ? 200 : 206);
  response.end(method === 'HEAD' ? undefined : rest);
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'x-error-code': code, 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: code }));
}

function addressOf(server: ReturnType<typeof createServer>): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
