import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A place in the network: an address of its own, and how to start a program there. */
export interface Place {
  readonly name: string;
  readonly address: string;
  readonly within: readonly string[];
}

/**
 * A network of namespaces: each place is one with an address of its own, all joined by a router, itself a namespace,
 * which can drop what goes from one place to another. This process is a place too (`address` 10.x.0.1), so it can ask
 * the programs there. A namespace lives as long as the process that holds it, and that ends with this one.
 */
export class NamespacedNetwork {
  private readonly holders: ChildProcess[] = [];
  private readonly dropped = new Set<string>();
  private places = 0;
  private router!: number;

  /** `subnet` is the second number of the addresses: 10.subnet.0.0/16. */
  private constructor(private readonly subnet: number) {}

  /** Whether this machine lets us make namespaces, devices, routes and rules. */
  static async isPossible(): Promise<boolean> {
    try {
      const network = await NamespacedNetwork.create();
      try {
        const place = await network.addPlace('probe');
        await network.drop(place, place);
      } finally {
        await network.close();
      }
      return true;
    } catch {
      return false;
    }
  }

  static async create(): Promise<NamespacedNetwork> {
    const network = new NamespacedNetwork(128 + ((process.pid + created++) % 120));
    try {
      network.router = await network.hold();
      await network.routerDoes('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
      const device = `chaos${network.subnet}`;
      await run('ip', [
        'link',
        'add',
        'v0',
        'netns',
        String(network.router),
        'type',
        'veth',
        'peer',
        'name',
        device,
      ]);
      await network.routerDoes('ip', 'addr', 'add', `${network.prefix}.0.254/24`, 'dev', 'v0');
      await network.routerDoes('ip', 'link', 'set', 'v0', 'up');
      await run('ip', ['addr', 'add', `${network.prefix}.0.1/24`, 'dev', device]);
      await run('ip', ['link', 'set', device, 'up']);
      await run('ip', ['route', 'add', `${network.prefix}.0.0/16`, 'via', `${network.prefix}.0.254`]);
      return network;
    } catch (error) {
      await network.close();
      throw error;
    }
  }

  private get prefix(): string {
    return `10.${this.subnet}`;
  }

  async addPlace(name: string): Promise<Place> {
    const number = ++this.places;
    const holder = await this.hold();
    const device = `v${number}`;
    const [router, address] = [`${this.prefix}.${number}.254`, `${this.prefix}.${number}.1`];
    await run('ip', [
      ...['link', 'add', device, 'netns', String(this.router), 'type', 'veth'],
      ...['peer', 'name', 'eth0', 'netns', String(holder)],
    ]);
    await this.routerDoes('ip', 'addr', 'add', `${router}/24`, 'dev', device);
    await this.routerDoes('ip', 'link', 'set', device, 'up');
    const within = ['nsenter', '--target', String(holder), '--net'];
    const commands = [
      'ip link set lo up',
      `ip addr add ${address}/24 dev eth0`,
      'ip link set eth0 up',
      `ip route add default via ${router}`,
    ];
    await run(within[0]!, [...within.slice(1), 'sh', '-ec', commands.join('; ')]);
    return { name, address, within };
  }

  /** From now on nothing of `from` reaches `to`: the router forgets it without a word. */
  async drop(from: Place, to: Place): Promise<void> {
    const rule = `from ${from.address} to ${to.address} blackhole`;
    if (this.dropped.has(rule)) return;
    this.dropped.add(rule);
    await this.routerDoes('ip', 'rule', 'add', ...rule.split(' '));
  }

  /** Everything reaches everyone again. */
  async mend(): Promise<void> {
    for (const rule of this.dropped) await this.routerDoes('ip', 'rule', 'del', ...rule.split(' '));
    this.dropped.clear();
  }

  async close(): Promise<void> {
    for (const holder of this.holders.toReversed()) {
      if (holder.exitCode !== null || holder.signalCode !== null) continue;
      holder.stdin!.end();
      await once(holder, 'exit');
    }
  }

  private async routerDoes(command: string, ...args: string[]): Promise<void> {
    await run('nsenter', ['--target', String(this.router), '--net', command, ...args]);
  }

  /** A process in a new namespace that lives until its standard input closes; it has entered it when it echoes. */
  private async hold(): Promise<number> {
    const holder = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
    await once(holder, 'spawn');
    this.holders.push(holder);
    holder.stdin!.write('\n');
    const answered = once(holder.stdout!, 'data').then(() => true);
    const failed = once(holder, 'exit').then(() => false);
    if (!(await Promise.race([answered, failed]))) throw new Error('unshare --net is not allowed here');
    return holder.pid!;
  }
}

let created = 0;
