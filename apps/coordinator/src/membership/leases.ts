import type { Member } from './member.js';

/** A member is doubtful when it was not heard of for this part of its lease; both sides beat twice within it. */
const DOUBT = 0.6;

/**
 * Ends the membership of workers that are not heard of, and lets them hear of the coordinator. A coordinator that stood
 * still itself (a stopped process, a sleeping machine) blames nobody for the silence: what they said lies unread.
 */
export class Leases {
  private readonly timer: NodeJS.Timeout;
  private tickedAt = performance.now();

  constructor(
    private readonly seconds: number,
    private readonly on: {
      living: () => readonly Member[];
      expire: (member: Member) => void;
      beat: () => void;
    },
  ) {
    this.timer = setInterval(() => this.tick(), (seconds * 1000 * DOUBT) / 2);
    this.timer.unref();
  }

  isDoubtful(member: Member): boolean {
    return performance.now() - member.heardAt > this.seconds * 1000 * DOUBT;
  }

  close(): void {
    clearInterval(this.timer);
  }

  private tick(): void {
    const now = performance.now();
    const stoodStill = now - this.tickedAt > this.seconds * 1000;
    this.tickedAt = now;
    for (const member of this.on.living()) {
      if (stoodStill) member.heardAt = now;
      else if (now - member.heardAt > this.seconds * 1000) this.on.expire(member);
    }
    this.on.beat();
  }
}
