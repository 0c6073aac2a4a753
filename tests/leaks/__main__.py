"""`python -m tests.leaks [FILE …]`, by the Python of `.venv-audit`. Without files: all that git has or does not ignore.

What is found fails, unless allowed.toml knows it, by file and secret, with a reason. What was found is never printed.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from detect_secrets.filters.heuristic import is_indirect_reference, is_not_alphanumeric_string, is_templated_secret
from detect_secrets.plugins.artifactory import ArtifactoryDetector
from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.base import BasePlugin
from detect_secrets.plugins.basic_auth import BasicAuthDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.keyword import KeywordDetector
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.private_key import PrivateKeyDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

from tests.leaks.hives_own import HiveDetector

ALLOWED: Final = Path(__file__).with_name("allowed.toml")
FORMS: Final = tuple(
    detector()
    for detector in (
        *(ArtifactoryDetector, AWSKeyDetector, AzureStorageKeyDetector, DiscordBotTokenDetector, GitHubTokenDetector),
        *(
            GitLabTokenDetector,
            HiveDetector,
            JwtTokenDetector,
            NpmDetector,
            OpenAIDetector,
            PrivateKeyDetector,
            PypiTokenDetector,
        ),
        *(SendGridDetector, SlackDetector, StripeDetector, TelegramBotTokenDetector, TwilioKeyDetector),
    )
)
ADDRESSES: Final = BasicAuthDetector()
WORDS: Final = KeywordDetector()
"""A secret by the word before it. Neither is looked for in tests, which start parts with passwords of their own on every other page."""
_WORD: Final = re.compile(r"(?i)api_?key|passw|pwd|secret|token|private_?key")
GIT: Final = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
BUILT: Final = frozenset({"__pycache__", "node_modules"})
HASHES: Final = (".lock", "package-lock.json")
"""Each line of these is a hash, which the package's index gives to everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    path: str
    line: int
    kind: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """`path` and `secret` are patterns."""

    path: str
    secret: str
    reason: str

    def knows(self, found: Found) -> bool:
        return fnmatchcase(found.path, self.path) and fnmatchcase(found.secret, self.secret)


def files() -> list[str]:
    return [name for name in _listed() if name and Path(name).is_file() and not name.endswith(HASHES)]


def _listed() -> list[str]:
    """Of a copy that git does not know, or that another user owns: all but what tools keep in folders with a dot."""
    try:
        listed = subprocess.run(GIT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        print("git does not say which files it has: all that lie here are looked at.")
        return sorted(
            path.as_posix()
            for path in Path().rglob("*")
            if not any((part.startswith(".") and part != ".ci") or part in BUILT for part in path.parts[:-1])
        )
    return listed.stdout.split("\0")


def found_in(path: str) -> Iterator[Found]:
    """detect-secrets' own loop asks each detector about each line, which takes a minute; a form is looked for in the whole text at once."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:  # a picture
        return
    for detector in FORMS:
        for secret in set(detector.analyze_string(text)):
            line = text.count("\n", 0, text.find(secret)) + 1
            yield Found(path=path, line=line, kind=detector.secret_type, secret=secret)
    if not path.startswith("tests/"):
        yield from _by_its_place(path, text)


def _by_its_place(path: str, text: str) -> Iterator[Found]:
    for number, line in enumerate(text.splitlines(), 1):
        detectors: list[BasePlugin] = [ADDRESSES] if "://" in line else []
        if _WORD.search(line) and not is_indirect_reference(line):
            detectors.append(WORDS)
        for detector in detectors:
            for each in detector.analyze_line(path, line, number) or ():
                yield Found(path=path, line=number, kind=each.type, secret=each.secret_value or "")


def is_one(found: Found) -> bool:
    return not (is_templated_secret(found.secret) or is_not_alphanumeric_string(found.secret))


def main(names: Sequence[str]) -> int:
    allowed = [Allowed(**entry) for entry in tomllib.loads(ALLOWED.read_text())["allowed"]]
    found = [each for name in names or files() for each in found_in(name) if is_one(each)]
    leaks = [each for each in found if not any(one.knows(each) for one in allowed)]
    for leak in leaks:
        print(f"{leak.path}:{leak.line}: {leak.kind}")
    idle = [] if names else [one for one in allowed if not any(one.knows(each) for each in found)]
    for one in idle:
        print(f"{ALLOWED.name} allows what is no longer there: {one.path} ({one.reason})")
    if leaks:
        print(f"{len(leaks)} secrets. Take them out, and replace them where they are used: what was committed is known.")
        print(f"One that is none has its place and reason in {ALLOWED.relative_to(Path.cwd())}.")
    return int(bool(leaks or idle))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
