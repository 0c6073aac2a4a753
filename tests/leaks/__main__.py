"""`python -m tests.leaks [FILE …]`, by the Python of `.venv-audit`. Without files: all that git has or does not ignore.

What is found fails, unless allowed.toml knows it, by file and by how it begins, with a reason. The secret itself is never printed.
"""

import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from detect_secrets import SecretsCollection
from detect_secrets.core.potential_secret import PotentialSecret
from detect_secrets.settings import transient_settings

ALLOWED: Final = Path(__file__).with_name("allowed.toml")
EVERYWHERE: Final = (
    "ArtifactoryDetector", "AWSKeyDetector", "AzureStorageKeyDetector", "CloudantDetector", "DiscordBotTokenDetector", "GitHubTokenDetector",
    "GitLabTokenDetector", "IbmCloudIamDetector", "IbmCosHmacDetector", "JwtTokenDetector", "MailchimpDetector", "NpmDetector", "OpenAIDetector",
    "PrivateKeyDetector", "PypiTokenDetector", "SendGridDetector", "SlackDetector", "SoftlayerDetector", "SquareOAuthDetector",
    "StripeDetector", "TelegramBotTokenDetector", "TwilioKeyDetector",
)  # fmt: skip
OUTSIDE_OF_TESTS: Final = ("BasicAuthDetector", "KeywordDetector")
"""By the word before it. Tests have passwords of their own for parts that they start, on every other page."""
FILTERS: Final = (
    "detect_secrets.filters.heuristic.is_indirect_reference",
    "detect_secrets.filters.heuristic.is_templated_secret",
    "detect_secrets.filters.heuristic.is_not_alphanumeric_string",
)
HASHES: Final = (".lock", "package-lock.json")
"""Each line of these is a hash, which the package's index gives to everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """`path`: a pattern. `begins`: as the secret does."""

    path: str
    begins: str
    reason: str

    def knows(self, path: str, secret: str) -> bool:
        return fnmatch(path, self.path) and secret.startswith(self.begins)


def files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.split("\0") if name and Path(name).is_file() and not name.endswith(HASHES)]


def found_in(names: Sequence[str]) -> Iterator[tuple[str, PotentialSecret]]:
    inside = [name for name in names if name.startswith("tests/")]
    for some, plugins in ((inside, EVERYWHERE), ([*set(names) - set(inside)], (*EVERYWHERE, *OUTSIDE_OF_TESTS))):
        secrets = SecretsCollection()
        with transient_settings(_settings(plugins)):
            secrets.scan_files(*some)
        yield from secrets


def _settings(plugins: Sequence[str]) -> dict[str, Any]:
    own = {"name": "HiveDetector", "path": Path(__file__).with_name("hives_own.py").as_uri()}
    return {
        "plugins_used": [*({"name": name} for name in plugins), own],
        "filters_used": [{"path": path} for path in FILTERS],
    }


def main(names: Sequence[str]) -> int:
    allowed = [Allowed(**entry) for entry in tomllib.loads(ALLOWED.read_text())["allowed"]]
    needed = set[Allowed]()
    leaks = 0
    for path, secret in found_in(names or files()):
        knowing = [each for each in allowed if each.knows(path, secret.secret_value or "")]
        needed.update(knowing)
        if not knowing:
            leaks += 1
            print(f"{path}:{secret.line_number}: {secret.type}")
    idle = [] if names else [each for each in allowed if each not in needed]
    for each in idle:
        print(f"{ALLOWED.name} allows {each.path} what is no longer there ({each.reason})")
    if leaks:
        print(f"{leaks} secrets. Take them out, and replace them where they are used: what was committed is known.")
        print(f"One that is none has its place and reason in {ALLOWED.relative_to(Path.cwd())}.")
    return int(bool(leaks or idle))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
