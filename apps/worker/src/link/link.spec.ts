import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type CoordinatorMessage__Output, PROTOCOL_VERSION, type Welcome } from '@captrain/protos';
import { UserError } from '@captrain/runtime';
import { afterEach, describe, expect, test } from 'vitest';
import { ScriptedCoordinator } from '../testing/scripted-coordinator.js';
import { Link } from './link.js';
import type { LinkWork } from './messages.js';

const fixture = (name: string) => new URL(`../../fixtures/${name}`, import.meta.url);
const LEASE = 0.6;

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function listen(port?: number): Promise<ScriptedCoordinator> {
  const coordinator = await ScriptedCoordinator.listen(port);
  open.push(coordinator);
  return coordinator;
}

function workOf(coordinator: string, options: Partial<LinkWork> = {}): LinkWork {
  return { coordinator, name: 'w', peerHost: '127.0.0.1', patience: 10, reconnect: 10, ...options };
}

function openLink(coordinator: string, options?: Partial<LinkWork>) {
  const link = Link.open(workOf(coordinator, options), fixture('link-thread.mjs'));
  open.unshift(link);
  const messages = link.messages();
  const hear = async () => (await messages.next()).value as CoordinatorMessage__Output | 'lost';
  /** The next message, whether the coordinator was lost before or not. */
  const next = async () => {
    let heard = await hear();
    while (heard === 'lost') heard = await hear();
    return heard;
  };
  return { link, next, hear };
}

const welcome = (generation: number) =>
  ({ generation, worker: 3, leaseSeconds: LEASE, configJson: '{}' }) as Welcome;

describe('the link to a coordinator', () => {
  test('says who the worker is and where its peers find it, and passes on what it hears in order', async () => {
    const coordinator = await listen();
    const { link, next } = openLink(coordinator.address);
    const joined = await coordinator.joined();
    expect(joined.hello).toMatchObject({
      name: 'w',
      protocol: PROTOCOL_VERSION,
      process: process.pid,
      generation: 0,
    });
    expect(joined.hello.peerPort).toBeGreaterThan(0);
    joined.send({ welcome: welcome(7) });
    joined.send({ heartbeat: { generation: 7 } });
    joined.send({ fit: {} });
    expect((await next()).welcome).toMatchObject({ worker: 3, generation: 7 });
    expect((await next()).fit).toBeTruthy();
    link.say({ fitting: { microbatches: 4 } });
    expect(await joined.next('fitting')).toEqual({ microbatches: 4 });
    link.drain();
    await joined.next('drain');
    joined.send({ stop: { reason: 'enough', final: true } });
    expect((await next()).stop).toMatchObject({ reason: 'enough' });
  });

  test('beats while the main thread stands still for longer than a lease', async () => {
    const coordinator = await listen();
    const workerData = { work: workOf(coordinator.address), busyMs: 3 * LEASE * 1000 };
    const busy = new Worker(fixture('busy-worker.mjs'), { workerData });
    open.unshift({ close: () => busy.terminate() });
    const joined = await coordinator.joined();
    joined.send({ welcome: welcome(1) });
    const beat = setInterval(() => joined.send({ heartbeat: { generation: 1 } }), 200);
    await joined.next('ready');
    await joined.next('updated');
    clearInterval(beat);
    expect(joined.count('heartbeat')).toBeGreaterThanOrEqual(7);
  });

  test('comes back to a coordinator that has started again, and says nothing of before', async () => {
    const first = await listen();
    const { link, next, hear } = openLink(first.address);
    (await first.joined()).send({ welcome: welcome(7) });
    expect((await next()).welcome!.generation).toBe(7);
    first.close();
    link.say({ updated: { step: 1 } });
    const second = await listen(first.port);
    const joined = await second.joined();
    expect(joined.hello.generation).toBe(7);
    joined.send({ welcome: welcome(8) });
    await joined.next('heartbeat');
    // Of the connection that is gone: the main thread has not heard of the new one yet.
    link.say({ updated: { step: 2 } });
    expect(await hear()).toBe('lost');
    expect((await next()).welcome!.generation).toBe(8);
    link.say({ updated: { step: 3 } });
    expect(await joined.next('updated')).toMatchObject({ step: 3 });
    expect(joined.count('updated')).toBe(0);
  });

  test('leaves a coordinator that is silent for a lease, and one that tells it to come again', async () => {
    const coordinator = await listen();
    const { next } = openLink(coordinator.address);
    const silent = await coordinator.joined();
    silent.send({ welcome: welcome(1) });
    const asked = performance.now();
    const again = await coordinator.joined();
    expect(performance.now() - asked).toBeGreaterThan(LEASE * 1000 - 50);
    expect(silent.ended).toBe(true);
    again.send({ welcome: welcome(1) });
    again.send({ stop: { reason: 'another worker of its name has come', final: false } });
    (await coordinator.joined()).send({ welcome: welcome(2) });
    const heard = [await next(), await next(), await next()];
    expect(heard.map(({ welcome }) => welcome?.generation)).toEqual([1, 1, 2]);
  });

  test('tells nothing to a coordinator that was replaced', async () => {
    const coordinator = await listen();
    const { next } = openLink(coordinator.address);
    const leader = await coordinator.joined();
    leader.send({ welcome: welcome(2 ** 21) });
    await next();
    leader.end();
    const replaced = await coordinator.joined();
    replaced.send({ welcome: welcome(2 ** 20 + 9) });
    await replaced.gone();
    expect(replaced.messages).toEqual([]);
    const successor = await coordinator.joined();
    successor.send({ welcome: welcome(2 ** 21 + 1) });
    expect((await next()).welcome!.generation).toBe(2 ** 21 + 1);
  });
});

describe('without a coordinator', () => {
  test('it gives up after its patience, with a sentence', async () => {
    const { next } = openLink('127.0.0.1:1', { patience: 0.5 });
    const nobody = next();
    await expect(nobody).rejects.toThrow('No coordinator answers at 127.0.0.1:1');
    await expect(nobody).rejects.toBeInstanceOf(UserError);
  });

  test('that went away it waits as long as it was told', async () => {
    const coordinator = await listen();
    const { next } = openLink(coordinator.address, { reconnect: 0.8 });
    (await coordinator.joined()).send({ welcome: welcome(1) });
    await next();
    coordinator.close();
    await expect(next()).rejects.toThrow(/went away \(.*\) and has not come back for 0.8 s/);
  });

  test('a worker that wants to leave is let go', async () => {
    const coordinator = await listen();
    const { link, next } = openLink(coordinator.address);
    (await coordinator.joined()).send({ welcome: welcome(1) });
    await next();
    coordinator.close();
    await sleep(300);
    link.drain();
    expect((await next()).stop).toMatchObject({ final: true });
  });

  test('that refuses it, it ends with the refusal', async () => {
    const coordinator = await listen();
    const { next } = openLink(coordinator.address);
    (await coordinator.joined()).refuse('This coordinator speaks protocol 4.');
    const refused = next();
    await expect(refused).rejects.toThrow('This coordinator speaks protocol 4.');
    await expect(refused).rejects.toBeInstanceOf(UserError);
  });
});
