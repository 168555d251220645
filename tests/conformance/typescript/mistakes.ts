// Code that openapi.yaml does not allow must not compile: each line must be an error.

import { queryCache } from '@vectorcache/client';

const { data, error } = await queryCache({ body: { prompt: 'Q', model: 'm' } });

// @ts-expect-error: model is required.
await queryCache({ body: { prompt: 'Q' } });
// @ts-expect-error: the value must be a string.
await queryCache({ body: { prompt: 'Q', model: 1 } });
// @ts-expect-error: this field does not exist.
await queryCache({ body: { prompt: 'Q', model: 'm', promt: 'Q' } });
// @ts-expect-error: the call may have failed.
export const unchecked: string = data.response;
// @ts-expect-error: a miss has no score.
export const score: number = data!.similarity_score;
// @ts-expect-error: the value is a number.
export const wait: string | undefined = error!.retry_after;
