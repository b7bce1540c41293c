//! The SDK clients: one that reads and retries, one that changes things and never sends twice.
//!
//! [`Reader`] has the reading operations only, [`Mutator`] the changing ones only, so that no mutating call can go
//! through a client that retries.

use std::{sync::Arc, time::Duration};

use aws_config::{AppName, BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_cloudwatch::operation::get_metric_data::builders::GetMetricDataFluentBuilder;
use aws_sdk_cloudwatchlogs::operation::filter_log_events::builders::FilterLogEventsFluentBuilder;
use aws_sdk_cloudwatchlogs::operation::get_query_results::builders::GetQueryResultsFluentBuilder;
use aws_sdk_cloudwatchlogs::operation::start_query::builders::StartQueryFluentBuilder;
use aws_sdk_kinesisanalyticsv2::config::interceptors::InterceptorContext;
use aws_sdk_kinesisanalyticsv2::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_kinesisanalyticsv2::{
    Client,
    config::{HttpClient, SharedCredentialsProvider, SharedHttpClient},
    operation,
};
use aws_smithy_runtime_api::client::retries::classifiers::{RetryClassifierPriority, RetryReason};
use aws_smithy_types::retry::ErrorKind;

use crate::aws::kept::Kept;
use crate::aws::log::PATIENCE;

/// The name in the user agent of our calls.
const APP_NAME: &str = "sluicegate";

/// The variable that sets the endpoint of this service alone.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_KINESIS_ANALYTICS_V2";

/// The most regions whose clients are kept at a time.
const REGIONS_KEPT: usize = 64;

/// How long a mutating call may take before it is given up; leadership must outlast it (S15).
pub const MUTATION_DEADLINE: Duration = Duration::from_secs(10);

/// How long after its intent was declared a mutating call may still be on its way.
///
/// An observation settles an unknown outcome only if it was made after this (S5, S6). It covers the write of the
/// intent (at most 10 s) and the call itself ([`MUTATION_DEADLINE`]).
pub const CALL_DEADLINE: Duration = Duration::from_secs(20);

/// Deadlines of calls and the number of attempts of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// For the connection, TLS included.
    pub connect: Duration,
    /// For one attempt, from resolving credentials to the last byte of the answer.
    pub attempt: Duration,
    /// For a whole mutating call; it has one attempt.
    pub mutation: Duration,
    /// For a whole read, pauses between attempts included.
    pub read: Duration,
    /// The most attempts of a read.
    pub read_attempts: u32,
    /// The pause before the second attempt of a read, before jitter; it doubles with each further attempt.
    pub read_pause: Duration,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            attempt: Duration::from_secs(10),
            mutation: MUTATION_DEADLINE,
            read: Duration::from_secs(30),
            read_attempts: 3,
            read_pause: Duration::from_secs(1),
        }
    }
}

impl CallLimits {
    fn timeouts(&self, operation: Duration) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(self.connect)
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(operation)
            .build()
    }
}

/// Forbids the SDK to answer a throttling, or what it takes for one, with further calls: the budget does, which knows what
/// else waits.
#[derive(Debug)]
struct LeaveThrottling;

impl ClassifyRetry for LeaveThrottling {
    fn classify_retry(&self, _ctx: &InterceptorContext) -> RetryAction {
        RetryAction::NoActionIndicated
    }

