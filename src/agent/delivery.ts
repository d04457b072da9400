/** From profiles to backends: the spool, and an uploader for each sink. */
import { openSink } from '../sinks/index.ts';
import type { Sink, Upload } from '../sinks/sink.ts';
import { openSpool, type Spool } from '../spool/spool.ts';
import { Uploader } from '../spool/uploader.ts';
import type { AgentConfig } from './config.ts';
import type { ProfileLimits } from './export.ts';
import type { Log } from './log.ts';

interface Route {
  readonly name: string;
  readonly sink: Sink;
  readonly uploader: Uploader;
}

export class Delivery {
  readonly spool: Spool;
  readonly routes: readonly Route[];

  private constructor(spool: Spool, routes: readonly Route[]) {
    this.spool = spool;
    this.routes = routes;
  }

  /** @throws ProfilerError when a sink or the spool cannot be opened; nothing stays open then */
  static async open(config: Pick<AgentConfig, 'sinks' | 'spool'>, log: Log): Promise<Delivery> {
    const sinks: [string, Sink][] = [];
    try {
      for (const options of config.sinks) sinks.push([options.name, await openSink(options)]);
      const { dir, max_bytes: maxBytes, max_age: maxAgeMs } = config.spool;
      const names = sinks.map(([name]) => name);
      const spool = await openSpool({ dir, maxBytes, maxAgeMs, sinks: names, log: log.warn });
      const routes = sinks.map(([name, sink]) => {
        return { name, sink, uploader: new Uploader({ spool, name, sink, log: log.warn }) };
      });
      for (const { uploader } of routes) void uploader.run();
      return new Delivery(spool, routes);
    } catch (error) {
      for (const [, sink] of sinks) sink.close();
      throw error;
    }
  }

  /** What every sink takes. */
  get limits(): ProfileLimits {
    const limits = this.routes.map(({ sink }) => sink.limits);
    return {
      samples: Math.min(...limits.map(({ samples }) => samples)),
      bytes: Math.min(...limits.map(({ bytes }) => bytes)),
    };
  }

  async put(uploads: readonly Upload[]): Promise<void> {
    await Promise.all(uploads.map(upload => this.spool.put(upload)));
  }

  /** Tries to deliver everything within so many milliseconds; what is left stays in the spool. Returns how many. */
  async close(flushMs: number): Promise<number> {
    const left = await Promise.all(this.routes.map(({ uploader }) => uploader.flush(flushMs)));
    for (const { uploader, sink } of this.routes) {
      await uploader.stop();
      sink.close();
    }
    await this.spool.close();
    return left.reduce((sum, count) => sum + count, 0);
  }
}
