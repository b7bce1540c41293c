//! Reads the world: one application with what a decision about it needs, and nothing more.

use std::collections::BTreeSet;

use crate::aws::Service;
use crate::desired::Identity;
use crate::fault::{Fault, FaultKind};
use crate::world::{Needs, Observed, ObservedOperation, ObservedSnapshot, ObservedVersion, OperationStatus, World};

/// The most pages of operations or snapshots that are read; the service keeps 1000 snapshots at fifty a page.
const PAGES: usize = 40;

/// Which application of a region is in which state, as a sweep sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The name.
    pub name: String,
    /// The status in the service's words.
    pub status: String,
    /// The configuration version.
    pub version_id: i64,
}

impl Service {
    /// Reads one application; `needs` tells from the description alone what must be read beside it. The Flink job is not
    /// read here.
    ///
    /// # Errors
    /// The fault of the read that failed.
    pub async fn observe(
        &self,
        identity: &Identity,
        needs: impl FnOnce(Option<&Observed>) -> Needs + Send,
    ) -> Result<World, Fault> {
        let Some(application) = self.describe(identity).await? else {
            return Ok(World::default());
        };
        let needs = needs(Some(&application));
        let mut world = World {
            application: Some(application),
            ..World::default()
        };
        if needs.details {
            world.operations = Some(self.operations(identity).await?);
            world.snapshots = Some(self.snapshots(identity).await?);
        }
        for id in needs.versions {
            if let Some(version) = self.version(identity, id).await? {
                world.versions.insert(id, version);
            }
        }
        Ok(world)
    }

    async fn version(&self, identity: &Identity, id: i64) -> Result<Option<ObservedVersion>, Fault> {
        let read = || self.reads.version(identity, id);
        match self.in_turn(&identity.region, "DescribeApplicationVersion", read).await {
            Err(fault) if matches!(fault.kind, FaultKind::NotFound | FaultKind::Invalid) => Ok(None),
            answered => answered,
        }
    }

    /// An application alone; none when the service does not know it.
    ///
    /// # Errors
    /// The fault of the read that failed.
    pub async fn describe(&self, identity: &Identity) -> Result<Option<Observed>, Fault> {
        let read = || self.reads.application(identity);
        let application = match self.in_turn(&identity.region, "DescribeApplication", read).await {
            Err(fault) if fault.kind == FaultKind::NotFound => None,
            answered => answered?,
        };
        let Some(application) = application else {
            return Ok(None);
        };
        let read = || self.reads.tags(identity, &application.arn);
        match self.in_turn(&identity.region, "ListTagsForResource", read).await {
            Ok(tags) => Ok(Some(Observed { tags, ..application })),
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn operations(&self, identity: &Identity) -> Result<Vec<ObservedOperation>, Fault> {
        let read = || self.reads.operations(identity);
        let mut operations = self
            .in_turn(&identity.region, "ListApplicationOperations", read)
            .await?;
        operations.sort_by_key(|operation| std::cmp::Reverse(operation.started_at));
        let mut told = BTreeSet::new();
        for operation in operations
            .iter_mut()
            .filter(|operation| operation.status == OperationStatus::Failed)
        {
            if !told.insert(operation.kind.clone()) {
                continue;
            }
            operation.error = self.cause(identity, &operation.id).await?;
        }
        Ok(operations)
    }

    /// Why an operation failed. That never changes, so it is read once.
    async fn cause(&self, identity: &Identity, id: &str) -> Result<Option<String>, Fault> {
        if let Some(cause) = self.causes.get(id) {
            return Ok(Some(cause));
        }
        let cause = self.read_cause(identity, id).await?;
        if let Some(cause) = &cause {
            self.causes.keep(id.to_owned(), cause.clone());
        }
        Ok(cause)
    }

    async fn read_cause(&self, identity: &Identity, id: &str) -> Result<Option<String>, Fault> {
        let call = self.clients.reader(&identity.region).describe_application_operation();
        let call = call.application_name(&identity.name).operation_id(id);
        let output = match self
            .read(&identity.region, "DescribeApplicationOperation", || call.clone().send())
            .await
        {
            Ok(output) => output,
            Err(fault) if matches!(fault.kind, FaultKind::NotFound | FaultKind::Denied) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let failure = output
            .application_operation_info_details
            .and_then(|details| details.operation_failure_details);
        let error = failure
            .and_then(|failure| failure.error_info)
            .and_then(|info| info.error_string);
        Ok(error.map(|error| crate::fault::sanitised(&error)))
    }

    async fn snapshots(&self, identity: &Identity) -> Result<Vec<ObservedSnapshot>, Fault> {
        let mut snapshots = Vec::new();
        let mut token = None;
        for _ in 0..PAGES {
            let read = || self.reads.snapshots(identity, token.clone());
            let (page, next) = self.in_turn(&identity.region, "ListApplicationSnapshots", read).await?;
            snapshots.extend(page);
            token = next;
            if token.is_none() {
                break;
            }
        }
        snapshots.sort_by_key(|snapshot: &ObservedSnapshot| std::cmp::Reverse(snapshot.created_at));
        Ok(snapshots)
    }

    /// Lists every application of a region, fifty a call.
    ///
    /// # Errors
    /// The fault of the page that failed; a part of a list is never returned.
    pub async fn list(&self, region: &str) -> Result<Vec<Listed>, Fault> {
        let mut listed = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let call = self
                .clients
                .reader(region)
                .list_applications()
                .limit(50)
                .set_next_token(token.clone());
            let output = self.read(region, "ListApplications", || call.clone().send()).await?;
            listed.extend(output.application_summaries().iter().map(|summary| Listed {
                name: summary.application_name().to_owned(),
                status: summary.application_status().as_str().to_owned(),
                version_id: summary.application_version_id(),
            }));
            match output.next_token {
                Some(next) if Some(&next) != token.as_ref() => token = Some(next),
                _ => return Ok(listed),
            }
        }
    }
}
