/** Writes docs/agent.schema.json, or with --check says whether it is what it should be. */
import { readFileSync, writeFileSync } from 'node:fs';
import { packageRoot } from '../package.ts';
import { agentSchemaText } from './config-json-schema.ts';

const OUTPUT = `${packageRoot}docs/agent.schema.json`;

const text = agentSchemaText();
if (!process.argv.includes('--check')) {
  writeFileSync(OUTPUT, text);
} else if (readFileSync(OUTPUT, 'utf8') !== text) {
  process.stderr.write(`${OUTPUT} differs from src/agent/config-schema.ts: run \`npm run generate\` and commit it\n`);
  process.exitCode = 1;
}
