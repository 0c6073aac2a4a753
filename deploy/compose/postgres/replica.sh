#!/bin/bash
# A copy of the primary that follows it. Its folder is filled the first time, and again where a first time did not come to its end.
set -euo pipefail
PGDATA="${PGDATA:-/var/lib/postgresql/data}"
if [ ! -e "$PGDATA/.copied" ]; then
    find "$PGDATA" -mindepth 1 -delete
    PGPASSWORD="$REPLICATION_PASSWORD" pg_basebackup --host "$PRIMARY" --port "${PRIMARY_PORT:-5432}" --username replication --pgdata "$PGDATA" \
        --wal-method stream --slot replica --write-recovery-conf
    touch "$PGDATA/.copied"
fi
chmod 700 "$PGDATA"
exec postgres -D "$PGDATA" -c hot_standby=on "$@"
