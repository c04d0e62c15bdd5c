import { Command as Commander, Help, Option } from 'commander';
import { fieldsOf } from '../config/fields.js';
import { gatherValues, resolveConfig } from '../config/resolve-config.js';
import type { Command } from './command.js';
import { flagDescription, flagTerm, helpFooter, isSwitch } from './help.js';

/** A commander that never exits the process and writes no errors: it throws them. */
export function quietCommander(name: string): Commander {
  const commander = new Commander(name).exitOverride();
  return commander
    .configureOutput({ outputError: () => {}, writeErr: () => {} })
    .showSuggestionAfterError(false);
}

/**
 * The command as commander runs it: options, help and config made from its schema.
 * `env` is where its variables come from.
 */
export function buildCommand(command: Command, signal: AbortSignal, env: NodeJS.ProcessEnv): Commander {
  const fields = fieldsOf(command.schema);
  const byFlag = new Map(fields.map((field) => [field.flag, field]));
  const commander = quietCommander(command.name).summary(command.summary).description(command.summary);
  const taken = command.arguments;
  if (taken) {
    const inner = taken.variadic ? `${taken.name}...` : taken.name;
    commander.argument(taken.required ? `<${inner}>` : `[${inner}]`, taken.description);
  }
  for (const field of fields) {
    if (isSwitch(field)) {
      commander.addOption(new Option(field.flag, flagDescription(field)));
      commander.addOption(new Option(field.flag.replace('--', '--no-')).hideHelp());
    } else {
      commander.addOption(new Option(`${field.flag} <value>`, flagDescription(field)));
    }
  }
  commander.option('--config <value>', 'JSON file with any of these options as keys');
  commander.addHelpText('after', helpFooter(command, fields));
  const plain = new Help();
  commander.configureHelp({
    optionTerm: (option) => {
      const field = byFlag.get(option.long ?? '');
      if (field) return flagTerm(field);
      return option.long === '--config' ? '--config FILE' : plain.optionTerm(option);
    },
  });
  return commander.action(async () => {
    const given = commander.opts<Record<string, string | boolean | undefined>>();
    const { config: file, ...flags } = given;
    const sources = { flags, env, ...(file ? { file: String(file) } : {}) };
    const config = resolveConfig(command.schema, sources);
    const { values } = gatherValues(command.schema, sources);
    await command.run(config, { signal, arguments: commander.args, given: new Set(Object.keys(values)) });
  });
}
