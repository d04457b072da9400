/** The OTLP receiver of otlp-receiver.go: started, and read. */

import { answers, type Server, startServer } from '../support/servers.ts';

/** Of an OTLP JSON request what tests look at; 64 bits are decimal text, ids hex. */
export interface OtlpRequest {
  readonly dictionary: {
    readonly stringTable: readonly string[];
    readonly functionTable: readonly { nameStrindex?: number }[];
    readonly locationTable: readonly { lines?: readonly { functionIndex?: number }[] }[];
    readonly stackTable: readonly { locationIndices?: readonly number[] }[];
  };
  readonly resourceProfiles: readonly {
    readonly resource: { readonly attributes: readonly { key: string; value: { stringValue?: string } }[] };
    readonly scopeProfiles: readonly { readonly profiles: readonly OtlpProfile[] }[];
  }[];
}

export interface OtlpProfile {
  readonly sampleType: { readonly typeStrindex?: number; readonly unitStrindex?: number };
  readonly samples: readonly { readonly stackIndex?: number; readonly values: readonly string[] }[];
  readonly timeUnixNano: string;
  readonly durationNano: string;
  readonly period: string;
}

export interface OtlpReceiver extends Server {
  /** `127.0.0.1:PORT` */
  readonly grpc: string;
  /** Everything that was taken and is not yet out of the log's tail. */
  requests(): OtlpRequest[];
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  let grpc = '';
  const server = await startServer('otlp-receiver', 2, (_, [grpcPort, httpPort]) => {
    grpc = `127.0.0.1:${grpcPort}`;
    const url = `http://127.0.0.1:${httpPort}`;
    return { url, args: [grpc, `127.0.0.1:${httpPort}`], ready: () => answers(`${url}/ready`) };
  });
  const requests = () => {
    const lines = server
      .log()
      .split('\n')
      .filter(line => line.startsWith('{') && line.endsWith('}'));
    return lines.map(line => JSON.parse(line) as OtlpRequest);
  };
  return { ...server, grpc, requests };
}
