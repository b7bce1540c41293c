-- Asks for a restart of the job with its state; each value is acted on once.
local os = require("os")
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["sluicegate.dev/restart-requested-at"] = os.date("!%Y-%m-%dT%XZ")
return obj
