import type { z } from 'zod';

/** What a command's `run` gets besides its config. */
export interface CommandContext {
  /** Aborted by SIGINT and SIGTERM; its reason is an `Interruption`. */
  signal: AbortSignal;
  /** Positional arguments, in order. */
  arguments: string[];
  /** Keys that a flag, a variable or the config file gave; the others have their defaults. */
  given: ReadonlySet<string>;
}

/** Positional arguments of a command. */
export interface CommandArguments {
  /** As shown in help: `IMAGE`. */
  name: string;
  description: string;
  /** Takes any number of them. */
  variadic?: boolean;
  /** At least one must be given. */
  required?: boolean;
}

export interface CommandDefinition<S extends z.ZodObject> {
  name: string;
  /** One line for help. */
  summary: string;
  /** Whole command lines, shown in help. */
  examples: string[];
  /** A flat `z.strictObject`; every key becomes a flag, a variable and a key of the config file. */
  schema: S;
  arguments?: CommandArguments;
  run(config: z.output<S>, context: CommandContext): Promise<void>;
}

/** A command whose schema's type is forgotten: what programs hold. */
export type Command = CommandDefinition<z.ZodObject>;

/** A command that is imported only when it is called or its help is asked for. */
export interface LazyCommand {
  name: string;
  summary: string;
  load(): Promise<Command>;
}

/** A command, its config typed by its schema. */
export function defineCommand<S extends z.ZodObject>(definition: CommandDefinition<S>): Command {
  return definition as unknown as Command;
}

/** A command that another program runs: it gets the arguments after the command's name, and owns flags and help. */
export interface DelegatedCommand {
  name: string;
  summary: string;
  delegate(args: string[], signal: AbortSignal): Promise<void>;
}
