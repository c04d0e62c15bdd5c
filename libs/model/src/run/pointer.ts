import { ConflictError, type ObjectStore, readVersion } from '@captrain/data/store';
import { checkpointFolder } from './stored-checkpoints.js';

/** Names of the objects that name a checkpoint: the newest one, and the best by its validation. */
export type PointerName = 'LATEST' | 'BEST';

/** What a pointer says: `step-00000100`, and in a second line the term of the coordinator that wrote it. */
export interface PointerContent {
  /** Undefined where it names no checkpoint. */
  readonly step: number | undefined;
  /** 0 where none is known: older runs, and what was written by hand. */
  readonly term: number;
  readonly etag: string;
}

export function pointerPath(name: PointerName): string {
  return `checkpoints/${name}`;
}

/** What a pointer of a run says; undefined where there is none. */
export async function readPointer(run: ObjectStore, name: PointerName): Promise<PointerContent | undefined> {
  const version = await readVersion(run, pointerPath(name));
  if (version === undefined) return undefined;
  const [, digits, term] =
    /^(?:step-(\d{8,})|none)(?:\nterm (\d+))?\s*$/.exec(version.bytes.toString('latin1')) ?? [];
  return {
    step: digits === undefined ? undefined : Number(digits),
    term: Number(term ?? 0),
    etag: version.etag,
  };
}

/** The term of the coordinator that moved a run's LATEST last; 0 where none is known. */
export async function latestTerm(run: ObjectStore): Promise<number> {
  return (await readPointer(run, 'LATEST'))?.term ?? 0;
}

/**
 * A pointer as a coordinator holds it, which moves it by conditional writes over the version that it wrote itself: once a
 * coordinator of a later term has opened it, one of an earlier term can move it no longer.
 */
export class Pointer {
  private constructor(
    private readonly run: ObjectStore,
    private readonly name: PointerName,
    private readonly term: number,
    private content: Omit<PointerContent, 'term'> | undefined,
  ) {}

  /** Throws a ConflictError where a later term has it already. */
  static async open(run: ObjectStore, name: PointerName, term: number): Promise<Pointer> {
    const found = await readPointer(run, name);
    const pointer = new Pointer(run, name, term, found);
    if (found === undefined) return pointer;
    if (found.term > term) throw pointer.#taken(found);
    await pointer.move(found.step);
    return pointer;
  }

  /** The step of the checkpoint that it names; undefined where it names none. */
  get step(): number | undefined {
    return this.content?.step;
  }

  /** Names another checkpoint. Throws a ConflictError where a later term has it. */
  async move(step: number | undefined): Promise<void> {
    const name = step === undefined ? 'none' : checkpointFolder(step).replace('checkpoints/', '');
    const bytes = Buffer.from(`${name}\nterm ${this.term}\n`);
    for (;;) {
      const before = this.content?.etag;
      const condition = before === undefined ? { ifNoneMatch: '*' as const } : { ifMatch: before };
      try {
        this.content = { step, ...(await this.run.put(pointerPath(this.name), bytes, condition)) };
        return;
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
        await this.#reread();
      }
    }
  }

  /** Throws a ConflictError where a later term has it. */
  async check(): Promise<void> {
    const now = await this.run.stat(pointerPath(this.name));
    if (now?.etag !== this.content?.etag) await this.#reread();
  }

  /** What was written over ours is our own, its answer lost, or of a term before, or a person's; or a successor's. */
  async #reread(): Promise<void> {
    const found = await readPointer(this.run, this.name);
    if (found !== undefined && found.term > this.term) throw this.#taken(found);
    this.content = found;
  }

  #taken({ term }: PointerContent): ConflictError {
    const uri = `${this.run.uri}/${pointerPath(this.name)}`;
    return new ConflictError(
      uri,
      undefined,
      `${uri} is written by another coordinator, which leads the run in term ${term} where this one had term ${this.term}; stop one of them.`,
    );
  }
}
