import { UserError, messageOf } from '@captrain/runtime';
import * as yauzl from 'yauzl';
import type { ByteSource } from '../byte-source.js';
import { printable, quoted } from '../quoted.js';
import { damaged, refused } from './pytorch-error.js';
import type { StorageRange } from './torch-contents.js';

/** The records of a PyTorch archive: files of a zip below its one top folder, none of them compressed. */
export class ZipArchive {
  private constructor(
    private readonly place: string,
    private readonly zip: yauzl.ZipFile,
    /** By their names below the top folder: `data.pkl`, `data/0`. */
    private readonly entries: ReadonlyMap<string, yauzl.Entry>,
  ) {}

  /** Reads the table of contents. What is no such archive is a UserError. The caller closes it. */
  static async open(source: ByteSource): Promise<ZipArchive> {
    const { place, bytes } = source;
    const options = { autoClose: false, lazyEntries: true, strictFileNames: true };
    const zip = await yauzl
      .fromRandomAccessReaderPromise(new SourceReader(source), bytes, options)
      .catch((cause: unknown) => {
        throw damaged(place, printable(messageOf(cause)));
      });
    try {
      return new ZipArchive(place, zip, await recordsOf(place, zip));
    } catch (error) {
      zip.close();
      throw error;
    }
  }

  has(record: string): boolean {
    return this.entries.has(record);
  }

  /** Where a record's bytes lie in the file. One that is missing or compressed is a UserError. */
  async range(record: string): Promise<StorageRange> {
    const entry = this.entries.get(record);
    if (entry === undefined) throw damaged(this.place, `it has no record ${quoted(record)}`);
    if (entry.compressionMethod !== 0 || (entry.generalPurposeBitFlag & 1) !== 0)
      throw refused(this.place, `the compressed or encrypted record ${quoted(record)}`);
    const { fileDataStart } = await this.zip
      .readLocalFileHeaderPromise(entry, { minimal: true })
      .catch((cause) => {
        throw damaged(this.place, `record ${quoted(record)}: ${printable(messageOf(cause))}`);
      });
    return { offset: fileDataStart, bytes: entry.uncompressedSize };
  }

  close(): void {
    this.zip.close();
  }
}

/** Lets yauzl read a source. Its own reader of files throws where nobody catches it when a zip names offsets beyond 2^53. */
class SourceReader extends yauzl.RandomAccessReader {
  constructor(private readonly source: ByteSource) {
    super();
  }

  override read(
    target: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    let fault: Error | null = null;
    if (position + length > this.source.bytes) fault = new Error('it points beyond its end');
    else
      try {
        target.set(this.source.range(position, length), offset);
      } catch (error) {
        fault = error as Error;
      }
    callback(fault);
  }

  override close(callback: (error: Error | null) => void): void {
    callback(null);
  }
}

/** The entries by name, without the name of the folder that holds `data.pkl`. */
async function recordsOf(place: string, zip: yauzl.ZipFile): Promise<Map<string, yauzl.Entry>> {
  const all = new Map<string, yauzl.Entry>();
  try {
    for await (const entry of zip.eachEntry()) {
      if (all.has(entry.fileName)) throw damaged(place, `it has two records ${quoted(entry.fileName)}`);
      all.set(entry.fileName, entry);
    }
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw damaged(place, printable(messageOf(cause)));
  }
  const tops = [...all.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (tops.length !== 1)
    throw damaged(place, 'it is a zip file without the one data.pkl that torch.save writes');
  const top = tops[0]!.slice(0, -'data.pkl'.length);
  const below = [...all].filter(([name]) => name.startsWith(top));
  return new Map(below.map(([name, entry]) => [name.slice(top.length), entry]));
}
