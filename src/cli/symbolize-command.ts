/** `profiler symbolize`: its options. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { collect } from './record-flags.ts';
import type { SymbolizeFlags } from './symbolize.ts';
import { tuneV8 } from './v8-flags.ts';

const EXAMPLES = `
Examples:
  profiler symbolize --elf ./server 0x401136 401200
  profiler symbolize --elf ./server --format addr2line <addresses.txt
  sudo profiler symbolize --pid 1234 7f12a40b3c10 ffffffff81000000
  profiler symbolize --elf ./server --format json - <addresses.txt | jq .frames

Addresses are hexadecimal, with or without 0x: those of the file (as nm and objdump -d print them), or those of the
process, kernel addresses too. From standard input they come one a line, what follows a space is ignored, and each line
has its answer in the same place: a line that is no address is answered like an address that nothing is known of.
Addresses are looked up as they are: to name the call of a return address, give the byte before it.`;

function processId(value: string): number {
  const pid = Number(value);
  if (!/^\d+$/.test(value) || pid < 1 || pid > 2 ** 22) throw new InvalidArgumentError('It is no process id.');
  return pid;
}

export function symbolizeCommand(): Command {
  return new Command('symbolize')
    .description('functions, inlined calls and source lines of addresses, as addr2line prints them, as text or JSON')
    .argument('[addresses...]', 'addresses; - or none: standard input')
    .option('--elf <file>', 'program or library that the addresses are of')
    .addOption(new Option('--pid <pid>', 'process that the addresses are of').argParser(processId).conflicts('elf'))
    .addOption(
      new Option('--format <format>', 'addr2line (as addr2line -f -C -i), json (an object a line) or text')
        .choices(['addr2line', 'json', 'text'])
        .default('text'),
    )
    .option('--no-inlines', 'leave out inlined calls')
    .option('--no-lines', 'leave out source files and lines')
    .option('--debug-dir <dir>', 'look for debug files here first, then in /usr/lib/debug; may repeat', collect, [])
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .action(async (addresses: string[], flags: SymbolizeFlags) => {
      tuneV8('symbolize');
      const { symbolizeAddresses } = await import('./symbolize.ts');
      process.exitCode = await symbolizeAddresses(addresses, flags);
    });
}
