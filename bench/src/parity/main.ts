#!/usr/bin/env node
import { runCommand } from '@captrain/runtime';
import { parity } from './parity.js';

await runCommand(parity, '0.1.0');
