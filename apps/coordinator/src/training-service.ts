import { setTimeout as sleep } from 'node:timers/promises';
import { type ServiceError, status as codes } from '@grpc/grpc-js';
import type { ReduceService, ServedCall } from '@captrain/exchange';
import { PROTOCOL_VERSION, type Hello, type TrainingHandlers, type Welcome } from '@captrain/protos';
import type { Logger } from '@captrain/runtime';
import type { Crew } from './membership/crew.js';
import { Member, type WorkStream } from './membership/member.js';
import type { Reduction } from './step/reduction.js';

/** Workers that have lost their coordinator ask for it again at least so often. */
const FAREWELL_MS = 2500;

/** What workers are let into. */
interface House {
  readonly crew: Crew;
  readonly reduction: Reduction;
  /** What a worker that comes now is told. */
  readonly welcome: (hello: Hello) => Promise<Omit<Welcome, 'worker'>>;
  readonly log: Logger;
}

/** The server listens before it is known whether this coordinator leads: who wants to join waits here until then. */
export class Doorway {
  private readonly opened: Promise<House>;
  private house: House | undefined;
  private farewell: string | undefined;
  private readonly waiting = new Set<WorkStream>();
  private resolve!: (house: House) => void;

  constructor() {
    this.opened = new Promise((resolve) => (this.resolve = resolve));
  }

  open(house: House): void {
    this.house = house;
    this.waiting.clear();
    this.resolve(house);
  }

  join(stream: WorkStream): void {
    if (this.farewell !== undefined) bidFarewell(stream, this.farewell);
    else {
      this.waiting.add(stream);
      void this.opened.then((house) => receive(stream, house));
    }
  }

  /** There is nothing to do any more: tells so whoever comes, or has come, for a while. */
  async sendAway(reason: string): Promise<void> {
    this.farewell = reason;
    for (const stream of this.waiting) bidFarewell(stream, reason);
    await sleep(FAREWELL_MS);
  }

  /** Only a plan of this coordinator's brings a worker's part here; a call before is one for another's. */
  reduce(call: ServedCall): void {
    if (this.house !== undefined) this.house.reduction.handle(call);
    else call.refuse('This coordinator does not lead the run yet.');
  }
}

/** captrain.v1.Training: members come and go by their control streams; gradients go to the reduction. */
export function trainingHandlers(doorway: Doorway, { Reduce }: ReduceService): TrainingHandlers {
  return { Work: (stream) => doorway.join(stream), Reduce };
}

function bidFarewell(stream: WorkStream, reason: string): void {
  stream.write({ stop: { reason, final: true } });
  stream.end();
}

function receive(stream: WorkStream, { crew, welcome, log }: House): void {
  let member: Member | undefined;
  const refuse = (details: string) => {
    const error: Partial<ServiceError> = { code: codes.FAILED_PRECONDITION, details };
    stream.emit('error', error);
  };
  const leave = () => {
    if (member?.alive) crew.lose(member, 'its connection ended');
  };
  stream.on('data', (message) => {
    if (member !== undefined) {
      if (!member.alive) return;
      crew.hear(member);
      if (!message.heartbeat) crew.post({ type: 'message', member, message });
      return;
    }
    const { hello } = message;
    if (!hello) return refuse('The first message of a worker must be hello.');
    if (hello.protocol !== PROTOCOL_VERSION)
      return refuse(
        `The worker speaks protocol ${hello.protocol}, this coordinator ${PROTOCOL_VERSION}; install the same captrain on both.`,
      );
    const admitted = crew.admit((worker) => new Member(worker, hello, peerAddress(stream, hello), stream));
    if ('refused' in admitted) return refuse(admitted.refused);
    member = admitted;
    log.info({ worker: hello.name }, 'worker joined');
    welcome(hello).then(
      (words) => {
        admitted.loads = words.checkpoint;
        admitted.send({ welcome: { ...words, worker: admitted.worker } });
      },
      (error: unknown) => crew.end(error),
    );
  });
  stream.on('end', leave);
  stream.on('error', leave);
  stream.on('cancelled', leave);
  stream.on('close', leave);
}

/** Where other workers reach this one: the address that it calls from, and the port that it names. */
function peerAddress(stream: WorkStream, { peerPort }: Hello): string {
  const caller = stream.getPeer();
  const host = caller.slice(0, caller.lastIndexOf(':')).replace(/^::ffff:/, '');
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${peerPort}` : `${host}:${peerPort}`;
}
