#!/usr/bin/env node
import { runCommand } from '@captrain/runtime';
import { chaos } from './chaos.js';

/** Prints a table for people and, as its last line, one JSON object `{"chaos":"passed"|"failed", …}`. */
await runCommand(chaos, '0.1.0');
