//! The snapshots that the service of a scene has.

use serde_json::Value;

use super::Scene;

/// The names of the snapshots of an application, the oldest first.
pub(crate) fn snapshots(application: &Value) -> Vec<String> {
    let snapshots = application["snapshots"].as_array().unwrap().iter();
    snapshots
        .map(|snapshot| snapshot["SnapshotName"].as_str().unwrap().to_owned())
        .collect()
}

/// The names of the snapshots of `orders` that can be loaded, the oldest first.
pub(crate) fn loadable(scene: &Scene) -> Vec<String> {
    let application = scene.application("orders");
    let snapshots = application["snapshots"].as_array().into_iter().flatten();
    let snapshots = snapshots.filter(|snapshot| snapshot["SnapshotStatus"] == "READY");
    let names = snapshots.filter_map(|snapshot| snapshot["SnapshotName"].as_str());
    names.map(str::to_owned).collect()
}

/// What those snapshots were taken for, the oldest first.
pub(crate) fn purposes(scene: &Scene) -> Vec<String> {
    let names = loadable(scene).into_iter();
    names
        .map(|name| name.split('-').nth(3).unwrap_or_default().to_owned())
        .collect()
}
