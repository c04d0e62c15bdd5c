import type { StatusHandlers } from '@captrain/protos';
import { type StatusBoard, isFinal } from './status-board.js';

/** Watchers hear of changes at most this often. */
const INTERVAL_MS = 200;

/** captrain.v1.Status over a status board. */
export function statusHandlers(board: StatusBoard): StatusHandlers {
  return {
    Get: (_call, respond) => respond(null, board.current),
    Watch: (call) => {
      let timer: NodeJS.Timeout | undefined;
      const send = () => {
        timer = undefined;
        call.write(board.current);
        if (isFinal(board.state)) end();
      };
      const unwatch = board.watch(() => {
        if (isFinal(board.state)) send();
        else timer ??= setTimeout(send, INTERVAL_MS);
      });
      const end = () => {
        clearTimeout(timer);
        unwatch();
        call.end();
      };
      call.on('cancelled', end);
      send();
    },
  };
}
