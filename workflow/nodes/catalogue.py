"""Every node that Hive runs. A new node is a module with `TYPES`, and a line here."""

from workflow.nodes import (
    aggregate,
    branching,
    code,
    date_time,
    execute_workflow,
    item_lists,
    limit,
    merge,
    no_op,
    remove_duplicates,
    rename_keys,
    respond_to_webhook,
    set,
    sort,
    split_in_batches,
    split_out,
    stop_and_error,
    summarize,
    triggers,
    wait,
)
from workflow.nodes.registry import Registry

_MODULES = (
    aggregate,
    branching,
    code,
    date_time,
    execute_workflow,
    item_lists,
    limit,
    merge,
    no_op,
    remove_duplicates,
    rename_keys,
    respond_to_webhook,
    set,
    sort,
    split_in_batches,
    split_out,
    stop_and_error,
    summarize,
    triggers,
    wait,
)


def registry() -> Registry:
    return Registry(kind for module in _MODULES for kind in module.TYPES)
