import {
  type CoordinatorMessage__Output as CoordinatorMessage,
  type GradientChunk,
  type WorkerMessage__Output as WorkerMessage,
  decodeGradientChunk,
  encodeGradientChunk,
  trainingService,
} from '@captrain/protos';
import { Relay } from './relay.js';

/** What becomes of what a worker sends. */
export interface Tampering {
  control?(message: WorkerMessage): WorkerMessage;
  chunk?(chunk: GradientChunk): GradientChunk;
}

/**
 * Stands between one worker and the others of its run, and changes what the worker sends: a hostile worker, made of an
 * honest one. It keeps what is answered. The worker passes for one on a machine of its own, and of other reducers than the
 * coordinator it hears by addresses of relays, so all its gradients come through here.
 */
export class TamperingProxy {
  /** Why what came was refused: by a message, or as a call's status. */
  readonly refusals: string[] = [];
  /** What the worker was told when it was to stop for good. */
  fenced: string | undefined;
  private relay!: Relay;
  private readonly toPeers = new Map<string, Promise<Relay>>();

  private constructor(private readonly tampering: Tampering) {}

  /** `target` is the coordinator's HOST:PORT. */
  static async listen(target: string, tampering: Tampering): Promise<TamperingProxy> {
    const proxy = new TamperingProxy(tampering);
    proxy.relay = await Relay.listen(target, {
      '/captrain.v1.Training/Work': {
        up: (bytes) => proxy.changeControl(bytes),
        down: (bytes) => proxy.changeAnswer(bytes),
      },
      ...proxy.reduceOf('Training'),
    });
    return proxy;
  }

  /** HOST:PORT of what the worker takes for the coordinator. */
  get address(): string {
    return this.relay.address;
  }

  async close(): Promise<void> {
    this.relay.close();
    for (const relay of this.toPeers.values()) (await relay).close();
  }

  private reduceOf(service: 'Training' | 'Peer') {
    const up = (bytes: Buffer) => this.changeChunk(bytes);
    return {
      [`/captrain.v1.${service}/Reduce`]: {
        up,
        failed: (details: string) => void this.refusals.push(details),
      },
    };
  }

  private changeControl(bytes: Buffer): Buffer {
    const { requestDeserialize, requestSerialize } = trainingService.Work;
    const message = requestDeserialize(bytes);
    if (message.hello) message.hello.host = `behind ${this.address}`;
    return requestSerialize(this.tampering.control?.(message) ?? message);
  }

  private changeChunk(bytes: Buffer): Buffer {
    const chunk = decodeGradientChunk(bytes);
    return encodeGradientChunk(this.tampering.chunk?.(chunk) ?? chunk);
  }

  private async changeAnswer(bytes: Buffer): Promise<Buffer> {
    const { responseDeserialize, responseSerialize } = trainingService.Work;
    const message: CoordinatorMessage = responseDeserialize(bytes);
    const { refused, stop, plan } = message;
    if (refused) this.refusals.push(refused.reason);
    if (stop?.final) this.fenced = stop.reason;
    for (const reducer of plan?.reducers ?? [])
      if (reducer.address !== '') reducer.address = (await this.relayTo(reducer.address)).address;
    return responseSerialize(message);
  }

  private relayTo(peer: string): Promise<Relay> {
    const known = this.toPeers.get(peer) ?? Relay.listen(peer, this.reduceOf('Peer'));
    this.toPeers.set(peer, known);
    return known;
  }
}
