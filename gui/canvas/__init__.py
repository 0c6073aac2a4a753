"""The canvas of workflows and the pages around it, as they are drawn in the browser: Vue Flow (`built/`) and small Vue components."""
