//! The reads that every look at an application repeats, each one call of the service.

use std::fmt;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::api::status::Tags;
use crate::aws::clients::Clients;
use crate::aws::convert::read;
use crate::aws::fault::classify;
use crate::desired::Identity;
use crate::fault::Fault;
use crate::world::{Observed, ObservedOperation, ObservedSnapshot, ObservedVersion};

/// What becomes of one read.
pub type Reading<'a, T> = BoxFuture<'a, Result<T, Fault>>;

/// A page of snapshots and what asks for the next one.
pub type Page = (Vec<ObservedSnapshot>, Option<String>);

/// Sends the reads that every look repeats. The SDK does it ([`Clients`]); a simulation may stand before it and remember
/// what the SDK made of an answer.
pub trait Reads: fmt::Debug + Send + Sync {
    /// `DescribeApplication`; the tags are not part of its answer.
    fn application<'a>(&'a self, of: &'a Identity) -> Reading<'a, Option<Observed>>;
    /// `ListTagsForResource`.
    fn tags<'a>(&'a self, of: &'a Identity, arn: &'a str) -> Reading<'a, Tags>;
    /// `ListApplicationOperations`: the first page, in the order of the answer, without causes of failures.
    fn operations<'a>(&'a self, of: &'a Identity) -> Reading<'a, Vec<ObservedOperation>>;
    /// `ListApplicationSnapshots`: one page, in the order of the answer.
    fn snapshots<'a>(&'a self, of: &'a Identity, token: Option<String>) -> Reading<'a, Page>;
    /// `DescribeApplicationVersion`.
    fn version<'a>(&'a self, of: &'a Identity, id: i64) -> Reading<'a, Option<ObservedVersion>>;
}

impl Reads for Clients {
    fn application<'a>(&'a self, of: &'a Identity) -> Reading<'a, Option<Observed>> {
        let call = self.reader(&of.region).describe_application();
        let sent = call.application_name(&of.name).send();
        async {
            let output = sent.await.map_err(|error| classify(&error))?;
            let detail = output.application_detail.as_ref();
            Ok(detail.map(|detail| read::observed(detail, Tags::default())))
        }
        .boxed()
    }

    fn tags<'a>(&'a self, of: &'a Identity, arn: &'a str) -> Reading<'a, Tags> {
        let sent = self
            .reader(&of.region)
            .list_tags_for_resource()
            .resource_arn(arn)
            .send();
        async {
            let output = sent.await.map_err(|error| classify(&error))?;
            Ok(read::tags(output.tags()))
        }
        .boxed()
    }

    fn operations<'a>(&'a self, of: &'a Identity) -> Reading<'a, Vec<ObservedOperation>> {
        let call = self.reader(&of.region).list_application_operations();
        let sent = call.application_name(&of.name).limit(50).send();
        async {
            let output = sent.await.map_err(|error| classify(&error))?;
            let operations = output.application_operation_info_list().iter();
            Ok(operations.filter_map(read::operation).collect())
        }
        .boxed()
    }

    fn snapshots<'a>(&'a self, of: &'a Identity, token: Option<String>) -> Reading<'a, Page> {
        let call = self.reader(&of.region).list_application_snapshots();
        let sent = call.application_name(&of.name).limit(50).set_next_token(token).send();
        async {
            let output = sent.await.map_err(|error| classify(&error))?;
            let snapshots = output.snapshot_summaries().iter().map(read::snapshot).collect();
            Ok((snapshots, output.next_token))
        }
        .boxed()
    }

    fn version<'a>(&'a self, of: &'a Identity, id: i64) -> Reading<'a, Option<ObservedVersion>> {
        let call = self.reader(&of.region).describe_application_version();
        let sent = call.application_name(&of.name).application_version_id(id).send();
        async {
            let output = sent.await.map_err(|error| classify(&error))?;
            Ok(output.application_version_detail.as_ref().map(read::version))
        }
        .boxed()
    }
}
