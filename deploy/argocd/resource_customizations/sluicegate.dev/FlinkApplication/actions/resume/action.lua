-- Lets the controller go on.
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["sluicegate.dev/reconcile"] = nil
return obj
