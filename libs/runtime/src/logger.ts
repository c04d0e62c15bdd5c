import { destination, pino, type Logger } from 'pino';

export type { Logger } from 'pino';

export interface LoggerOptions {
  /** Lines go to this file (appended) instead of standard error; `CAPTRAIN_LOG_FILE` unless given. */
  file?: string;
  /** trace, debug, info, warn, error or silent; `CAPTRAIN_LOG_LEVEL`, else info. */
  level?: string;
}

/** A logger of JSON lines (`{"level":"info","time":…,"name":…,"msg":…}`), written at once so that a crash loses none. */
export function createLogger(name: string, options: LoggerOptions = {}): Logger {
  const file = options.file ?? process.env['CAPTRAIN_LOG_FILE'];
  const level = options.level ?? process.env['CAPTRAIN_LOG_LEVEL'] ?? 'info';
  const out = destination({ dest: file || 2, sync: true, mkdir: true });
  return pino(
    {
      name,
      level,
      base: { name, pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    out,
  );
}
