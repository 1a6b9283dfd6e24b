"""`make bench`: all measurements, or those named. `python -m tests.benchmarks --help`."""

import argparse
import asyncio
import platform
import sys

import uvloop

from tests.benchmarks.adms import bench_adms
from tests.benchmarks.closing import bench_closing
from tests.benchmarks.engine import bench_engine
from tests.benchmarks.live import bench_live
from tests.benchmarks.machines import bench_log, bench_machines
from tests.benchmarks.many import bench_many
from tests.benchmarks.plans import bench_plans
from tests.benchmarks.publishing import bench_publishing
from tests.benchmarks.reads import bench_reads
from tests.benchmarks.recompute import bench_recompute
from tests.benchmarks.workers import bench_workers
from tests.servers import find_postgres, find_rabbit

ALL = (
    "workers",
    "publishing",
    "live",
    "log",
    "machines",
    "many",
    "adms",
    "engine",
    "recompute",
    "closing",
    "reads",
    "plans",
)


async def measure(arguments: argparse.Namespace) -> int:
    with find_postgres("bench") as postgres, find_rabbit("bench") as rabbit:
        if rabbit is None:
            sys.stderr.write("These measurements need a RabbitMQ (make services, or MUSTER_TEST_BUS_URL).\n")
            return 1
        sys.stdout.write(f"Python {platform.python_version()}, PostgreSQL {postgres.how}, RabbitMQ {rabbit.how}\n")
        if "workers" in arguments.only:
            await bench_workers(postgres, rabbit, scans=arguments.scans or 200_000, rounds=arguments.rounds)
        if "publishing" in arguments.only:
            await bench_publishing(postgres, rabbit, rounds=arguments.rounds)
        if "live" in arguments.only:
            await bench_live(postgres, rabbit, seconds=arguments.seconds)
        if "log" in arguments.only:
            await bench_log(rounds=arguments.rounds)
        if "machines" in arguments.only:
            await bench_machines(postgres, rabbit, rounds=arguments.rounds, seconds=arguments.seconds)
        if "many" in arguments.only:
            await bench_many(postgres, seconds=arguments.seconds)
        if "adms" in arguments.only:
            await bench_adms(postgres, rabbit, rounds=arguments.rounds)
        if "closing" in arguments.only:
            await bench_closing(postgres, rounds=arguments.rounds)
        if "engine" in arguments.only:
            bench_engine(rounds=arguments.rounds)
        if "recompute" in arguments.only:
            await bench_recompute(postgres, rabbit, people=arguments.people, rounds=arguments.rounds)
        if "reads" in arguments.only:
            await bench_reads(postgres, rabbit, rounds=arguments.rounds)
        if "plans" in arguments.only:
            await bench_plans(postgres, scans=arguments.scans or 5_000_000, days=arguments.days)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("only", nargs="*", default=ALL, help=f"of {', '.join(ALL)}")
    parser.add_argument("--scans", type=int, help="200,000 for workers, 5,000,000 for plans unless it is said")
    parser.add_argument("--people", type=int, default=10_000, help="whose month is computed again")
    parser.add_argument("--days", type=int, default=4_000_000, help="for plans")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=20, help="how long live latency is measured")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
