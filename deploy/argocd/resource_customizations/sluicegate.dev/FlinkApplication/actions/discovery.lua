-- Which actions make sense now: those on which the controller would act.
local status = obj.status or {}
local revisions = status.revisions or {}
local annotations = obj.metadata.annotations or {}
local reported = (status.aws or {}).applicationStatus or ""
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local function reason(type, value)
  local condition = conditions[type]
  if condition == nil or (value ~= nil and condition.status ~= value) then
    return ""
  end
  return condition.reason
end

local failed = false
for _, revision in ipairs(status.failedRevisions or {}) do
  failed = failed or revision.revision == revisions.target
end
local stalled = reason("Stalled", "True")
local isForceStopped = status.forceStopped ~= nil
local isRunning = reported == "RUNNING"
local isPaused = annotations["sluicegate.dev/reconcile"] == "paused"
local shallRun = ((obj.spec or {}).desiredState or "Running") == "Running"

-- What stays stopped until somebody asks. A failed revision is tried again by a retry alone; what runs in its place after a
-- rollback and was stopped is started again by a restart.
local gaveUp = stalled == "JobEnded" or stalled == "StartFailed"
local wasStopped = isForceStopped or reason("Ready", "False") == "Stopped"
local awaitsStart = shallRun and reported == "READY" and (wasStopped or (gaveUp and not failed))

local refused = status.refusal ~= nil or status.putBack ~= nil or stalled == "Rejected" or stalled == "RollbackFailed"
local lacksSnapshot = stalled == "NoRestorePoint" and (status.rollout or {}).preChange == "NotTaken"
local canRetry = failed or refused or gaveUp or isForceStopped or lacksSnapshot

local hasAnother = revisions.previous ~= nil
  or (revisions.good ~= nil and revisions.good ~= revisions.running and revisions.good ~= revisions.target)

local function action(isOffered, icon, name)
  return { disabled = not isOffered, iconClass = "fa fa-fw " .. icon, displayName = name }
end

return {
  ["snapshot"] = action(isRunning, "fa-camera", "Take a snapshot"),
  ["restart"] = action(isRunning or awaitsStart, "fa-recycle", "Restart with state"),
  ["rollback"] = action(hasAnother, "fa-rotate-left", "Go back to the good revision before"),
  ["retry"] = action(canRetry, "fa-rotate-right", "Try again what failed or was refused"),
  ["approve"] = action(reason("Synced") == "AwaitingApproval", "fa-check", "Approve the revision that waits"),
  ["force-stop"] = action(reported ~= "" and reported ~= "READY", "fa-skull", "Stop by force, without a snapshot"),
  ["pause"] = action(not isPaused, "fa-pause", "Pause"),
  ["resume"] = action(isPaused, "fa-play", "Resume"),
}
