import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { packageRoot, packageVersion } from '../../src/package.ts';
import { main, needsBpf, obstacle, workFolder } from '../support/profiler.ts';
import { onPath } from '../support/unwind.ts';
import { type Machine, ownAction, readWorkflow, runAction, runWorkflow } from '../support/workflows.ts';

const examples = join(packageRoot, 'docs/ci');
const RULES = 'total>20%\nany>30%\n';
const needs = ['git', 'make', 'gcc', 'curl', 'jq'].filter(command => !onPath(command)).join(', ');
const missing = obstacle === '' ? needs : '';

/** A benchmark of two functions; the arguments say how much each does. */
const PROGRAM = (parsed: number) => `
static __attribute__((noinline)) void burn(long rounds) { for (volatile long i = 0; i < rounds * 1000000; i++); }
__attribute__((noinline)) void parse(void) { burn(${parsed}); __asm__ volatile(""); }
__attribute__((noinline)) void render(void) { burn(120); __asm__ volatile(""); }
#include <stdio.h>
int main(void) { parse(); render(); puts("${parsed + 120}.5 ms/op"); return 0; }
`;

describe.skipIf(obstacle !== '' || missing !== '')(
  needsBpf(`examples for pipelines${missing && ` (needs ${missing})`}`),
  () => {
    const folder = workFolder();
    const origin = join(folder, 'origin.git');
    const bin = join(folder, 'bin');
    let count = 0;

    const git = (cwd: string, ...args: readonly string[]) =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args], {
        cwd,
        encoding: 'utf8',
      }).trim();
    const commit = (cwd: string, name: string, content: string) => {
      writeFileSync(join(cwd, name), content);
      git(cwd, 'add', '.');
      git(cwd, 'commit', '-q', '-m', name);
    };

    /** A repository with `main`, a branch `slow` whose parse() takes three times as long, and one that changed nothing. */
    beforeAll(() => {
      mkdirSync(bin);
      writeFileSync(join(bin, 'profiler'), `#!/bin/sh\nexec ${process.execPath} ${main} "$@"\n`, { mode: 0o755 });
      git(folder, 'init', '-q', '--bare', '-b', 'main', origin);
      const work = join(folder, 'work');
      git(folder, 'clone', '-q', origin, work);
      commit(work, 'Makefile', 'benchmark: benchmark.c\n\tgcc -O2 -o benchmark benchmark.c\n');
      commit(work, '.gitignore', 'profiles\nbenchmark\n');
      commit(work, 'benchmark.c', PROGRAM(60));
      git(work, 'branch', '-M', 'main');
      git(work, 'push', '-q', 'origin', 'main');
      git(work, 'checkout', '-q', '-b', 'same');
      commit(work, 'README', 'nothing to do with it\n');
      git(work, 'push', '-q', 'origin', 'same');
      git(work, 'checkout', '-q', '-b', 'slow', 'main');
      commit(work, 'benchmark.c', PROGRAM(180));
      git(work, 'push', '-q', 'origin', 'slow');
      // Since the branches began, main has gone on, and is not what they are compared with.
      git(work, 'checkout', '-q', 'main');
      commit(work, 'benchmark.c', PROGRAM(200));
      git(work, 'push', '-q', 'origin', 'main');
    });

    function clone(branch: string, ...options: readonly string[]): string {
      const workspace = join(folder, `job-${++count}`, 'workspace');
      git(folder, 'clone', '-q', ...options, '-b', branch, `file://${origin}`, workspace);
      return workspace;
    }

    function machine(workspace: string, env: Readonly<Record<string, string>> = {}): Machine {
      const temp = join(workspace, '../temp');
      const artifacts = join(workspace, '../artifacts');
      mkdirSync(temp, { recursive: true });
      mkdirSync(artifacts, { recursive: true });
      const path = `${bin}:${process.env.PATH}`;
      const github = { token: 'token-of-the-job', ref: 'refs/pull/7/merge' };
      return { workspace, temp, artifacts, github, env: { PATH: path, ...env } };
    }

    const pullRequest = { GITHUB_BASE_REF: 'main', GITHUB_REF: 'refs/pull/7/merge' };
    const inputs = { setup: 'make -s', run: './benchmark', runs: '4', 'fail-on': RULES };

    test('the action fails a pull request that is slower, and says where', async () => {
      const at = machine(clone('slow'), pullRequest);
      const { status, outputs, summary, log } = await runAction(at, inputs);
      expect(outputs.verdict, log).toBe('regressed');
      expect(status).toBe('failure');
      expect(summary).toMatch(/^<!-- profiler-gate-report -->/);
      expect(summary).toContain('parse');
      expect(outputs.folder).toBe(join(at.workspace, 'profiles'));
      expect(readFileSync(outputs.report!, 'utf8')).toBe(summary);
      const kept = readdirSync(join(at.artifacts, 'profiles'));
      const profiles = ['base', 'head'].flatMap(side => [1, 2, 3, 4].map(run => `${side}-${run}.pb.gz`));
      const pictures = ['flame.svg', 'flame.html', 'diff.svg', 'diff.html'];
      expect(kept).toEqual(
        expect.arrayContaining([...profiles, ...pictures, 'runs.json', 'report.md', 'junit.xml', 'pull-request.txt']),
      );
    });

    test('and passes one that is not', async () => {
      const { status, outputs, log } = await runAction(machine(clone('same'), pullRequest), inputs);
      expect(status, log).toBe('success');
      expect(outputs.verdict).toMatch(/^(ok|inconclusive)$/);
    });

    test('what it prints can be the metric, and a base can be named', async () => {
      const at = machine(clone('slow', '--depth', '1'));
      const printed = { 'metric-regex': '([\\d.]+) ms/op', 'metric-name': 'ms/op' };
      const { outputs, log } = await runAction(at, {
        ...inputs,
        ...printed,
        runs: '3',
        base: 'same',
        'fail-on': 'total>5%',
      });
      expect(outputs.verdict, log).toBe('regressed');
      const { runs } = JSON.parse(readFileSync(join(outputs.folder!, 'runs.json'), 'utf8'));
      const metrics = new Set(
        runs.map(
          (run: { side: string; metric: number; metricName: string }) => `${run.side} ${run.metric} ${run.metricName}`,
        ),
      );
      expect(metrics).toEqual(new Set(['base 180.5 ms/op', 'head 300.5 ms/op']));
    });

    test.each([
      ['without a base, as on a branch', {}, {}],
      ['where the base is gone', {}, { base: 'no-such-branch' }],
      [
        'where the base cannot be built',
        pullRequest,
        { setup: 'case $PWD in *profiler-base*) exit 1 ;; *) make -s ;; esac' },
      ],
    ])('%s, the head is recorded alone and passes', async (_, env, more) => {
      const { status, outputs, log } = await runAction(machine(clone('same'), env), { ...inputs, runs: '2', ...more });
      expect(status, log).toBe('success');
      expect(outputs.verdict).toBe('no-base');
      expect(existsSync(join(outputs.folder!, 'head-2.pb.gz'))).toBe(true);
    });

    test('a benchmark that fails fails the job, and what was recorded is kept', async () => {
      const at = machine(clone('same'));
      const { status, log } = await runAction(at, { ...inputs, run: './benchmark; exit 9', warmup: '0' });
      expect(status).toBe('failure');
      expect(log).toContain('failed with status 9');
      expect(readdirSync(join(at.artifacts, 'profiles'))).toContain('head-1.pb.gz');
    });

    test.each(['$(touch pwned)`touch pwned`', '--upload-pack=touch pwned;'])(
      '%j is data, and never code',
      async evil => {
        const at = machine(clone('same'));
        await runAction(at, { ...inputs, setup: '', base: evil, 'metric-name': evil, runs: '1', run: 'true' });
        expect(existsSync(join(at.workspace, 'pwned'))).toBe(false);
      },
    );

    test('the example of a workflow', async () => {
      const result = await runWorkflow(machine(clone('slow'), pullRequest), join(examples, 'github.yml'));
      expect(result?.status, result?.log).toBe('failure');
      expect(result?.summary).toMatch(/^<!-- profiler-gate-report -->/);
    });

    describe('the workflow that comments', () => {
      const MARKER = '<!-- profiler-gate-report -->';
      /** The part of GitHub's API that it needs. */
      const requests: { readonly method: string; readonly path: string; readonly body: string }[] = [];
      let comments: readonly unknown[] = [];
      const body = async (request: IncomingMessage) => {
        let text = '';
        for await (const chunk of request) text += chunk;
        return text;
      };
      const server = createServer(async (request, response) => {
        const { method = '', url = '' } = request;
        expect(request.headers.authorization).toBe('Bearer token-of-the-job');
        if (method !== 'GET') requests.push({ method, path: url, body: await body(request) });
        const pull = url === '/repos/o/r/pulls/7' ? { head: { sha: 'abc123' } } : undefined;
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(pull ?? (method === 'GET' ? comments : {})));
      });
      beforeAll(() => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve)));
      afterAll(() => new Promise(resolve => server.close(resolve)));

      async function comment(report: string, number: string, { sha = 'abc123', event = 'pull_request' } = {}) {
        requests.length = 0;
        const workspace = join(folder, `job-${++count}`, 'workspace');
        mkdirSync(workspace, { recursive: true });
        const { port } = server.address() as AddressInfo;
        const env = { GITHUB_API_URL: `http://127.0.0.1:${port}`, GITHUB_REPOSITORY: 'o/r' };
        const at = machine(workspace, env);
        const kept = join(at.artifacts, 'profiles');
        mkdirSync(kept);
        writeFileSync(join(kept, 'report.md'), report);
        writeFileSync(join(kept, 'pull-request.txt'), number);
        const github = { ...at.github, event: { workflow_run: { event, id: '5', head_sha: sha } } };
        const result = await runWorkflow({ ...at, github }, join(examples, 'github-comment.yml'));
        return { result, requests: requests.map(({ method, path }) => `${method} ${path}`), text: requests[0]?.body };
      }
      const report = `${MARKER}\n## slower "by" \\ 5 %\n`;

      test('writes one', async () => {
        comments = [{ id: 1, user: { type: 'User' }, body: `${MARKER} of somebody` }];
        const { result, requests, text } = await comment(report, '7\n');
        expect(result?.status, result?.log).toBe('success');
        expect(requests).toEqual(['POST /repos/o/r/issues/7/comments']);
        expect(JSON.parse(text!)).toEqual({ body: report });
      });

      test('and keeps that one up to date', async () => {
        comments = [{ id: 42, user: { type: 'Bot' }, body: `${MARKER}\nold` }];
        expect((await comment(report, '7\n')).requests).toEqual(['PATCH /repos/o/r/issues/comments/42']);
      });

      test.each([
        ['another commit', report, '7', { sha: 'def456' }, 'success'],
        ['no number', report, '7/../8', {}, 'failure'],
        ['no report', 'anything', '7', {}, 'failure'],
      ])('writes nothing for what is not trusted: %s', async (_, text, number, options, status) => {
        const { result, requests } = await comment(text, number, options);
        expect(requests).toEqual([]);
        expect(result?.status).toBe(status);
      });

      test('and does nothing after other events', async () => {
        expect((await comment(report, '7', { event: 'push' })).result).toBeUndefined();
      });
    });

    test('the example for GitLab', () => {
      const job = z.object({
        before_script: z.array(z.string()),
        script: z.array(z.string()),
        variables: z.record(z.string(), z.string()),
        artifacts: z.object({ paths: z.array(z.string()), reports: z.object({ junit: z.string() }) }),
      });
      const { profile } = z.object({ profile: job }).parse(parse(readFileSync(join(examples, 'gitlab.yml'), 'utf8')));
      const workspace = clone('slow');
      const env = {
        ...process.env,
        ...profile.variables,
        RUNS: '4',
        PATH: `${bin}:${process.env.PATH}`,
        CI: 'true',
        GITLAB_CI: 'true',
        CI_PIPELINE_SOURCE: 'merge_request_event',
        CI_MERGE_REQUEST_DIFF_BASE_SHA: git(workspace, 'merge-base', 'HEAD', 'origin/main'),
      };
      // A runner joins them, and ends with the first that fails.
      const script = ['set -eo pipefail', ...profile.before_script, ...profile.script].join('\n');
      const { status, stderr } = spawnSync('bash', ['-c', script], { cwd: workspace, env, encoding: 'utf8' });
      expect(status, stderr).toBe(3);
      for (const path of [...profile.artifacts.paths, profile.artifacts.reports.junit]) {
        expect(existsSync(join(workspace, path)), path).toBe(true);
      }
      expect(readFileSync(join(workspace, profile.artifacts.reports.junit), 'utf8')).toContain('<testsuite');
    });

    test('the example for any shell', () => {
      const workspace = clone('slow');
      const env = { ...process.env, RUNS: '4', PATH: `${bin}:${process.env.PATH}` };
      const script = join(examples, 'profile.sh');
      const { status, stdout, stderr } = spawnSync('bash', [script], { cwd: workspace, env, encoding: 'utf8' });
      expect(status, stderr).toBe(3);
      expect(stdout).toContain('parse');
      expect(git(workspace, 'worktree', 'list').split('\n')).toHaveLength(1);
    });
  },
);

