export { parseConfig, resolveConfig, type ConfigSources } from './config/resolve-config.js';
export { toFlags, withoutVariables } from './config/to-flags.js';
export {
  defineCommand,
  type Command,
  type CommandArguments,
  type CommandContext,
  type CommandDefinition,
  type DelegatedCommand,
  type LazyCommand,
} from './command/command.js';
export { runCommand, runCommands, type Program } from './command/run-commands.js';
export { sha256, sha256OfFile } from './digest.js';
export { endWithParent } from './end-with-parent.js';
export { Interruption } from './interruption.js';
export { createLogger, type Logger, type LoggerOptions } from './logger.js';
export { nearest, suggestion } from './nearest.js';
export { packageVersion } from './package-version.js';
export { hasEnded, thisProcess, type ProcessIdentity } from './process-identity.js';
export { runProgram } from './run-program.js';
export { inBatches, mapInOrder } from './streams/map-in-order.js';
export { drawBar } from './terminal/bar.js';
export { colors, errorColors } from './terminal/colors.js';
export { formatBytes, formatCount, formatDuration, formatRate } from './terminal/format.js';
export { LiveView, type LiveViewOptions } from './terminal/live-view.js';
export { ProgressBar, type ProgressBarOptions } from './terminal/progress-bar.js';
export { RateMeter } from './terminal/rate-meter.js';
export { formatTable } from './terminal/table.js';
export { UserError, messageOf } from './user-error.js';
export { faultPoint } from './fault-point.js';
