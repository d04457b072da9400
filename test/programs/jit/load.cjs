// Burns CPU time in functions with known names: one that is compiled, called by one that is interpreted, and one that
// has no name.
//   node load.cjs SECONDS
const deadline = Date.now() + 1000 * Number(process.argv[2] ?? 10);

function compiled(rounds) {
  let sum = 0;
  for (let i = 0; i < rounds; i++) sum += Math.sqrt(i) * (i % 7);
  return sum;
}

// Called too seldom to be compiled for a while.
function interpreted() {
  return compiled(3_000_000) + [1].map(() => compiled(1_000_000))[0];
}

let total = 0;
while (Date.now() < deadline) total += interpreted();
if (total === 0) process.exitCode = 1;
