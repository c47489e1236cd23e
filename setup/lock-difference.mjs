// Exits 0 when node_modules holds what package-lock.json asks for, else 1 with the first difference on stdout.
// `npm install` of the same packages is as good as `npm ci`, so the contents are compared, not times.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const project = process.argv[2] ?? '.';
const packagesOf = (file) => JSON.parse(readFileSync(join(project, file), 'utf8')).packages;
const installedList = 'node_modules/.package-lock.json';

const difference = firstDifference();
if (difference) {
  console.log(difference);
  process.exitCode = 1;
}

function firstDifference() {
  if (!existsSync(join(project, installedList))) return 'none are installed';
  const installed = packagesOf(installedList);
  for (const [path, wanted] of Object.entries(packagesOf('package-lock.json'))) {
    if (path === '' || wanted.link) continue;
    const found = installed[path];
    // npm leaves out what is made for other machines.
    if (!found && wanted.optional) continue;
    if (!found || !existsSync(join(project, path))) return `${path} is missing`;
    if (found.version !== wanted.version || found.integrity !== wanted.integrity)
      return `${path} is ${found.version}, not ${wanted.version}`;
  }
  return undefined;
}
