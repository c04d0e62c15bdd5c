import {
  type CaptionerContent,
  type WriteFolderOptions,
  weightBytes,
  writeCaptionerFolder,
} from '@captrain/model';
import { ProgressBar } from '@captrain/runtime';

/** Smaller captioners are written before a bar could be read. */
const SHOWN_FROM_BYTES = 200e6;

/** Writes a captioner folder, with a bar for large ones. */
export async function writeWithProgress(
  out: string,
  content: CaptionerContent,
  options: WriteFolderOptions,
): Promise<void> {
  const total = weightBytes(content, options.dtype);
  if (total < SHOWN_FROM_BYTES) return writeCaptionerFolder(out, content, options);
  const bar = new ProgressBar({ label: 'writing', total: Math.round(total / 1e6), unit: 'MB' });
  let written = 0;
  const onBytes = (bytes: number) => bar.set(Math.round((written += bytes) / 1e6));
  try {
    await writeCaptionerFolder(out, content, { ...options, onBytes });
  } finally {
    bar.close();
  }
}
