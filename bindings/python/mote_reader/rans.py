# SPDX-License-Identifier: Apache-2.0
"""rANS (codecs.md 3.1-3.3), with the states of a trellis (8.2) and with tables that adapt (8.5).

A *stream* is the symbols plane of one segment. It consists of rows; each row picks a table (or a pair of tables) and
starts at lane 0. What comes out is a *code* for each value, 32 * table + symbol, and its low bits. Streams of one plane
do not depend on each other: if they have many lanes together, one step of all of them is one round of numpy calls."""

from bisect import bisect_right

import numpy as np

from .status import MoteError, check

LOW, HIGH = 1 << 16, 1 << 32
BATCH = 48              # lanes together from which on numpy is the faster one


class Bank:
    """Tables that a plane picks from; `trellis` (an object with n_states and next) makes them pairs if it has more than
    one state: row pick p uses table p or 2 p + (state mod 2)."""

    def __init__(self, tables, trellis=None, adaptive=False):
        self.tables, self.adaptive = tables, adaptive
        self.trellis = trellis if trellis and trellis.n_states > 1 else None
        self.lo = np.array([t.lo for t in tables], np.int64)
        self.shift = np.array([t.shift for t in tables], np.int64)
        self.n_symbols = np.array([len(t.freq) for t in tables], np.int64)
        self._slots = None

    def slots(self):
        """For numpy, one entry for each slot of each table: first entry of a table, frequency, slot - cum, code."""
        if self._slots is None:
            freq, offset, code, start = [], [], [], []
            at = 0
            for i, t in enumerate(self.tables):
                f = np.array(t.freq, np.int64)
                start.append(at)
                at += 1 << t.precision
                freq.append(np.repeat(f, f))
                offset.append(np.arange(1 << t.precision) - np.repeat(np.array(t.cum[:-1], np.int64), f))
                code.append(np.repeat(32 * i + np.arange(len(f)), f))
            self._slots = (np.array(start, np.int32), np.concatenate(freq).astype(np.uint32),
                           np.concatenate(offset).astype(np.uint32), np.concatenate(code).astype(np.int32))
        return self._slots

    def levels(self, code, low):
        """The value of each code that is no escape."""
        table, symbol = code >> 5, code & 31
        return self.lo[table] + (symbol << self.shift[table]) + low


def decode(bank, lanes, streams, rows, picks):
    """The codes and low bits of all streams, one after the other. rows[i], picks[i]: arrays of what stream i has."""
    live = []
    for i, stream in enumerate(streams):
        if rows[i].sum() == 0:
            check(not stream, "STREAM", "bytes without values")
        else:
            check(len(stream) >= 4 * lanes and len(stream) % 2 == 0, "STREAM", "no states, or half a word")
            live.append(i)
    if not live:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    args = bank, lanes, [streams[i] for i in live], [rows[i] for i in live], [picks[i] for i in live]
    if len(live) * lanes >= BATCH and not bank.adaptive:
        return _many(*args)
    one = _adaptive if bank.adaptive else _trellis if bank.trellis else _plain
    codes, lows = zip(*(one(bank, lanes, s, r.tolist(), p.tolist()) for s, r, p in zip(*args[2:])))
    return (np.concatenate([np.array(c, np.int64) for c in codes]),
            np.concatenate([np.array(x, np.int64) for x in lows]))


def _begin(stream, lanes):
    states = np.frombuffer(stream, "<u4", lanes).tolist()
    check(min(states) >= LOW, "STREAM", "a state at the start")
    return states, iter(np.frombuffer(stream, "<u2", offset=4 * lanes).tolist())


def _end(states, words):
    check(all(x == LOW for x in states), "STREAM", "a state at the end")
    check(next(words, None) is None, "STREAM", "words are left")


