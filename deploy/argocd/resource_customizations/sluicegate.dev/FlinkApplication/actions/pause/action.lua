-- Keeps the controller from changing anything.
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["sluicegate.dev/reconcile"] = "paused"
return obj
