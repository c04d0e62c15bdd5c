import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { UserError } from '@captrain/runtime';
import { peerScript } from '../python.js';

/**
 * Builds the library that makes MKL, which PyTorch multiplies float32 matrices with, take its fast paths on processors
 * that are not Intel's, and returns its path: what people who know of it preload. A missing compiler is a UserError.
 */
export async function buildMklWorkaround(folder: string): Promise<string> {
  const library = path.join(folder, 'mkl-intel.so');
  const args = ['-shared', '-fPIC', '-o', library, peerScript('train/mkl_intel.c')];
  try {
    await promisify(execFile)('gcc', args);
  } catch (error) {
    throw new UserError('gcc could not build the workaround for MKL; leave out --mkl-workaround.', {
      cause: error,
    });
  }
  return library;
}
