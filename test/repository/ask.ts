/*
 * A process that asks a repository whether it is one, says what it got, and ends by itself when nothing holds it:
 * `node ask.js <child> <folder>`.
 */
import { RemoteRepository } from '../../repository/remote.ts';

const [, , entry = '', folder = ''] = process.argv;
const repository = new RemoteRepository(folder, { entry });
const answer = repository.open(false, { deadlineMs: 600_000 });
console.log('asked');
console.log((await answer).formatVersion);
