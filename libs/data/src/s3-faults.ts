import { setTimeout as sleep } from 'node:timers/promises';
import { UserError, messageOf } from '@captrain/runtime';
import { S3Error } from 'minio';

/** Waits between attempts; one attempt more than waits. */
const waitsMs = [100, 400, 1200];

/**
 * What an S3 call's failure means:
 * `missing`: no such object. `condition`: 412, another version is there. `conflict`: 409, ask again.
 * `transient`: worth another attempt. `final`: not.
 */
export type Fault = 'missing' | 'condition' | 'conflict' | 'transient' | 'final';

const faultOfCode: Record<string, Fault> = {
  NoSuchKey: 'missing',
  NotFound: 'missing',
  PreconditionFailed: 'condition',
  ConditionalRequestConflict: 'conflict',
  OperationAborted: 'conflict',
  SlowDown: 'transient',
  InternalError: 'transient',
  ServiceUnavailable: 'transient',
  RequestTimeout: 'transient',
  XMinioServerNotInitialized: 'transient',
};

const transientSystemCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

export function faultOf(error: unknown): Fault {
  const code = codeOf(error);
  if (error instanceof S3Error) return faultOfCode[code] ?? 'final';
  return transientSystemCodes.has(code) || busyStatus(error) !== undefined ? 'transient' : 'final';
}

/**
 * Runs `call` again after transient faults, a few times within two seconds and a bit (each call has its own
 * timeouts). `call` is told whether an earlier attempt failed, and so may have taken effect unseen.
 */
export async function withRetries<T>(call: (again: boolean) => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await call(attempt > 0);
    } catch (error) {
      const wait = waitsMs[attempt];
      if (faultOf(error) !== 'transient' || wait === undefined) throw error;
      await sleep(wait);
    }
  }
}

const credentialCodes = new Set([
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'RequestTimeTooSkewed',
]);
const regionCodes = new Set(['AuthorizationHeaderMalformed', 'PermanentRedirect', 'MovedPermanently']);

/** A failure as one sentence for the user, where the user can mend it; anything else with its cause. */
export function s3Sentence(error: unknown, bucket: string, endpoint: string): Error {
  if (error instanceof UserError) return error;
  const code = codeOf(error);
  const options = { cause: error };
  if (code === 'NoSuchBucket')
    return new UserError(
      `There is no bucket "${bucket}" at ${endpoint}; create it, or correct its name`,
      options,
    );
  if (credentialCodes.has(code))
    return new UserError(
      `${endpoint} refuses these credentials for the bucket "${bucket}" (${code}); ` +
        'check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may do',
      options,
    );
  if (regionCodes.has(code))
    return new UserError(
      `The bucket "${bucket}" is in another region (${code}); set AWS_REGION to it`,
      options,
    );
  if (/^InvalidBucketName/.test(code) || (error as Error).name === 'InvalidBucketNameError')
    return new UserError(`"${bucket}" is not a name that an S3 bucket can have; correct it`, options);
  if (error instanceof S3Error) {
    const what = code ? `${code}: ${error.message}` : 'its answer is not S3';
    return new UserError(
      `${endpoint} failed for the bucket "${bucket}" (${what}); check AWS_ENDPOINT_URL`,
      options,
    );
  }
  const status = busyStatus(error);
  if (status !== undefined)
    return new UserError(
      `S3 at ${endpoint} is out of order or overloaded (HTTP ${status}); try again later`,
      options,
    );
  if (code !== '')
    return new UserError(
      `S3 does not answer at ${endpoint} (${code}); check AWS_ENDPOINT_URL, and that the server runs`,
      options,
    );
  return new Error(`S3 failed at ${endpoint}: ${messageOf(error)}`, options);
}

/** The status 408, 429 or 5xx, for which the client throws an error without a code. */
function busyStatus(error: unknown): string | undefined {
  return /Retryable HTTP status: (\d+)/.exec(messageOf(error))?.[1];
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}
