import { type ServiceError, status as codes } from '@grpc/grpc-js';
import { PROTOCOL_VERSION, type TrainingHandlers } from '@captrain/protos';
import { messageOf } from '@captrain/runtime';
import type { GradientExchange } from './gradient-exchange.js';
import type { Mailbox } from './mailbox.js';
import { Member, type MemberEvent } from './member.js';

/** captrain.v1.Training: members come and go by their control streams; gradients go to the exchange. */
export function trainingHandlers(options: {
  exchange: GradientExchange;
  events: Mailbox<MemberEvent>;
  /** Takes a new worker in, or says in one sentence why not. */
  join: (hello: { name: string }, makeMember: (worker: number) => Member) => string | undefined;
}): TrainingHandlers {
  const { exchange, events, join } = options;
  return {
    Work: (stream) => {
      let member: Member | undefined;
      const refuse = (details: string) => {
        stream.emit('error', { code: codes.FAILED_PRECONDITION, details });
      };
      const leave = () => {
        if (member === undefined || !member.alive) return;
        member.state = 'WORKER_STATE_LOST';
        events.post({ type: 'lost', member });
      };
      stream.on('data', (message) => {
        if (member !== undefined) return events.post({ type: 'message', member, message });
        const { hello } = message;
        if (!hello) return refuse('The first message of a worker must be hello.');
        if (hello.protocol !== PROTOCOL_VERSION) {
          return refuse(
            `The worker speaks protocol ${hello.protocol}, this coordinator ${PROTOCOL_VERSION}; install the same captrain on both.`,
          );
        }
        const refused = join(hello, (worker) => (member = new Member(worker, hello.name, stream)));
        if (refused !== undefined) refuse(refused);
      });
      stream.on('end', leave);
      stream.on('error', leave);
      stream.on('cancelled', leave);
      stream.on('close', leave);
    },

    PushGradient: (call, respond) => {
      exchange.receive(call).then(
        () => respond(null, {}),
        (error: unknown) => respond(asServiceError(error)),
      );
    },

    PullGradient: (call) => {
      exchange.send(call).catch((error: unknown) => call.emit('error', asServiceError(error)));
    },
  };
}

function asServiceError(error: unknown): Partial<ServiceError> {
  if (typeof error === 'object' && error !== null && 'code' in error && 'details' in error) {
    return error as Partial<ServiceError>;
  }
  return { code: codes.INTERNAL, details: messageOf(error) };
}
