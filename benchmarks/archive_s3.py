"""Write objects of four files into an archive in a bucket with Object Lock, against bare boto3 puts of the same files.

    python -m benchmarks.archive_s3 [--rounds 3] [--objects 100] [--megabytes 1.0 0.004] [--threads 8]

SeaweedFS runs on this machine and takes its share of it. Both sides take turns and write the same keys and bytes with a
SHA-256 and a lock in governance mode: an OCFL object's four files, its declaration, and twice the inventory with its
sidecar. The archive besides looks what is there, stages, hashes, keeps the order in which things may be seen, and
enters all of it into the ledger, which lies in the bucket, too. Bare puts of the four files alone are told beside it.

Aim: at most 1.3 times the time of the bare puts.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import uuid
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.archive_objects import AUTHOR, Recordings
from zcc_pipeline.archive.ledger import Action, Entry, Ledger, signer_of
from zcc_pipeline.archive.ledger.bucket_shelf import BucketShelf
from zcc_pipeline.archive.ledger.keys import new_key
from zcc_pipeline.archive.ocfl import ObjectStore
from zcc_pipeline.archive.ocfl.layout import object_key
from zcc_pipeline.archive.storage import Lock
from zcc_pipeline.archive.storage.s3 import Bucket, S3Place
from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline_tests.seaweed import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, Seaweed, running_seaweed

LOCKED_UNTIL = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


def time_archive(seaweed: Seaweed, url: str, scratch: Path, objects: int, megabytes: float, threads: int) -> float:
    """Seconds for all objects and their entries."""
    clock, recordings = SystemClock(), Recordings(int(megabytes * 1_000_000))
    place = S3Place(Bucket(url, seaweed.access), scratch, clock=clock)
    store = ObjectStore(place, clock=clock)
    store.prepare()
    signer = signer_of(new_key(), "benchmark")
    shelf = BucketShelf(place, "ledger", wait=time.sleep)
    ledger = Ledger(shelf, origin="benchmark", trusted=(signer.verifier,), clock=clock, signers=(signer,))
    snapshots = [recordings.snapshot(number) for number in range(objects)]

    def write(number: int) -> Entry:
        done = store.write(snapshots[number], message="benchmark", author=AUTHOR, lock=Lock(LOCKED_UNTIL))
        return Entry(Action.CREATE, "benchmark", "1", done.object_id, done.version, done.inventory_sha512)

    begin = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        ledger.append(list(pool.map(write, range(objects))))
    return time.perf_counter() - begin


def time_bare(client: Any, url: str, bodies: Callable[[int], dict[str, bytes]], objects: int, threads: int) -> float:  # noqa: ANN401
    """Seconds for the puts alone."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")

    def put(number: int) -> None:
        for name, body in bodies(number).items():
            client.put_object(
                Bucket=bucket,
                Key=f"{prefix}/{name}",
                Body=body,
                ChecksumSHA256=b64encode(sha256(body).digest()).decode(),
                ObjectLockMode="GOVERNANCE",
                ObjectLockRetainUntilDate=LOCKED_UNTIL,
            )

    begin = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(put, range(objects)))
    return time.perf_counter() - begin


def written_by_the_archive(seaweed: Seaweed, url: str, objects: int) -> list[dict[str, bytes]]:
    """Of each object what the archive has put, by key."""
    place = S3Place(Bucket(url, seaweed.access), Path(tempfile.gettempdir()) / "unused", clock=SystemClock())
    found = []
    for number in range(objects):
        key = object_key(f"urn:zoom-cc:bench:engagement:{number:09d}")
        found.append({each: place.read(each) or b"" for each in place.keys(key)})
    return found


def compare(seaweed: Seaweed, objects: int, megabytes: float, threads: int, rounds: int) -> None:
    """One size; prints medians."""
    client = boto3.client(
        "s3",
        endpoint_url=seaweed.endpoint_url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        config=Config(s3={"addressing_style": "path"}, max_pool_connections=32),
    )
    ours: list[float] = []
    same: list[float] = []
    four: list[float] = []
    for _ in range(rounds):
        url = seaweed.new_locked_url()
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as scratch:
            ours.append(time_archive(seaweed, url, Path(scratch), objects, megabytes, threads))
        files = written_by_the_archive(seaweed, url, objects)
        contents = [{name: body for name, body in each.items() if "/content/" in name} for each in files]
        for times, bodies in ((same, files), (four, contents)):
            other = f"{seaweed.new_locked_url()}/{uuid.uuid4().hex}"
            times.append(time_bare(client, other, bodies.__getitem__, objects, threads))
    ratios = [one / other for one, other in zip(ours, same, strict=True)]
    print(
        f"{objects} objects of {megabytes * 1000:g} kB, {threads} threads, {rounds} rounds: "
        f"archive {objects / median(ours):.1f} /s, "
        f"bare puts of the same {len(files[0])} files {objects / median(same):.1f} /s, "
        f"ratio {median(ratios):.2f} (best {min(ratios):.2f}); bare puts of the 4 files alone "
        f"{objects / median(four):.1f} /s"
    )


def main() -> None:
    """Each size in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--objects", type=int, default=100)
    parser.add_argument("--megabytes", type=float, nargs="+", default=[1.0, 0.004])
    parser.add_argument("--threads", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder, running_seaweed(Path(folder)) as seaweed:
        for megabytes in options.megabytes:
            compare(seaweed, options.objects, megabytes, options.threads, options.rounds)


if __name__ == "__main__":
    main()
