/** One op that TensorFlow executed: an eager op, a node of a function, or a computation of one that XLA compiled. */
export interface OpTiming {
  /** The node's name in its function; of an eager op its type. */
  name: string;
  /**
   * The op's type as it was executed: oneDNN's kernels are called `_MklMatMul` and the like, and what XLA fused is called as
   * XLA calls it.
   */
  op: string;
  /** Microseconds on the clock of `performance.now()`. */
  startUs: number;
  durationUs: number;
  /** The thread that executed the op; its helpers in a parallel kernel are not told. */
  thread: string;
  /** Element types and shapes of the inputs as TensorFlow writes them, `(float[8,4];float[4])`. Nodes of functions only. */
  inputs?: string;
  /**
   * Memory taken for outputs: none where an input's memory was used again. On CPUs TensorFlow does not tell of outputs
   * under 256 KiB, nor of any in XLA.
   */
  outputBytes: number;
  /** Of a computation in a function that XLA compiled: XLA's name of that function, which begins with its own. */
  module?: string;
}

/** What one thread did, as captrain's addon tells it (native/profile.cc): parallel lists, times since the profile's start. */
export interface ThreadEvents {
  id: number;
  name: string;
  names: readonly string[];
  startUs: readonly number[];
  durationUs: readonly number[];
}

// "layer/product:MatMul#shape=(float[2,4];float[4,5])#": an op kernel. Other events have spaces or "::" in their names.
const kernel = /^([\w.\->/]+):([A-Za-z_]\w*)(?:#(?:shape=([^#]*))?.*)?$/;
// "add_tanh_fusion.3#hlo_op=add_tanh_fusion.3,hlo_module=…#": a computation of XLA's; types are not told, names carry them.
const computation = /^[^#:]+#hlo_op=([^,#]+),hlo_module=([^,#]+)/;
// An allocation while a kernel runs, on the kernel's thread.
const allocation = /^MemoryAllocation#.*\brequested_bytes=(\d+),.*\bregion_type=output\b/;

/** The ops among a thread's events, in the order in which they began, on a clock that reads `originUs` at the profile's start. */
export function opsOfThread(events: ThreadEvents, thread: string, originUs: number): OpTiming[] {
  const order = events.names
    .map((_, index) => index)
    .sort((a, b) => events.startUs[a]! - events.startUs[b]! || events.durationUs[b]! - events.durationUs[a]!);
  const ops: OpTiming[] = [];
  let last: OpTiming | undefined;
  for (const index of order) {
    const text = events.names[index]!;
    const startUs = originUs + events.startUs[index]!;
    const durationUs = events.durationUs[index]!;
    const allocated = allocation.exec(text);
    if (allocated) {
      if (last !== undefined && startUs <= last.startUs + last.durationUs)
        last.outputBytes += Number(allocated[1]);
      continue;
    }
    const op = opOf(text);
    if (op === undefined) continue;
    last = { ...op, startUs, durationUs, thread, outputBytes: 0 };
    ops.push(last);
  }
  return ops;
}

function opOf(text: string): Pick<OpTiming, 'name' | 'op' | 'inputs' | 'module'> | undefined {
  const node = kernel.exec(text);
  if (node) {
    const [, name, op, inputs] = node as unknown as [string, string, string, string | undefined];
    return { name, op, ...(inputs && { inputs }) };
  }
  const computed = computation.exec(text);
  if (!computed) return undefined;
  const [, name, module] = computed as unknown as [string, string, string];
  // XLA numbers what has the same name, and nodes are often numbered too; the 2 of "BatchMatMulV2" is none of these.
  const op = name.replace(/(\.\d+)+$/, '').replace(/(?<![V\d])\d+$/, '');
  return { name, op: op || name, module };
}
