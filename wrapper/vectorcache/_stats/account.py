"""What is told of one call while it goes on, to its client's statistics and observers."""

from __future__ import annotations

import attrs

from .._call.failure import Failure
from .._observer import FailedAttempt, FinishedCall, Observed
from .._query import Query
from .._response import VectorcacheResponse
from .recorder import Recorder


@attrs.define
class Account:
    """Tells of one call.

    Attributes:
        recorder: the client's statistics.
        query: what is asked.
        observed: the client's observers; None for none.
        result: the answer, once there is one.
    """

    recorder: Recorder
    query: Query
    observed: Observed | None
    result: VectorcacheResponse | None = None

    def started(self) -> None:
        if self.observed is not None:
            self.observed.started()

    def attempt_failed(
        self, failure: Failure, number: int, elapsed: float, retry_in: float | None
    ) -> None:
        if self.observed is not None:
            self.observed.attempt_failed(
                FailedAttempt(
                    number,
                    failure.error,
                    failure.text,
                    failure.status_code,
                    failure.request_id,
                    elapsed,
                    retry_in,
                )
            )

    def ended(self, error: BaseException | None, attempts: int, elapsed: float) -> None:
        result = self.result if error is None else None
        group = self.query.model, self.query.context
        if result is not None and result.meta.error is not None:
            self.recorder.stood_in(*group, attempts)
        elif result is not None:
            hit, score, saved = result.cache_hit, result.similarity_score, result.cost_saved
            self.recorder.answered(*group, hit, score, saved, elapsed, attempts)
        elif isinstance(error, Exception):
            self.recorder.failed(*group, type(error).__name__, attempts)
        else:
            self.recorder.cancelled(*group, attempts)
        if self.observed is not None:
            self.observed.finished(FinishedCall(result, error, attempts, elapsed))
