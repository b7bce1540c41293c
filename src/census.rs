//! The census: one sweep over the applications of each region wakes only those whose status or version changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tracing::{debug, warn};

use crate::api::spec::FlinkApplication;
use crate::api::status::AwsStatus;
use crate::aws::Service;
use crate::aws::observe::Listed;
use crate::metrics::{Metrics, Sweep};

/// What the newest sweep of each region saw: the status and the version of each application by its name.
#[derive(Debug, Default)]
pub struct Census {
    awaited: bool,
    seen: Mutex<HashMap<String, Seen>>,
}

type Seen = HashMap<String, (String, i64)>;

/// What a sweep says about what was recorded of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Nothing yet: the first sweep of its region is not over.
    Awaited,
    /// It is as it was.
    Same,
    /// It is not, or nobody knows.
    Differs,
}

impl Census {
    /// A census whose first sweep is worth waiting for. The default one is not: what it has not seen differs.
    #[must_use]
    pub fn awaited() -> Self {
        Self {
            awaited: true,
            ..Self::default()
        }
    }

    /// What the newest sweep says about a record.
    #[must_use]
    pub fn word(&self, recorded: &AwsStatus) -> Word {
        let seen = self.seen();
        let Some(region) = seen.get(&recorded.region) else {
            return if self.awaited { Word::Awaited } else { Word::Differs };
        };
        let of_app = region.get(&recorded.application_name);
        let of_app = of_app.map(|(status, version)| (status.as_str(), *version));
        let known = recorded
            .application_status
            .as_deref()
            .zip(recorded.application_version_id);
        if of_app.is_some() && of_app == known {
            Word::Same
        } else {
            Word::Differs
        }
    }

    /// Keeps what a sweep of a region saw; after one that failed nothing is known.
    pub fn keep(&self, region: &str, listed: &[Listed]) {
        let seen = listed
            .iter()
            .map(|app| (app.name.clone(), (app.status.clone(), app.version_id)));
        self.seen().insert(region.to_owned(), seen.collect());
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sweeps over every region in use once and gives the resources whose status differs from what is there.
    async fn sweep(
        &self,
        service: &Service,
        metrics: &Metrics,
        known: Vec<Arc<FlinkApplication>>,
    ) -> Vec<Arc<FlinkApplication>> {
        let ready = known.iter().filter(|app| is_ready(app)).count();
        metrics.applications(ready, known.len() - ready);
        let mut regions: BTreeMap<String, Vec<(Arc<FlinkApplication>, AwsStatus)>> = BTreeMap::new();
        for app in known {
            if let Some(aws) = app.status.as_ref().and_then(|status| status.journal.aws.clone()) {
                regions.entry(aws.region.clone()).or_default().push((app, aws));
            }
        }
        let mut woken = Vec::new();
        for (region, apps) in regions {
            woken.extend(self.changed_in(service, metrics, &region, apps).await);
        }
        woken
    }

    async fn changed_in(
        &self,
        service: &Service,
        metrics: &Metrics,
        region: &str,
        apps: Vec<(Arc<FlinkApplication>, AwsStatus)>,
    ) -> Vec<Arc<FlinkApplication>> {
        match service.list(region).await {
            Ok(listed) => {
                metrics.census_sweep(Sweep::Complete);
                self.keep(region, &listed);
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
                self.keep(region, &[]);
                warn!(region, %fault, "the census failed; nothing is concluded from it");
                Vec::new()
            }
        }
    }
}

/// Sweeps until the receiver of the wake-ups is gone, first at once.
///
/// `applications` gives the resources as they are known at the moment. A resource whose status differs from what the
/// sweep saw is sent to `wake`; the cost is pages of fifty, not applications.
pub async fn take(
    census: Arc<Census>,
    service: Service,
    metrics: Arc<Metrics>,
    interval: Duration,
    applications: impl Fn() -> Vec<Arc<FlinkApplication>> + Send,
    wake: Sender<Arc<FlinkApplication>>,
) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for app in census.sweep(&service, &metrics, applications()).await {
            if wake.send(app).await.is_err() {
                return;
            }
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
    fn a_record_is_trusted_only_where_a_sweep_saw_the_same() {
        let record = recorded("orders", Some("RUNNING"), Some(3));
        assert_eq!(Census::default().word(&record), Word::Differs);
        let census = Census::awaited();
        assert_eq!(census.word(&record), Word::Awaited);
        for (listed, word) in [
            (vec![listed("orders", "RUNNING", 3)], Word::Same),
            (vec![listed("orders", "READY", 3)], Word::Differs),
            (vec![listed("orders", "RUNNING", 4)], Word::Differs),
            (vec![], Word::Differs),
        ] {
            census.keep("", &listed);
            assert_eq!(census.word(&record), word, "{listed:?}");
        }
        census.keep("", &[]);
        assert_eq!(
            census.word(&recorded("orders", None, None)),
            Word::Differs,
            "gone and never seen"
        );
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
