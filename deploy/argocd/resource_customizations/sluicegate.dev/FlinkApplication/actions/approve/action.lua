-- Lets exactly the revision through that waits now.
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["sluicegate.dev/approved-revision"] = obj.status.revisions.target
return obj
