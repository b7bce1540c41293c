//! The census: one sweep over the applications of each region wakes only those whose status or version changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tracing::{debug, warn};

use crate::api::spec::FlinkApplication;
use crate::api::status::AwsStatus;
use crate::aws::Service;
use crate::aws::observe::Listed;
use crate::metrics::{Metrics, Sweep};

/// Sweeps until the receiver of the wake-ups is gone.
///
/// `applications` gives the resources as they are known at the moment. A resource whose status differs from what the
/// sweep saw is sent to `wake`; the cost is pages of fifty, not applications.
pub async fn take(
    service: Service,
    metrics: Arc<Metrics>,
    interval: Duration,
    applications: impl Fn() -> Vec<Arc<FlinkApplication>> + Send,
    wake: Sender<Arc<FlinkApplication>>,
) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let known = applications();
        let ready = known.iter().filter(|app| is_ready(app)).count();
        metrics.applications(ready, known.len() - ready);
        let mut regions: BTreeMap<String, Vec<(Arc<FlinkApplication>, AwsStatus)>> = BTreeMap::new();
        for app in known {
            if let Some(aws) = app.status.as_ref().and_then(|status| status.journal.aws.clone()) {
                regions.entry(aws.region.clone()).or_default().push((app, aws));
            }
        }
        for (region, apps) in regions {
            for app in changed_in(&service, &metrics, &region, apps).await {
                if wake.send(app).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn changed_in(
    service: &Service,
    metrics: &Metrics,
    region: &str,
    apps: Vec<(Arc<FlinkApplication>, AwsStatus)>,
) -> Vec<Arc<FlinkApplication>> {
    match service.list(region).await {
        Ok(listed) => {
            metrics.census_sweep(Sweep::Complete);
            let recorded: Vec<&AwsStatus> = apps.iter().map(|(_, aws)| aws).collect();
            let changed = changed(&listed, &recorded);
            debug!(region, listed = listed.len(), changed = changed.len(), "census");
            apps.into_iter()
                .filter(|(_, aws)| changed.contains(&aws.application_name))
                .map(|(app, _)| app)
                .collect()
        }
        Err(fault) => {
            metrics.census_sweep(Sweep::Failed);
            warn!(region, %fault, "the census failed; nothing is concluded from it");
            Vec::new()
        }
    }
}

/// The names of the applications whose recorded status or version differs from a list.
#[must_use]
pub fn changed(listed: &[Listed], recorded: &[&AwsStatus]) -> BTreeSet<String> {
    let listed: BTreeMap<&str, (&str, i64)> = listed
        .iter()
        .map(|app| (app.name.as_str(), (app.status.as_str(), app.version_id)))
        .collect();
    recorded
        .iter()
        .filter(|aws| {
            let seen = listed.get(aws.application_name.as_str()).copied();
            let known = aws.application_status.as_deref().zip(aws.application_version_id);
            seen != known
        })
        .map(|aws| aws.application_name.clone())
        .collect()
}

fn is_ready(app: &FlinkApplication) -> bool {
    let conditions = app.status.iter().flat_map(|status| &status.conditions);
    conditions
        .into_iter()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(name: &str, status: Option<&str>, version: Option<i64>) -> AwsStatus {
        AwsStatus {
            application_name: name.to_owned(),
            application_status: status.map(str::to_owned),
            application_version_id: version,
            ..AwsStatus::default()
        }
    }

    fn listed(name: &str, status: &str, version_id: i64) -> Listed {
        Listed {
            name: name.to_owned(),
            status: status.to_owned(),
            version_id,
        }
    }

    #[test]
    fn only_what_differs_from_the_record_is_woken() {
        let list = [
            listed("same", "RUNNING", 3),
            listed("fell", "READY", 3),
            listed("touched", "RUNNING", 4),
            listed("alien", "READY", 1),
        ];
        let same = recorded("same", Some("RUNNING"), Some(3));
        let fell = recorded("fell", Some("RUNNING"), Some(3));
        let touched = recorded("touched", Some("RUNNING"), Some(3));
        let gone = recorded("gone", Some("READY"), Some(1));
        let never = recorded("never", None, None);
        let woken = changed(&list, &[&same, &fell, &touched, &gone, &never]);
        assert_eq!(woken, ["fell", "gone", "touched"].map(str::to_owned).into());
    }
}
