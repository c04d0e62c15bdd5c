import { EventEmitter, once } from 'node:events';
import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import type { DeliveredSum, OfferedSums, PeerHandlers, Plan } from '@captrain/protos';
import type { LocalExchange } from './local-exchange.js';
import { NeighbourCalls } from './neighbour-calls.js';
import { NeighbourMemory } from './neighbour-memory.js';

/** How long a neighbour that is ahead of this worker waits for it to hear of the plan. */
const PATIENCE_MS = 10_000;

/** The workers of this host that a plan names, as this one sees them: what it tells and hears them, and their memory. */
export class Neighbours {
  readonly calls = new NeighbourCalls();
  readonly memory = new NeighbourMemory();
  private plan: Pick<Plan, 'generation' | 'step'> = { generation: 0, step: 0 };
  private exchange: LocalExchange | undefined;
  private readonly opened = new EventEmitter().setMaxListeners(0);

  /** There is a new plan; `exchange` is this worker's part in it among neighbours, if it has any. */
  open(plan: Plan, exchange: LocalExchange | undefined): void {
    this.plan = plan;
    this.exchange = exchange;
    this.calls.keep(plan.neighbours.map(({ address }) => address));
    this.memory.nextPlan();
    this.opened.emit('opened');
  }

  /** The last plan is over. */
  leave(): void {
    this.exchange = undefined;
  }

  /** What captrain.v1.Peer serves to them. */
  readonly handlers: Pick<PeerHandlers, 'Offer' | 'Deliver'> = {
    Offer: (call, done) => void this.hear(call, done, (exchange) => exchange.offered(call.request)),
    Deliver: (call, done) => void this.hear(call, done, (exchange) => exchange.delivered(call.request)),
  };

  close(): void {
    this.calls.close();
    this.memory.close();
  }

  /** `take` gives the reason why it does not take the message, if so. */
  private async hear<Message extends OfferedSums | DeliveredSum>(
    call: ServerUnaryCall<Message, object>,
    done: sendUnaryData<object>,
    take: (exchange: LocalExchange) => string | undefined,
  ): Promise<void> {
    const { generation, step } = call.request;
    const signal = AbortSignal.timeout(PATIENCE_MS);
    while (generation > this.plan.generation && !signal.aborted && !call.cancelled)
      await once(this.opened, 'opened', { signal }).catch(() => undefined);
    const { exchange, plan } = this;
    const isCurrent = generation === plan.generation && step === plan.step;
    const reason =
      exchange !== undefined && isCurrent
        ? take(exchange)
        : `it is of step ${step} in generation ${generation}, while this worker is at step ${plan.step} of generation ${plan.generation}`;
    if (reason === undefined) done(null, {});
    else done({ code: status.FAILED_PRECONDITION, details: reason });
  }
}
