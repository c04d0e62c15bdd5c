import { readFileSync } from 'node:fs';

/** Name of the Python file in every captioner folder. */
export const PYTHON_FILE = 'captioner.py';

/** Python that loads a captioner folder in PyTorch, and builds the reference's state dict from it. */
export function pythonSource(): string {
  return readFileSync(new URL('../../assets/captioner.py', import.meta.url), 'utf8');
}
