-- Asks for a stop without a snapshot; each value is acted on once.
local os = require("os")
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["sluicegate.dev/force-stop-requested-at"] = os.date("!%Y-%m-%dT%XZ")
return obj
