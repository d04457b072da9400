import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { byteSize } from '../../src/sinks/bytes.ts';
import { duration } from '../../src/sinks/duration.ts';
import { sinkOptions, sinkTypes } from '../../src/sinks/index.ts';

describe('durations', () => {
  test.each([
    ['1ms', 1],
    ['500ms', 500],
    ['10s', 10_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['596h', 2_145_600_000],
  ])('%s', (text, ms) => expect(duration.parse(text)).toBe(ms));

  test.each(['', '10', 's', '-1s', '0s', '0.1ms', '1 s', '1S', '1e3s', '597h', '999999999h', '1m30s', '١s', 10, null])(
    'not %j',
    text => expect(duration.safeParse(text).success).toBe(false),
  );
});

describe('sizes', () => {
  test.each([
    ['1B', 1],
    ['64KiB', 65_536],
    ['64MiB', 67_108_864],
    ['1.5GiB', 1_610_612_736],
    ['2MB', 2_000_000],
    ['3kB', 3000],
  ])('%s', (text, bytes) => expect(byteSize.parse(text)).toBe(bytes));

  test.each(['', '64', '64M', '64mib', '-1B', '0B', '0.1B', '999999999999GiB', 64])('not %j', text =>
    expect(byteSize.safeParse(text).success).toBe(false),
  );
});

/** Problems of a sink's part of a configuration, as `path: message`. */
function problems(options: object): string[] {
  const result = sinkOptions.safeParse(options);
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

const url = 'https://profiles.example/base';
const onNetwork = sinkTypes.map(({ type }) => type).filter(type => type !== 'directory');

describe('options', () => {
  test.each(onNetwork)('%s: defaults', type => {
    const root = 'https://profiles.example';
    expect(sinkOptions.parse({ type, url: root })).toMatchObject({ type, name: type, url: root, timeout: 30_000 });
  });

  test.each(onNetwork)('%s: a misspelt key', type =>
    expect(problems({ type, url: 'http://h', tiemout: '1s' })).toEqual([': Unrecognized key: "tiemout"']),
  );

  test('all that is shared', () => {
    const options = {
      ...{ type: 'http', name: 'eu-1', url, timeout: '500ms', tenant: 'team-a' },
      tls: { ca_file: 'ca.pem', cert_file: 'cert.pem', key_file: 'key.pem', insecure_skip_verify: true },
      basic_auth: { username: 'agent', password_file: '/run/secret' },
      headers: { 'X-Team': 'a b' },
      headers_from_env: { 'X-Api-Key': 'KEY' },
    };
    expect(sinkOptions.parse(options)).toEqual({ ...options, timeout: 500, method: 'POST' });
  });

  test.each<[string, object, string]>([
    ['an unknown type', { type: 'carrier-pigeon' }, 'type: Invalid discriminator value'],
    ['no URL', { type: 'otlp' }, 'url: '],
    ['another protocol', { type: 'otlp', url: 'ftp://h' }, 'url: expected a URL that starts with http:// or https://'],
    ['no URL at all', { type: 'otlp', url: 'h:4040' }, 'url: expected a URL that starts with http:// or https://'],
    ['a password', { type: 'otlp', url: 'http://a:b@h' }, 'url: expected no credentials in the URL'],
    ['a name that is a path', { type: 'otlp', url, name: '..' }, 'name: expected up to 64'],
    ['a path for gRPC', { type: 'parca', url }, 'url: expected a URL without a path'],
    ['TLS without https', { type: 'otlp', url: 'http://h', tls: {} }, ': tls needs a url'],
    ['a certificate alone', { type: 'otlp', url, tls: { cert_file: 'c' } }, 'tls: expected cert_file with key_file'],
    ['no token', { type: 'otlp', url, bearer_auth: {} }, 'bearer_auth: expected one of token_file'],
    [
      'two passwords',
      { type: 'otlp', url, basic_auth: { username: 'a', password_env: 'A', password_file: 'a' } },
      'basic_auth: expected one of password_file',
    ],
    [
      'two identities',
      { type: 'otlp', url, basic_auth: { username: 'a', password_env: 'A' }, headers_from_env: { authorization: 'B' } },
      ': expected one of basic_auth and bearer_auth',
    ],
    ['a secret', { type: 'otlp', url, headers: { authorization: 'x' } }, 'headers.authorization: expected under'],
    ['a secret', { type: 'otlp', url, headers: { 'X-Api-Key': 'x' } }, 'headers.X-Api-Key: expected under'],
    ['our headers', { type: 'otlp', url, headers: { 'Content-Type': 'x' } }, 'headers.Content-Type: this header'],
    ['two lines', { type: 'otlp', url, headers: { 'X-A': 'a\r\nB: c' } }, 'headers.X-A: expected printable'],
    ['a value for a name', { type: 'otlp', url, headers_from_env: { 'X-A': 'a b' } }, 'headers_from_env.X-A: expected'],
    ['two API keys', { type: 'datadog', url, api_key_env: 'A', api_key_file: 'a' }, ': expected one of api_key_file'],
    ['an unknown placeholder', { type: 'http', url: 'http://h/{x}' }, 'url: expected no placeholders but'],
    ['a property of all objects', { type: 'http', url: 'http://h/{toString}' }, 'url: expected no placeholders but'],
    ['a placeholder for the host', { type: 'http', url: 'http://{service}/' }, 'url: expected no placeholders in'],
    ['a placeholder in the host', { type: 'http', url: 'http://h{label:a}' }, 'url: expected no placeholders in'],
  ])('not %s', (_, options, problem) => expect(problems(options).join('\n')).toContain(problem));

  test('as JSON Schema, with defaults as they are written', () => {
    const schema = JSON.stringify(z.toJSONSchema(sinkOptions, { io: 'input' }));
    for (const { type } of sinkTypes) expect(schema).toContain(`"const":"${type}"`);
    expect(schema).toContain('"default":"30s"');
  });
});