describe('what the files promise', () => {
  const workflows = ['github.yml', 'github-comment.yml'].map(name => readWorkflow(join(examples, name)));
  const uses = [
    ...ownAction.runs.steps,
    ...workflows.flatMap(({ jobs }) => Object.values(jobs).flatMap(job => job.steps)),
  ];

  test('the version that is installed is this one', () =>
    expect(ownAction.inputs.version!.default).toBe(packageVersion()));

  test('others are pinned by commit, this one by version', () => {
    for (const { uses: used } of uses) {
      if (used === undefined) continue;
      expect(used).toMatch(/^actions\/[\w-]+@[0-9a-f]{40}$|^ebpf-profiler\/ebpf-profiler@v\d+\.\d+\.\d+$/);
    }
    expect(readFileSync(join(examples, 'github.yml'), 'utf8')).toContain(`@v${packageVersion()}`);
    expect(readFileSync(join(examples, 'gitlab.yml'), 'utf8')).toContain(`ebpf-profiler@${packageVersion()}`);
  });

  test('a workflow for forks has no right but to read, and no secret is needed', () => {
    expect(workflows[0]!.permissions).toEqual({ contents: 'read' });
    for (const name of ['github.yml', 'github-comment.yml', 'gitlab.yml']) {
      expect(readFileSync(join(examples, name), 'utf8')).not.toContain('secrets.');
    }
  });
});
