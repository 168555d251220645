// Runs the cases with the generated TypeScript client.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { queryCache, type QueryRequest } from '@vectorcache/client';
import { createClient } from '@vectorcache/client/client';
import { embedded, scripted, type Call, type Json, type Outcome } from './cases.ts';

const { KEY, SCRIPTED_URL, EMBEDDED_URL } = process.env as Record<string, string>;

async function ask(baseUrl: string, body: QueryRequest) {
  const client = createClient({ auth: KEY, baseUrl, parseAs: 'json' });
  return queryCache({ client, body, signal: AbortSignal.timeout(30_000) });
}

function check(outcome: Outcome, { data, error, response }: Awaited<ReturnType<typeof ask>>) {
  for (const [name, value] of Object.entries(outcome.headers ?? {})) {
    assert.equal(response?.headers.get(name), value);
  }
  if (outcome.result !== undefined) {
    assert.ok(data, `it failed: ${JSON.stringify(error)}`);
    assert.equal(error, undefined);
    checkResult(outcome.result, outcome.some ?? [], data);
    return;
  }
  assert.equal(data, undefined);
  const { kind, status, body } = outcome.failure!;
  if (kind === 'connection') {
    assert.equal(response, undefined);
    assert.ok(error instanceof TypeError);
  } else if (kind === 'unusable-answer') {
    assert.ok(error instanceof SyntaxError);
  } else {
    assert.equal(response?.status, status);
  }
  if (body !== undefined) assert.deepEqual(error, body);
}

function checkResult(expected: Json, some: string[], data: Json) {
  const result = withoutNulls(data) as Json;
  for (const path of some) {
    const way = path.split('.');
    const last = way.pop()!;
    const place = way.reduce((inner, name) => inner[name] as Json, result);
    assert.notEqual(place[last], undefined, `${path} is missing`);
    delete place[last];
  }
  assert.deepEqual(result, withoutNulls(expected));
}

// Null and absent mean the same.
function withoutNulls(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(entries.map(([name, inner]) => [name, withoutNulls(inner)]));
}

for (const { name, request, outcome } of scripted) {
  test(name, async () => {
    const address = `${SCRIPTED_URL}/typescript/${name}`;
    check(outcome, await ask(address, request));
    assert.deepEqual(await (await fetch(address)).json(), []);
  });
}

for (const { name, calls } of embedded) {
  test(`embedded: ${name}`, async () => {
    for (const { request, outcome } of calls as Call[]) {
      check(outcome, await ask(EMBEDDED_URL!, request));
    }
  });
}
