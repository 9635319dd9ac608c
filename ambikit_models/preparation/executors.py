"""Many files, many processes: on this machine, or on a cluster of Ray or Dask, through joblib."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from typing import Any, Literal, get_args

from ambikit.errors import AmbikitError, MissingExtraError

__all__ = ["CRASHED", "Executor", "work_through"]

Executor = Literal["local", "ray", "dask"]

#: what is said of an item whose process died
CRASHED = "the process that worked on it died (a crash in a decoder, or too little memory)"


def work_through(
    function: Callable[[Any], dict[str, Any]],
    items: Sequence[Any],
    *,
    workers: int = 2,
    executor: Executor = "local",
    address: str | None = None,
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Call a function on every item, in any order, and give each item with its result.

    Nothing that happens to one item stops the others: an exception, or the death of the process, becomes the result
    ``{"error": ...}``.

    Parameters
    ----------
    function
        Takes an item and returns a dictionary; both must be picklable.
    items
        What to work on.
    workers
        Processes side by side; of a cluster, how many items are under way at once. 1 works in this process.
    executor
        ``"local"``, or ``"ray"`` or ``"dask"`` through joblib's backends (extras ``ray``, ``dask``).
    address
        Of a running cluster (``ray://…``, ``tcp://…``); by default one is started on this machine.

    Examples
    --------
    >>> def inverse(number):
    ...     return {"inverse": 1 / number}
    >>> for item, result in work_through(inverse, [2, 0], workers=1):
    ...     print(item, result)
    2 {'inverse': 0.5}
    0 {'error': 'ZeroDivisionError: division by zero'}
    """
    if workers < 1:
        raise AmbikitError(f"got workers={workers}; expected at least 1")
    guarded = partial(_guarded, function)
    if executor == "local":
        yield from map(guarded, items) if workers == 1 else _in_processes(guarded, list(items), workers)
        return
    if executor not in get_args(Executor):
        raise AmbikitError(f"got executor={executor!r}; expected one of {', '.join(get_args(Executor))}")
    from joblib import Parallel, delayed

    with _cluster(executor, address, workers):
        size = 8 * workers
        for start in range(0, len(items), size):  # a cluster's results come together, so a part at a time
            yield from Parallel(n_jobs=workers, batch_size=1)(delayed(guarded)(i) for i in items[start : start + size])


def _guarded(function: Callable[[Any], dict[str, Any]], item: Any) -> tuple[Any, dict[str, Any]]:
    try:
        return item, function(item)
    except Exception as error:  # whatever it is, it is told, and the other items go on
        said = str(error) if isinstance(error, AmbikitError) else f"{type(error).__name__}: {error}"
        return item, {"error": said}


def _in_processes(guarded: Callable[[Any], Any], items: list[Any], workers: int) -> Iterator[Any]:
    """In processes of this machine; where one dies, what was under way is tried again, one process per item."""
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    pending = dict(enumerate(items))
    while pending:
        under_way = list(pending)[: 2 * workers]
        calls = [delayed(_numbered)(guarded, number, item) for number, item in pending.items()]
        try:
            parallel = Parallel(n_jobs=workers, batch_size=1, pre_dispatch=workers, return_as="generator_unordered")
            results: Any = parallel(calls)
            for number, result in results:
                del pending[number]
                under_way = list(pending)[: 2 * workers]
                yield result
        except TerminatedWorkerError:
            for number in under_way:
                yield _alone(guarded, pending.pop(number))


def _numbered(guarded: Callable[[Any], Any], number: int, item: Any) -> tuple[int, Any]:
    return number, guarded(item)


def _alone(guarded: Callable[[Any], Any], item: Any) -> tuple[Any, dict[str, Any]]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        try:
            return process.submit(guarded, item).result()
        except BrokenProcessPool:
            return item, {"error": CRASHED}


@contextmanager
def _cluster(executor: str, address: str | None, workers: int) -> Iterator[None]:
    from joblib import parallel_config

    if executor == "ray":
        try:
            import ray  # pyright: ignore[reportMissingImports]
            from ray.util.joblib import register_ray  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise _missing("ray") from error
        ours = not ray.is_initialized()
        if ours:
            here = {} if address else {"num_cpus": workers, "include_dashboard": False}
            ray.init(address=address, log_to_driver=False, **here)
        register_ray()
        try:
            with parallel_config(backend="ray"):
                yield
        finally:
            if ours:
                ray.shutdown()
        return
    try:
        from distributed import Client  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise _missing("dask") from error
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    here = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
    with Client(address) if address else Client(**here), parallel_config(backend="dask"):
        yield


def _missing(extra: str) -> MissingExtraError:
    return MissingExtraError(
        f"got executor={extra!r}, whose package is not installed; expected it for work on a cluster; install it with: "
        f"pip install 'ambikit[{extra}]', or use executor='local'"
    )
