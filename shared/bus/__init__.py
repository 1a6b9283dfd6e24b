"""The bus: how services tell each other facts. One port, two transports, one delivery policy.

`port` says what is promised, `policy` decides what happens to what failed, `rabbit` and `postgres`
keep the promises. `tests/shared/bus/contract.py` runs on both, so that they cannot drift.
"""
