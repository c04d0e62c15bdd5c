/** Float32 arrays of one length, used again and again: gradients are too large to allocate every step. */
export class BufferPool {
  private readonly free: Float32Array[] = [];

  constructor(readonly length: number) {}

  take(): Float32Array {
    return this.free.pop() ?? new Float32Array(this.length);
  }

  give(buffer: Float32Array): void {
    this.free.push(buffer);
  }
}
