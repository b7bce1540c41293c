-- Which actions make sense now.
local status = obj.status or {}
local revisions = status.revisions or {}
local annotations = obj.metadata.annotations or {}
local reported = (status.aws or {}).applicationStatus or ""
local synced = ""
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Synced" then
    synced = condition.reason
  end
end
local failed = false
for _, revision in ipairs(status.failedRevisions or {}) do
  failed = failed or revision.revision == revisions.target
end
local isRunning = reported == "RUNNING"
local isPaused = annotations["sluicegate.dev/reconcile"] == "paused"
local hasAnother = revisions.previous ~= nil or (revisions.good ~= nil and revisions.good ~= revisions.running)

local function action(isOffered, icon, name)
  return { disabled = not isOffered, iconClass = "fa fa-fw " .. icon, displayName = name }
end

return {
  ["snapshot"] = action(isRunning, "fa-camera", "Take a snapshot"),
  ["restart"] = action(isRunning, "fa-recycle", "Restart with state"),
  ["rollback"] = action(hasAnother, "fa-rotate-left", "Go back to the good revision before"),
  ["retry"] = action(failed, "fa-rotate-right", "Try the failed revision again"),
  ["approve"] = action(synced == "AwaitingApproval", "fa-check", "Approve the revision that waits"),
  ["force-stop"] = action(reported ~= "" and reported ~= "READY", "fa-skull", "Stop by force, without a snapshot"),
  ["pause"] = action(not isPaused, "fa-pause", "Pause"),
  ["resume"] = action(isPaused, "fa-play", "Resume"),
}