def _plain(bank, lanes, stream, rows, picks):
    """3.3, a value at a time."""
    states, words = _begin(stream, lanes)
    codes, lows = [], []
    try:
        for n, pick in zip(rows, picks):
            t = bank.tables[pick]
            cum, freq, p, mask, s, low_mask = t.cum, t.freq, t.precision, (1 << t.precision) - 1, t.shift, \
                (1 << t.shift) - 1
            base, last = 32 * pick, len(freq)
            for i in range(n):
                lane = i % lanes
                x = states[lane]
                slot = x & mask
                k = bisect_right(cum, slot, 0, last) - 1
                x = freq[k] * (x >> p) + slot - cum[k]
                codes.append(base + k)
                lows.append(x & low_mask)
                x >>= s
                if x < LOW:
                    x = x << 16 | next(words)
                states[lane] = x
    except StopIteration:
        raise MoteError("STREAM", "too few words") from None
    _end(states, words)
    return codes, lows


def _trellis(bank, lanes, stream, rows, picks):
    """8.2: as _plain, but each lane has a state that selects one of two tables."""
    states, words = _begin(stream, lanes)
    codes, lows, path, following = [], [], [0] * lanes, bank.trellis.next
    try:
        for n, pick in zip(rows, picks):
            pair = [(t.cum, t.freq, len(t.freq), t.lo) for t in bank.tables[2 * pick:2 * pick + 2]]
            t = bank.tables[2 * pick]
            p, mask, s, low_mask = t.precision, (1 << t.precision) - 1, t.shift, (1 << t.shift) - 1
            for i in range(n):
                lane = i % lanes
                x, state = states[lane], path[lane]
                q = state & 1
                cum, freq, last, lo = pair[q]
                slot = x & mask
                k = bisect_right(cum, slot, 0, last) - 1
                x = freq[k] * (x >> p) + slot - cum[k]
                low = x & low_mask
                codes.append(64 * pick + 32 * q + k)
                lows.append(low)
                path[lane] = following[2 * state + (lo + (k << s) + low & 1)]
                x >>= s
                if x < LOW:
                    x = x << 16 | next(words)
                states[lane] = x
    except StopIteration:
        raise MoteError("STREAM", "too few words") from None
    _end(states, words)
    return codes, lows


def _adaptive(bank, lanes, stream, rows, picks):
    """8.5: one lane; 48 tables for each pair, which learn."""
    (x,), words = _begin(stream, lanes)
    two = 2 if bank.trellis else 1
    following = bank.trellis.next if bank.trellis else [0, 0]
    learned = {}                        # (g, h, table): A[0..15]
    codes, lows, state, last, before = [], [], 0, 0, 0
    try:
        for n, pick in zip(rows, picks):
            for _ in range(n):
                q = state & 1
                table = two * pick + q
                t = bank.tables[table]
                key = ((before > 0) - (before < 0), min(max(last, -4), 3), table)
                a = learned.get(key)
                if a is None:
                    a = [255 * c >> 5 for c in t.cum[:16]]
                c = [j + (v >> 3) for j, v in enumerate(a)]
                slot = x & 4095
                k = bisect_right(c, slot) - 1
                x = ((c[k + 1] if k < 15 else 4096) - c[k]) * (x >> 12) + slot - c[k]
                learned[key] = [v + (-v >> 5) for v in a[:k + 1]] + [v + (32640 - v >> 5) for v in a[k + 1:]]
                low = x & (1 << t.shift) - 1
                codes.append(32 * table + k)
                lows.append(low)
                state = following[2 * state + (t.lo + (k << t.shift) + low & 1)]
                before, last = last, k - (-t.lo >> t.shift)
                x >>= t.shift
                if x < LOW:
                    x = x << 16 | next(words)
    except StopIteration:
        raise MoteError("STREAM", "too few words") from None
    _end([x], words)
    return codes, lows


