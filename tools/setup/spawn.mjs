import { spawn } from 'node:child_process';

/**
 * Runs a program to its end and returns what it wrote. Rejects with its output where it fails, or with the system's
 * error (`ENOENT`) where there is no such program.
 */
export function capture(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let stdout = '';
    let all = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      all += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => (all += text));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(stdout);
      const ending = signal ? `was ended by ${signal}` : `failed with code ${code}`;
      reject(new Error(`${command} ${args.slice(0, 4).join(' ')} ${ending}:\n${excerpt(all.trim())}`));
    });
  });
}

/** The beginning and the end of what a program said. */
function excerpt(text) {
  return text.length <= 6000 ? text : `${text.slice(0, 3000)}\n…\n${text.slice(-3000)}`;
}

/** Runs a program in the foreground, sharing this terminal; resolves with its exit code (128 + n after signal n). */
export function foreground(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options });
    // A terminal sends Ctrl-C to both processes, and a second one would mean "at once"; anybody else sends it here only.
    // How to end is the program's affair either way, and this one waits for it.
    const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
    const interrupt = () => !onTerminal && child.kill('SIGINT');
    const terminate = () => child.kill('SIGTERM');
    process.on('SIGINT', interrupt).on('SIGTERM', terminate);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.off('SIGINT', interrupt).off('SIGTERM', terminate);
      resolve(signal ? 128 + ({ SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 1) : code);
    });
  });
}
