import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodePprof } from '../../src/decode/pprof.ts';
import type { Profile } from '../../src/model/profile.ts';
import { testFolder } from '../support/folder.ts';
import { readPprof } from '../support/pprof.ts';
import { expectConsistent, sampleTexts } from './support.ts';

const PROGRAM = `package main

import (
	"context"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"
)

var kept [][]byte

func spin(until time.Time) (n int) {
	for time.Now().Before(until) {
		for i := 0; i < 100000; i++ {
			n += i * n
		}
	}
	return n
}

func allocate() {
	for i := 0; i < 100; i++ {
		kept = append(kept, make([]byte, 1<<20))
	}
}

func contend() {
	var mutex sync.Mutex
	var group sync.WaitGroup
	for i := 0; i < 4; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for j := 0; j < 20; j++ {
				mutex.Lock()
				time.Sleep(time.Millisecond)
				mutex.Unlock()
			}
		}()
	}
	group.Wait()
}

func write(name string) {
	file, _ := os.Create(os.Args[1] + "/" + name + ".pb.gz")
	defer file.Close()
	pprof.Lookup(name).WriteTo(file, 0)
}

func main() {
	runtime.SetMutexProfileFraction(1)
	file, _ := os.Create(os.Args[1] + "/cpu.pb.gz")
	pprof.StartCPUProfile(file)
	pprof.Do(context.Background(), pprof.Labels("phase", "spin"), func(context.Context) {
		spin(time.Now().Add(700 * time.Millisecond))
	})
	pprof.StopCPUProfile()
	file.Close()
	allocate()
	contend()
	write("heap")
	write("mutex")
	write("goroutine")
}
`;

const path = testFolder();
const hasGo = spawnSync('go', ['version']).status === 0;
const title = `profiles that Go has made${hasGo ? '' : ' (skipped: needs Go)'}`;

/** The same of pprof-format's objects. */
function oracle(name: string, value: number): string[] {
  return readPprof(path(`${name}.pb.gz`)).samples.map(({ frames, values, labels }) => {
    const texts = Object.entries(labels).map(([key, text]) => ` ${key}=${text}`);
    return `${frames.join(';')} ${values[value]}${texts.join('')}`;
  });
}

function decoded(name: string): Profile {
  const profile = decodePprof(readFileSync(path(`${name}.pb.gz`)));
  expectConsistent(profile);
  return profile;
}

describe.skipIf(!hasGo)(title, () => {
  let made = false;
  const make = () => {
    if (made) return;
    writeFileSync(path('main.go'), PROGRAM);
    execFileSync('go', ['run', path('main.go'), path()], { env: { ...process.env, GOFLAGS: '', GO111MODULE: 'off' } });
    made = true;
  };

  test.each(['cpu', 'heap', 'mutex', 'goroutine'])('%s', { timeout: 120_000 }, name => {
    make();
    const profile = decoded(name);
    expect(profile.samples.length).toBeGreaterThan(0);
    for (const value of profile.sampleTypes.keys()) expect(sampleTexts(profile, value)).toEqual(oracle(name, value));
  });

  test('what is in them', { timeout: 120_000 }, () => {
    make();
    const [cpu, heap] = [decoded('cpu'), decoded('heap')];
    expect(sampleTexts(cpu).some(text => /main\.spin.* phase=spin$/.test(text))).toBe(true);
    expect(cpu.sampleTypes).toEqual([
      { type: 'samples', unit: 'count' },
      { type: 'cpu', unit: 'nanoseconds' },
    ]);
    expect([cpu.period, cpu.periodType.type]).toEqual([10_000_000, 'cpu']);
    expect(Math.abs(cpu.startTimeMs - Date.now())).toBeLessThan(3_600_000);
    expect(heap.sampleTypes.map(({ type }) => type)).toEqual([
      'alloc_objects',
      'alloc_space',
      'inuse_objects',
      'inuse_space',
    ]);
    expect(sampleTexts(heap, 3).some(text => /main\.allocate \d{7,} bytes=\d+$/.test(text))).toBe(true);
    expect(cpu.mappings.every(({ filename, start, limit }) => filename !== '' && start < limit)).toBe(true);
  });
});
