-- Asks for another attempt with the revision that failed; each value is acted on once.
local os = require("os")
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["sluicegate.dev/retry-requested-at"] = os.date("!%Y-%m-%dT%XZ")
return obj
