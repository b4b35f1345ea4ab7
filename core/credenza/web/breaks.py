"""A thread that computes for long takes short breaks, so that whoever wakes up beside it need not wait.

A thread that wakes up on a processor where another one computes gets it at Linux's next tick, up to 4 ms later, however
nice the other one is, because the kernel lets a slice end. It gets it at once from one that sleeps.

timer_create(2), sched(7).
"""

from __future__ import annotations

import ctypes
import signal
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from time import CLOCK_MONOTONIC

EVERY = 700_000  # nanoseconds
SIGEV_THREAD_ID = 4


class _SignalEvent(ctypes.Structure):
    """struct sigevent of Linux, on 64 bits."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("thread", ctypes.c_int),
        ("rest", ctypes.c_int * 11),
    )


@contextmanager
def short_breaks() -> Iterator[None]:
    """In it the calling thread sleeps for about 0.1 ms in every 0.7 ms, also in C; no other thread does.

    For code in C that has let go of the GIL. Where the system has no such timers, or has none left, nothing happens.
    """
    libc = _prepared()
    timer = ctypes.c_void_p()
    event = _SignalEvent(None, signal.SIGRTMIN if libc else 0, SIGEV_THREAD_ID, threading.get_native_id())
    if libc is None or libc.timer_create(CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(timer)):
        yield
        return
    try:
        libc.timer_settime(timer, 0, struct.pack("4q", 0, EVERY, 0, EVERY), None)
        yield
    finally:
        libc.timer_delete(timer)


@lru_cache(maxsize=1)
def _prepared() -> ctypes.CDLL | None:
    """The C library, after the process has learnt to sleep at a signal for as many microseconds as is its number, 34.

    What the signal calls is usleep itself: it takes an integer as a signal's handler does, and no Python runs in it.
    """
    if sys.platform != "linux" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "timer_create"):  # glibc before 2.34 has it in another library
        return None
    libc.timer_delete.argtypes = (ctypes.c_void_p,)
    libc.timer_settime.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
    libc.signal.argtypes, libc.signal.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    libc.signal(signal.SIGRTMIN, ctypes.cast(libc.usleep, ctypes.c_void_p))
    return libc