    fn classify_retry_v2(&self, _ctx: &InterceptorContext, previous: &RetryAction) -> RetryAction {
        match previous {
            RetryAction::RetryIndicated(RetryReason::RetryableError {
                kind: ErrorKind::ThrottlingError,
                ..
            }) => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "leave throttling"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

/// Defines a client that offers the named operations of the SDK and nothing else.
macro_rules! client {
    ($(#[$doc:meta])* $name:ident { $($operation:ident -> $builder:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(Client);

        impl $name {
            $(
                #[doc = concat!("Starts to build a call of `", stringify!($operation), "`; `send` sends it.")]
                #[must_use]
                pub fn $operation(&self) -> operation::$operation::builders::$builder {
                    self.0.$operation()
                }
            )+
        }
    };
}

client! {
    /// Calls that change nothing, a pre-signed URL among them: up to three attempts, all within the deadline of a read.
    Reader {
        create_application_presigned_url -> CreateApplicationPresignedUrlFluentBuilder,
        describe_application -> DescribeApplicationFluentBuilder,
        describe_application_operation -> DescribeApplicationOperationFluentBuilder,
        describe_application_snapshot -> DescribeApplicationSnapshotFluentBuilder,
        describe_application_version -> DescribeApplicationVersionFluentBuilder,
        list_application_operations -> ListApplicationOperationsFluentBuilder,
        list_application_snapshots -> ListApplicationSnapshotsFluentBuilder,
        list_application_versions -> ListApplicationVersionsFluentBuilder,
        list_applications -> ListApplicationsFluentBuilder,
        list_tags_for_resource -> ListTagsForResourceFluentBuilder,
    }
}

client! {
    /// Calls that change something: exactly one request on the wire, whatever happens to it.
    Mutator {
        add_application_cloud_watch_logging_option -> AddApplicationCloudWatchLoggingOptionFluentBuilder,
        add_application_vpc_configuration -> AddApplicationVpcConfigurationFluentBuilder,
        create_application -> CreateApplicationFluentBuilder,
        create_application_snapshot -> CreateApplicationSnapshotFluentBuilder,
        delete_application -> DeleteApplicationFluentBuilder,
        delete_application_cloud_watch_logging_option -> DeleteApplicationCloudWatchLoggingOptionFluentBuilder,
        delete_application_snapshot -> DeleteApplicationSnapshotFluentBuilder,
        delete_application_vpc_configuration -> DeleteApplicationVpcConfigurationFluentBuilder,
        rollback_application -> RollbackApplicationFluentBuilder,
        start_application -> StartApplicationFluentBuilder,
        stop_application -> StopApplicationFluentBuilder,
        tag_resource -> TagResourceFluentBuilder,
        untag_resource -> UntagResourceFluentBuilder,
        update_application -> UpdateApplicationFluentBuilder,
        update_application_maintenance_configuration -> UpdateApplicationMaintenanceConfigurationFluentBuilder,
    }
}

/// The clients of every region in use, made at first need from one configuration.
///
/// Cloning is cheap and shares the clients.
#[derive(Debug, Clone)]
pub struct Clients {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: SdkConfig,
    overridden: bool,
    limits: CallLimits,
    regions: Kept<String, OfRegion>,
}

/// The clients of one region.
#[derive(Debug, Clone)]
struct OfRegion {
    reader: Reader,
    mutator: Mutator,
    log_reader: LogReader,
    metric_reader: MetricReader,
}

/// Reads the logs of applications: one attempt, because nothing depends on the answer.
#[derive(Debug, Clone)]
pub struct LogReader(aws_sdk_cloudwatchlogs::Client);

impl LogReader {
    /// Starts to build a call of `FilterLogEvents`; `send` sends it.
    #[must_use]
    pub fn filter_log_events(&self) -> FilterLogEventsFluentBuilder {
        self.0.filter_log_events()
    }

    /// Starts to build a call of `StartQuery`; `send` sends it.
    #[must_use]
    pub fn start_query(&self) -> StartQueryFluentBuilder {
        self.0.start_query()
    }

    /// Starts to build a call of `GetQueryResults`; `send` sends it.
    #[must_use]
    pub fn get_query_results(&self) -> GetQueryResultsFluentBuilder {
        self.0.get_query_results()
    }
}

/// Reads metrics, as other reads are made.
#[derive(Debug, Clone)]
pub struct MetricReader(aws_sdk_cloudwatch::Client);

impl MetricReader {
    /// Starts to build a call of `GetMetricData`; `send` sends it.
    #[must_use]
    pub fn get_metric_data(&self) -> GetMetricDataFluentBuilder {
        self.0.get_metric_data()
    }
}

impl Clients {
    /// Clients with the SDK's default chain of credentials and the endpoints of `AWS_ENDPOINT_URL`,
    /// `AWS_ENDPOINT_URL_KINESIS_ANALYTICS_V2`, `AWS_ENDPOINT_URL_CLOUDWATCH` and `AWS_ENDPOINT_URL_CLOUDWATCH_LOGS`.
    ///
    /// `region` is the one that credentials are obtained in; without it the SDK looks for one itself.
    pub async fn from_environment(region: Option<&str>, limits: CallLimits) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Ok(name) = AppName::new(APP_NAME) {
            loader = loader.app_name(name);
        }
        if let Some(region) = region {
            loader = loader.region(Region::new(region.to_owned()));
        }
        let config = loader.load().await;
        let overridden = config.endpoint_url().is_some() || std::env::var_os(ENDPOINT).is_some();
        Self::new(config, limits, overridden)
    }

    /// Clients that send their requests through `http_client`, signed with `credentials`.
    ///
    /// Time-outs and pauses use tokio's clock, so paused time works. Nothing is read from the environment.
    #[must_use]
    pub fn with_transport(
        http_client: impl HttpClient + 'static,
        credentials: SharedCredentialsProvider,
        limits: CallLimits,
    ) -> Self {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(SharedHttpClient::new(http_client))
            .credentials_provider(credentials)
            .build();
        Self::new(config, limits, true)
    }

    /// Clients over a configuration made elsewhere; its retries and time-outs are replaced by `limits`.
    #[must_use]
    pub fn from_config(config: SdkConfig, limits: CallLimits) -> Self {
        let overridden = config.endpoint_url().is_some();
        Self::new(config, limits, overridden)
    }

    fn new(config: SdkConfig, limits: CallLimits, overridden: bool) -> Self {
        Self {
            shared: Arc::new(Shared {
                config,
                overridden,
                limits,
                regions: Kept::at_most(REGIONS_KEPT),
            }),
        }
    }

    /// The reading client of a region.
    #[must_use]
    pub fn reader(&self, region: &str) -> Reader {
        self.of(region).reader
    }

    /// The mutating client of a region.
    #[must_use]
    pub fn mutator(&self, region: &str) -> Mutator {
        self.of(region).mutator
    }

    /// The client that reads logs of a region.
    #[must_use]
    pub fn log_reader(&self, region: &str) -> LogReader {
        self.of(region).log_reader
    }

    /// The client that reads metrics of a region.
    #[must_use]
    pub fn metric_reader(&self, region: &str) -> MetricReader {
        self.of(region).metric_reader
    }

    /// Whether the endpoint of the service was set by hand, as for the emulator.
    #[must_use]
    pub fn is_overridden(&self) -> bool {
        self.shared.overridden
    }

    fn of(&self, region: &str) -> OfRegion {
        let make = |region: &String| self.shared.make(region);
        self.shared.regions.get_or_make(region.to_owned(), make)
    }
}

impl Shared {
    fn make(&self, region: &str) -> OfRegion {
        let limits = self.limits;
        let client = |retries: RetryConfig, operation: Duration| {
            let config = aws_sdk_kinesisanalyticsv2::config::Builder::from(&self.config)
                .region(Region::new(region.to_owned()))
                .retry_config(retries)
                .retry_classifier(LeaveThrottling)
                .timeout_config(limits.timeouts(operation))
                .build();
            Client::from_conf(config)
        };
        let retries = RetryConfig::standard()
            .with_max_attempts(limits.read_attempts)
            .with_initial_backoff(limits.read_pause);
        let logs = aws_sdk_cloudwatchlogs::config::Builder::from(&self.config)
            .region(Region::new(region.to_owned()))
            .retry_config(RetryConfig::disabled())
            .timeout_config(limits.timeouts(PATIENCE))
            .build();
        let metrics = aws_sdk_cloudwatch::config::Builder::from(&self.config)
            .region(Region::new(region.to_owned()))
            .retry_config(retries.clone())
            .timeout_config(limits.timeouts(limits.read))
            .build();
        OfRegion {
            metric_reader: MetricReader(aws_sdk_cloudwatch::Client::from_conf(metrics)),
            reader: Reader(client(retries, limits.read)),
            mutator: Mutator(client(RetryConfig::disabled(), limits.mutation)),
            log_reader: LogReader(aws_sdk_cloudwatchlogs::Client::from_conf(logs)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients() -> Clients {
        Clients::from_config(SdkConfig::builder().build(), CallLimits::default())
    }

    #[test]
    fn an_unknown_outcome_is_quarantined_longer_than_the_write_of_the_intent_and_the_call_can_take() {
        let intent_written_within = Duration::from_secs(10);
        assert!(CALL_DEADLINE >= intent_written_within + CallLimits::default().mutation);
        assert!(CallLimits::default().attempt <= MUTATION_DEADLINE);
    }

    #[test]
    fn the_mutating_client_has_no_retries_and_the_reading_one_three_attempts() {
        let clients = clients();
        let Reader(reader) = clients.reader("eu-west-1");
        let Mutator(mutator) = clients.mutator("eu-west-1");
        assert_eq!(mutator.config().retry_config().map(RetryConfig::max_attempts), Some(1));
        assert_eq!(reader.config().retry_config().map(RetryConfig::max_attempts), Some(3));
    }

    #[test]
    fn both_clients_have_all_three_deadlines() {
        let clients = clients();
        let Reader(reader) = clients.reader("eu-west-1");
        let Mutator(mutator) = clients.mutator("eu-west-1");
        for (client, operation) in [(reader, 30), (mutator, 10)] {
            let timeouts = client.config().timeout_config().unwrap().clone();
            assert_eq!(timeouts.connect_timeout(), Some(Duration::from_secs(3)));
            assert_eq!(timeouts.operation_attempt_timeout(), Some(Duration::from_secs(10)));
            assert_eq!(timeouts.operation_timeout(), Some(Duration::from_secs(operation)));
        }
    }

    #[test]
    fn each_region_has_its_own_clients_and_their_number_is_bounded() {
        let clients = clients();
        let Reader(reader) = clients.reader("ap-south-1");
        assert_eq!(reader.config().region().map(AsRef::as_ref), Some("ap-south-1"));
        for n in 0..200 {
            let _ = clients.mutator(&format!("region-{n}"));
            assert!(clients.shared.regions.len() <= REGIONS_KEPT);
        }
    }
}
