/**
 * A delaying proxy in a process of its own: `node proxy-child.js TARGET_PORT`. Answers `delay MS`, milliseconds in one
 * direction for bytes that come from then on, and `quit`.
 */
import { answerLines } from '../answering-program.js';
import { DelayProxy } from './delay-proxy.js';

const proxy = await DelayProxy.listen(Number(process.argv[2]));
await answerLines({ port: proxy.port }, (line) => {
  if (line === 'quit') proxy.close();
  else proxy.delay = Number(line.split(' ')[1]);
  return { delay: proxy.delay };
});
