-- Asks for the good revision before the one that runs; each value is acted on once.
local os = require("os")
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["sluicegate.dev/rollback-requested-at"] = os.date("!%Y-%m-%dT%XZ")
return obj
