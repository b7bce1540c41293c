//! The reads that every look at an application repeats, each one call of the service.

use std::error::Error;
use std::fmt;

use aws_sdk_kinesisanalyticsv2::config::http::HttpResponse;
use aws_sdk_kinesisanalyticsv2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesisanalyticsv2::operation::describe_application::DescribeApplicationOutput;
use aws_sdk_kinesisanalyticsv2::operation::describe_application_version::DescribeApplicationVersionOutput;
use aws_sdk_kinesisanalyticsv2::operation::list_application_operations::ListApplicationOperationsOutput;
use aws_sdk_kinesisanalyticsv2::operation::list_application_snapshots::ListApplicationSnapshotsOutput;
use aws_sdk_kinesisanalyticsv2::operation::list_tags_for_resource::ListTagsForResourceOutput;
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

/// Sends the reads that every look repeats. The SDK does it ([`Clients`]); a simulation may stand before it and have the SDK
/// read its answers only ([`Said`]).
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

/// An answer of the service as the SDK reads it.
pub trait Said: fmt::Debug + Send + Sync + 'static {
    /// What it is to the controller.
    type Seen: Clone + Send + 'static;

    /// What it says.
    fn seen(self) -> Self::Seen;
}

impl Said for DescribeApplicationOutput {
    type Seen = Option<Observed>;

    fn seen(self) -> Self::Seen {
        let detail = self.application_detail.as_ref();
        detail.map(|detail| read::observed(detail, Tags::default()))
    }
}

impl Said for ListTagsForResourceOutput {
    type Seen = Tags;

    fn seen(self) -> Self::Seen {
        read::tags(self.tags())
    }
}

impl Said for ListApplicationOperationsOutput {
    type Seen = Vec<ObservedOperation>;

    fn seen(self) -> Self::Seen {
        let operations = self.application_operation_info_list().iter();
        operations.filter_map(read::operation).collect()
    }
}

impl Said for ListApplicationSnapshotsOutput {
    type Seen = Page;

    fn seen(self) -> Self::Seen {
        let snapshots = self.snapshot_summaries().iter().map(read::snapshot).collect();
        (snapshots, self.next_token)
    }
}

impl Said for DescribeApplicationVersionOutput {
    type Seen = Option<ObservedVersion>;

    fn seen(self) -> Self::Seen {
        self.application_version_detail.as_ref().map(read::version)
    }
}

impl Reads for Clients {
    fn application<'a>(&'a self, of: &'a Identity) -> Reading<'a, Option<Observed>> {
        let call = self.reader(&of.region).describe_application();
        reading(call.application_name(&of.name).send())
    }

    fn tags<'a>(&'a self, of: &'a Identity, arn: &'a str) -> Reading<'a, Tags> {
        let call = self.reader(&of.region).list_tags_for_resource();
        reading(call.resource_arn(arn).send())
    }

    fn operations<'a>(&'a self, of: &'a Identity) -> Reading<'a, Vec<ObservedOperation>> {
        let call = self.reader(&of.region).list_application_operations();
        reading(call.application_name(&of.name).limit(50).send())
    }

    fn snapshots<'a>(&'a self, of: &'a Identity, token: Option<String>) -> Reading<'a, Page> {
        let call = self.reader(&of.region).list_application_snapshots();
        reading(call.application_name(&of.name).limit(50).set_next_token(token).send())
    }

    fn version<'a>(&'a self, of: &'a Identity, id: i64) -> Reading<'a, Option<ObservedVersion>> {
        let call = self.reader(&of.region).describe_application_version();
        reading(call.application_name(&of.name).application_version_id(id).send())
    }
}

/// What becomes of a read that the SDK sends.
fn reading<'a, O, E>(
    sent: impl Future<Output = Result<O, SdkError<E, HttpResponse>>> + Send + 'a,
) -> Reading<'a, O::Seen>
where
    O: Said,
    E: ProvideErrorMetadata + Error + 'static,
{
    sent.map(|answer| answer.map(Said::seen).map_err(|error| classify(&error)))
        .boxed()
}
