import http from 'node:http';
import https from 'node:https';
import { UserError } from '@captrain/runtime';
import { Client } from 'minio';

/** Time to reach a server, and the longest silence before or in the middle of an answer. */
export interface Patience {
  readonly connectMs: number;
  readonly silenceMs: number;
}
export const defaultPatience: Patience = { connectMs: 5_000, silenceMs: 20_000 };

/** Where S3 is and who asks, from the variables that every S3 tool reads. */
export interface S3Settings {
  readonly endpoint: URL;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string;
  /** Whether the endpoint is the user's own rather than Amazon's: buckets are then named in the path. */
  readonly custom: boolean;
}

/**
 * AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (both needed), AWS_SESSION_TOKEN, AWS_REGION or AWS_DEFAULT_REGION
 * (us-east-1), AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL (Amazon). Throws `UserError` for what is missing or misspelt.
 */
export function s3Settings(env: NodeJS.ProcessEnv): S3Settings {
  const accessKey = env['AWS_ACCESS_KEY_ID'];
  const secretKey = env['AWS_SECRET_ACCESS_KEY'];
  if (!accessKey || !secretKey)
    throw new UserError('S3 needs credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  const region = env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || 'us-east-1';
  const variable = env['AWS_ENDPOINT_URL_S3'] ? 'AWS_ENDPOINT_URL_S3' : 'AWS_ENDPOINT_URL';
  const custom = env[variable];
  const text = custom || 'https://s3.amazonaws.com';
  const endpoint = URL.canParse(text) ? new URL(text) : undefined;
  if (!endpoint || !/^https?:$/.test(endpoint.protocol) || endpoint.pathname !== '/')
    throw new UserError(`${variable} is "${custom}"; it must be like http://localhost:9000, without a path`);
  const sessionToken = env['AWS_SESSION_TOKEN'] || undefined;
  return { endpoint, region, accessKey, secretKey, sessionToken, custom: Boolean(custom) };
}

/** A client that never waits for ever, and leaves retrying to us. */
export function s3Client(settings: S3Settings, patience: Patience): Client {
  const { endpoint, region, accessKey, secretKey, sessionToken, custom } = settings;
  const secure = endpoint.protocol === 'https:';
  const options = { keepAlive: true, maxSockets: 64 };
  const agent = secure ? new https.Agent(options) : new http.Agent(options);
  return new Client({
    endPoint: endpoint.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: endpoint.port ? Number(endpoint.port) : secure ? 443 : 80,
    useSSL: secure,
    region,
    accessKey,
    secretKey,
    sessionToken,
    pathStyle: custom,
    // A put is one request up to S3's own limit; larger objects are cut into parts by the store itself.
    partSize: 5 * 1024 ** 3,
    transport: { request: impatientRequest(secure, patience) },
    transportAgent: agent,
    retryOptions: { disableRetry: true },
  });
}

function impatientRequest(secure: boolean, { connectMs, silenceMs }: Patience): typeof http.request {
  const send = secure ? https.request : http.request;
  return ((options: https.RequestOptions, callback: (response: http.IncomingMessage) => void) => {
    const request = send(options, callback);
    const giveUp = (ms: number) => {
      const error = new Error(`no answer within ${ms / 1000} s`);
      request.destroy(Object.assign(error, { code: 'ETIMEDOUT' }));
    };
    let timer: NodeJS.Timeout | undefined;
    request.once('socket', (socket) => {
      if (!socket.connecting) return;
      timer = setTimeout(giveUp, connectMs, connectMs);
      socket.once('connect', () => clearTimeout(timer));
    });
    request.once('close', () => clearTimeout(timer));
    request.setTimeout(silenceMs, () => giveUp(silenceMs));
    return request;
  }) as typeof http.request;
}
