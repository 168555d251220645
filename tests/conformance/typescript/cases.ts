// The conformance cases, read from the JSON files; see schema.json.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { QueryRequest } from '@vectorcache/client';

export type Json = Record<string, unknown>;

export type Outcome = {
  result?: Json;
  some?: string[];
  failure?: { kind: string; status?: number; body?: unknown };
  headers?: Record<string, string>;
};

export type Call = { request: QueryRequest; outcome: Outcome };

type Case = Partial<Call> & { name: string; clients?: string[]; calls?: Call[] };

const folder = process.env.CASES!;

function read(...path: string[]) {
  return JSON.parse(readFileSync(join(folder, ...path), 'utf8'));
}

const definitions = read('schema.json').$defs;
const defaults: Call = {
  request: definitions.request.default,
  outcome: definitions.scripted.properties.outcome.default,
};

const cases: Case[] = readdirSync(join(folder, 'cases'))
  .flatMap((name): Case[] => read('cases', name).cases)
  .filter(({ clients }) => clients?.includes('typescript') ?? true);

/** One call to a service that sends the answers of the case. */
export const scripted = cases
  .filter(({ calls }) => calls === undefined)
  .map((one) => ({ ...defaults, ...one }));

/** Several calls to the embedded service, one after the other. */
export const embedded = cases.flatMap(({ name, calls }) =>
  calls === undefined ? [] : [{ name, calls }],
);
