import { cpSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ChaosCase } from '../chaos-case.js';

/** The interrupted run's newest whole checkpoint, and the one before. */
const NEWEST = 'step-00000008';
const BEFORE = 'step-00000004';

/** Goes on with a run whose newest checkpoint was damaged: it has to say so, and to take the one before. */
function damaged(what: string, damage: (checkpoint: string) => void): ChaosCase {
  return {
    name: `checkpoint damaged: ${what}`,
    did: `the newest checkpoint's ${what}; resumed: the one before has to be used`,
    workers: 1,
    act: async (stage) => {
      cpSync(await stage.interrupted(), stage.run, { recursive: true });
      damage(path.join(stage.run, 'checkpoints', NEWEST));
      const { cluster } = stage;
      await cluster.startCoordinator();
      cluster.startWorker();
      await cluster.finished();
      if (!cluster.coordinator.said.includes(`${BEFORE} is used instead`))
        stage.complain(`the coordinator did not say that ${BEFORE} is used instead`);
    },
  };
}

function fileOf(checkpoint: string, start: string): string {
  const name = readdirSync(checkpoint).find((each) => each.startsWith(start));
  if (name === undefined) throw new Error(`${checkpoint} has no ${start}`);
  return path.join(checkpoint, name);
}

function cut(start: string, percent: number): ChaosCase {
  return damaged(`${start} cut at ${percent} %`, (checkpoint) => {
    const file = fileOf(checkpoint, start);
    truncateSync(file, Math.floor((readFileSync(file).length * percent) / 100));
  });
}

function flipped(start: string, percent: number): ChaosCase {
  return damaged(`${start} with a bit flipped at ${percent} %`, (checkpoint) => {
    const file = fileOf(checkpoint, start);
    const bytes = readFileSync(file);
    bytes[Math.floor((bytes.length * percent) / 100)]! ^= 1;
    writeFileSync(file, bytes);
  });
}

export const damagedCheckpoints: ChaosCase[] = [
  ...Array.from({ length: 10 }, (_, tenth) => cut('model', tenth * 10)),
  cut('optimizer', 50),
  cut('manifest', 50),
  flipped('model', 1),
  flipped('model', 75),
  flipped('optimizer', 50),
  flipped('manifest', 25),
  flipped('manifest', 75),
];
damagedCheckpoints[5] = { ...damagedCheckpoints[5]!, short: true };
