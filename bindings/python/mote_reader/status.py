# SPDX-License-Identifier: Apache-2.0
"""Statuses (format.md 13, registry.md 7): a refusal is an exception that carries one of them."""

VALUES = {
    "NEED_INPUT": 1, "NEED_OUTPUT": 2, "OK": 0,
    "ARG": -1, "STATE": -2, "NOMEM": -3, "IO": -4, "MISSING_TENSOR": -5,
    "MAGIC": -10, "VERSION": -11, "SUITE": -12, "TRUNCATED": -13, "TRAILING": -14, "VARINT": -15, "LIMIT": -16,
    "RESERVED": -17, "ORDER": -18, "CRITICAL": -19, "MISSING": -20, "VALUE": -21, "UTF8": -22, "TREE": -23,
    "RECORD": -24, "FACTS": -25, "SHAPE": -26, "MODEL": -30,
    "DIGEST": -40, "SIGNATURE": -41, "UNSIGNED": -42, "UNTRUSTED": -43, "KEY": -44, "PASSPHRASE": -45,
    "NAME": -50, "VENDOR": -51, "CLASS": -52, "ROLLBACK": -53, "SAME_SEQUENCE": -54, "INSTALLED": -55, "NEEDS": -56,
    "MEMORY": -57,
    "TABLE": -60, "STREAM": -61, "RANGE": -62, "SCALE": -63, "INDEX": -64, "PADDING": -65, "UNSUPPORTED": -66,
    "HEAD": -67, "ZSTD": -68,
}


class MoteError(Exception):
    """A refusal. `status` is the name of registry.md 7 without ERR_, `value` its number, `detail` is for people."""

    def __init__(self, status, detail=""):
        self.status, self.value, self.detail = status, VALUES[status], detail
        super().__init__(f"{status}: {detail}" if detail else status)


def check(condition, status, detail=""):
    """Refuses with `status` unless `condition` holds."""
    if not condition:
        raise MoteError(status, detail)
