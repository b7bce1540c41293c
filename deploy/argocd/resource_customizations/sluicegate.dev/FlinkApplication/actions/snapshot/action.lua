-- Asks for a snapshot of the running job; each value is acted on once.
local os = require("os")
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["sluicegate.dev/snapshot-requested-at"] = os.date("!%Y-%m-%dT%XZ")
return obj
