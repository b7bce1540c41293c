-- The health of a FlinkApplication from its conditions. Only the base library is used: Argo CD loads no more.
local conditions = {}
local status = obj.status or {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local function holds(type, value)
  return conditions[type] ~= nil and conditions[type].status == value
end

local function reason(type)
  return conditions[type] ~= nil and conditions[type].reason or ""
end

local function health(state, type, otherwise)
  local message = otherwise
  if conditions[type] ~= nil and (conditions[type].message or "") ~= "" then
    message = conditions[type].message
  end
  return { status = state, message = message }
end

-- What is said of an older spec says nothing about this one: a fix must not fail its own sync.
local generation = obj.metadata.generation
local isCurrent = generation == nil or status.observedGeneration == generation
if not isCurrent and not holds("Paused", "True") then
  return { status = "Progressing", message = "the controller has not looked at generation " .. tostring(generation) .. " yet" }
end
if holds("Stalled", "True") then
  return health("Degraded", "Stalled", "nothing will change by itself")
end
-- While a change goes out, the job that it replaces may be the one that fails.
if holds("JobHealthy", "False") and not holds("Reconciling", "True") then
  return health("Degraded", "JobHealthy", "the job does no useful work")
end
if holds("Paused", "True") then
  return health("Suspended", "Paused", "the controller only watches")
end
if reason("Synced") == "AwaitingApproval" or reason("Synced") == "OutsideChangeWindow" then
  return health("Suspended", "Synced", "a revision waits")
end
if holds("Reconciling", "True") then
  return health("Progressing", "Reconciling", "work is in flight")
end
-- Stopped as asked is Healthy: Suspended would hold every later sync wave for ever.
if holds("Ready", "True") then
  return health("Healthy", "Ready", "the desired state is reached")
end
-- An application that is left alone, and is not in the run state that is asked for, will not get there by itself.
if reason("Ready") == "Stopped" or reason("Ready") == "Running" then
  return health("Degraded", "Ready", "the run state is not the desired one")
end
return health("Progressing", "Ready", "the controller has not looked yet")
