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
  /** Of what it adds up itself for others. */
  sum?(chunk: GradientChunk): GradientChunk;
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
  /** What the others take for the worker. */
  private ownPeer: Promise<Relay> | undefined;

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
    (await this.ownPeer)?.close();
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

  private async changeControl(bytes: Buffer): Promise<Buffer> {
    const { requestDeserialize, requestSerialize } = trainingService.Work;
    const message = requestDeserialize(bytes);
    if (message.hello) {
      message.hello.host = `behind ${this.address}`;
      message.hello.peerPort = await this.portInPlaceOf(message.hello.peerPort);
    }
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

  /** Where others call this worker. */
  private async portInPlaceOf(port: number): Promise<number> {
    const { sum } = this.tampering;
    if (sum === undefined) return port;
    this.ownPeer ??= Relay.listen(`127.0.0.1:${port}`, {
      '/captrain.v1.Peer/Reduce': {
        down: (bytes) => encodeGradientChunk(sum(decodeGradientChunk(bytes))),
      },
      '/captrain.v1.Peer/FetchState': {},
    });
    return Number((await this.ownPeer).address.split(':')[1]);
  }

  private relayTo(peer: string): Promise<Relay> {
    const known = this.toPeers.get(peer) ?? Relay.listen(peer, this.reduceOf('Peer'));
    this.toPeers.set(peer, known);
    return known;
  }
}
