/** Addresses that the agent listens on. */
import { BlockList, isIP } from 'node:net';
import { type ZodType, z } from 'zod';

export interface HttpAddress {
  /** Name or IP address, without brackets; '' for every address of the machine. */
  readonly host: string;
  readonly port: number;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether only this machine can reach it. A name other than `localhost` may mean anything. */
export function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host === 'localhost';
  return LOOPBACK.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

// 127.0.0.1:4041, [::1]:4041, localhost:4041, :4041
const FORM = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]*)):([0-9]{1,5})$/;

/** undefined for what is no address. */
function parse(text: string): HttpAddress | undefined {
  const [, six, name = '', port] = FORM.exec(text) ?? [];
  if (port === undefined || Number(port) > 65535 || (six !== undefined && isIP(six) !== 6)) return undefined;
  return { host: six ?? name, port: Number(port) };
}

/** `host:port`; undefined for `off`. Port 0 is any that is free. */
export const httpAddress: ZodType<HttpAddress | undefined, string> = z
  .string()
  .refine(text => text === 'off' || parse(text) !== undefined, {
    error: 'expected "host:port", such as 127.0.0.1:4041, or "off"',
    abort: true,
  })
  .transform(text => (text === 'off' ? undefined : parse(text)));
