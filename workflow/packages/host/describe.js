// Prints what an installed package has: `node describe.js FOLDER PACKAGE`.
'use strict';

const { describe } = require('./packages');

const write = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);
write(JSON.stringify(describe(process.argv[2], process.argv[3])), () => process.exit(0)); // whatever it left running
