/**
 * A process that takes part in exchanges without a model: `node member-child.js VALUES`. It serves captrain.v1.Peer,
 * as a worker does; a member of 0 values only sums, as the coordinator does. Answers, as JSON each: `fill WORKER
 * VALUES` (puts so much of that worker's gradient in place), `summing` (starts the process of `--reduce collective`, and
 * says its port), an ExchangeOrder (takes part; seconds from then until the sum is there), and `quit`.
 */
import { answerLines } from '../answering-program.js';
import { Member } from './member.js';

const member = await Member.listen(Number(process.argv[2]));
await answerLines({ port: member.port }, async (line) => {
  if (line === 'quit') {
    await member.close();
    return {};
  }
  if (line.startsWith('fill ')) {
    const [, worker, values] = line.split(' ').map(Number);
    member.fill(worker!, values!);
    return {};
  }
  if (line === 'summing') return { port: await member.summingPort() };
  return { ...(await member.exchange(JSON.parse(line) as Parameters<Member['exchange']>[0])) };
});