def _many(bank, lanes, streams, rows, picks):
    """_plain and _trellis for many lanes: all streams do step t together."""
    # The streams that go on are in front of those that have ended.
    order = sorted(range(len(streams)), key=lambda i: -int((-(-rows[i] // lanes)).sum()))
    steps, width, pick = [], [], []
    for i in order:
        r = rows[i].astype(np.int64)
        n = -(-r // lanes)
        first = np.cumsum(n) - n
        steps.append(int(n.sum()))
        place = np.arange(steps[-1]) - np.repeat(first, n)
        width.append(np.minimum(np.repeat(r, n) - place * lanes, lanes))
        pick.append(np.repeat(picks[i], n))
    n_streams, n_steps = len(streams), steps[0]
    # [step, stream]
    widths, which = np.zeros((n_steps, n_streams), np.int64), np.zeros((n_steps, n_streams), np.int64)
    for j in range(n_streams):
        widths[:steps[j], j], which[:steps[j], j] = width[j], pick[j]
    alive = np.searchsorted(-np.array(steps), -np.arange(n_steps), "left").tolist()     # streams with more than t steps
    whole = (np.minimum.accumulate(widths[:, ::1], axis=1)[np.arange(n_steps), np.array(alive) - 1] == lanes).tolist()

    x = np.stack([np.frombuffer(streams[i], "<u4", lanes) for i in order]).astype(np.uint32)
    check(bool((x >= LOW).all()), "STREAM", "a state at the start")
    words = [np.frombuffer(streams[i], "<u2", offset=4 * lanes) for i in order]
    ends = np.cumsum([len(w) for w in words])
    at = (ends - [len(w) for w in words]).astype(np.int64)
    words = np.concatenate(words + [np.zeros(lanes + 1, np.uint16)]).astype(np.uint32)
    limit = len(words) - 1

    start, freq, offset, code = bank.slots()
    precision = np.array([t.precision for t in bank.tables], np.uint32)
    shift = bank.shift.astype(np.uint32)
    same = len(set(precision.tolist())) == 1 and len(set(shift.tolist())) == 1
    trellis, lane = bank.trellis, np.arange(lanes)
    if trellis:
        following = np.array(trellis.next, np.int32)
        odd = (bank.lo[code >> 5] + ((code & 31) << bank.shift[code >> 5]) & 1).astype(np.int32)
        path = np.zeros((n_streams, lanes), np.int32)
    p, s = precision[0], shift[0]
    out = np.zeros((n_steps, n_streams, lanes), np.int32)
    out_low = np.zeros((n_steps, n_streams, lanes), np.uint8) if shift.any() else None
    for t in range(n_steps):
        m = alive[t]
        table = which[t, :m, None]
        y = x[:m]
        if trellis:
            table = 2 * table + (path[:m] & 1)
        if not same:
            p, s = precision[table], shift[table]
        slot = start[table] + (y & (np.uint32(1) << p) - np.uint32(1)).astype(np.int32)
        y = freq[slot] * (y >> p) + offset[slot]
        out[t, :m] = slot
        if out_low is not None:
            low = y & (np.uint32(1) << s) - np.uint32(1)
            out_low[t, :m] = low
            y = y >> s
        need = y < LOW
        if not whole[t]:
            active = lane < widths[t, :m, None]
            need &= active
        taken = np.cumsum(need, axis=1)
        word = words[np.minimum(at[:m, None] + taken - 1, limit)]
        y = np.where(need, y << np.uint32(16) | word, y)
        at[:m] += taken[:, -1]
        if trellis:
            parity = odd[slot] if out_low is None else odd[slot] ^ (low & np.uint32(1)).astype(np.int32)
            forward = following[2 * path[:m] + parity]
        if not whole[t]:
            y = np.where(active, y, x[:m])
            if trellis:
                forward = np.where(active, forward, path[:m])
        x[:m] = y
        if trellis:
            path[:m] = forward
    check(bool((at == ends).all()), "STREAM", "too few words, or some are left")
    check(bool((x == LOW).all()), "STREAM", "a state at the end")

    back = sorted(range(n_streams), key=lambda j: order[j])
    codes, lows = [], []
    for j in back:
        valid = lane < widths[:steps[j], j, None]
        codes.append(code[out[:steps[j], j][valid]])
        if out_low is not None:
            lows.append(out_low[:steps[j], j][valid])
    codes = np.concatenate(codes).astype(np.int64)
    return codes, np.concatenate(lows).astype(np.int64) if lows else np.zeros(len(codes), np.int64)
