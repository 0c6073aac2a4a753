"""What Hive itself makes for secrets, as a plugin of detect-secrets. A test's key has words in it, and is none."""

import re

from detect_secrets.plugins.base import RegexBasedDetector


class HiveDetector(RegexBasedDetector):
    secret_type = "Secret of a hive"

    denylist = (
        re.compile(r"\b(?:sk-hive|hive-join)-[0-9a-f]{48}\b"),
        re.compile(r"\bhive-refresh-[\w-]{43}"),
        re.compile(r"\bh[0-9a-f]{48}\b"),  # a password of a data folder
        re.compile(r"\bS[UAONCX][A-Z2-7]{56}\b"),  # a seed of NATS
        re.compile(r"(?<![\w+/-])[\w+/-]{43}=(?![\w=])"),  # a key of credentials: 32 bytes in base64
    )
