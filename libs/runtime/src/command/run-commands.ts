import { CommanderError, type Command as Commander } from 'commander';
import { suggestion } from '../nearest.js';
import { runProgram } from '../run-program.js';
import { UserError } from '../user-error.js';
import { buildCommand, quietCommander } from './build.js';
import type { Command, DelegatedCommand, LazyCommand } from './command.js';

/** A program of several commands. */
export interface Program {
  name: string;
  version: string;
  summary: string;
  /** Lazy ones are imported only when called, so that `--help` stays quick. */
  commands: (Command | LazyCommand | DelegatedCommand)[];
}

/** Runs a program of several commands on the process's arguments, and ends the process (see `runProgram`). */
export function runCommands(program: Program, args: string[] = process.argv.slice(2)): Promise<never> {
  return runProgram((signal) => dispatch(program, args, signal));
}

/** Runs a program that is one command (`captrain-embedder`), and ends the process. */
export function runCommand(
  command: Command,
  version: string,
  args: string[] = process.argv.slice(2),
): Promise<never> {
  return runProgram((signal) => parse(buildCommand(command, signal, process.env).version(version), args));
}

async function dispatch(program: Program, args: string[], signal: AbortSignal): Promise<void> {
  const root = quietCommander(program.name).version(program.version).description(program.summary);
  root.helpCommand(false).usage('COMMAND [options]');
  root.addHelpText('after', `\n${program.name} COMMAND --help shows a command's options and examples.`);
  for (const entry of program.commands) {
    if (entry.name !== args[0]) root.addCommand(quietCommander(entry.name).summary(entry.summary));
    else if ('delegate' in entry) return entry.delegate(args.slice(1), signal);
    else {
      const command = 'load' in entry ? await entry.load() : entry;
      root.addCommand(buildCommand(command, signal, process.env));
    }
  }
  const called = program.commands.some(({ name }) => name === args[0]);
  if (called) return parse(root, args);
  if (args[0] !== undefined && !args[0].startsWith('-')) {
    const names = program.commands.map(({ name }) => name);
    throw new UserError(`${program.name} has no command ${args[0]}: ${suggestion(args[0], names)}`);
  }
  if (args.length === 0) {
    process.stderr.write(root.helpInformation());
    throw new UserError('no command was given');
  }
  return parse(root, args);
}

/** Runs a commander; help and version count as done, and every usage error becomes a `UserError`. */
async function parse(commander: Commander, args: string[]): Promise<void> {
  try {
    await commander.parseAsync(args, { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.exitCode === 0) return;
    throw new UserError(sentence(thrown, commander, args), { cause: thrown });
  }
}

function sentence(error: CommanderError, commander: Commander, args: string[]): string {
  const running = commander.commands.find((command) => command.name() === args[0]) ?? commander;
  const text = error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
  const flag = /'([^' ]*)/.exec(text)?.[1] ?? '';
  if (error.code === 'commander.optionMissingArgument') return `${flag} needs a value`;
  if (error.code !== 'commander.unknownOption') return text;
  const known = running.options.map(({ long }) => long ?? '').concat('--help');
  const place = running === commander ? '' : ` of ${commander.name()} ${running.name()}`;
  return `${flag} is no option${place}: ${suggestion(flag, known)}`;
}
