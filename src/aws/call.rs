//! How a call goes out: when it is its turn, counted, its failure classified.

use std::error::Error;
use std::time::Duration;

use aws_sdk_kinesisanalyticsv2::config::http::HttpResponse;
use aws_sdk_kinesisanalyticsv2::error::{ProvideErrorMetadata, SdkError};

use futures::TryFutureExt as _;

use crate::aws::Service;
use crate::aws::fault::classify;
use crate::fault::{Fault, FaultKind};
use crate::plan::urgency::Urgency;

/// How often a read is sent while it is throttled.
fn attempts(urgency: Urgency) -> usize {
    match urgency {
        Urgency::Look => 1,
        Urgency::Change => 3,
        Urgency::Rescue | Urgency::Sweep => 5,
    }
}

impl Service {
    /// How long a pass of an object is to be put off because calls are scarce; none when it may go on.
    #[must_use]
    pub fn put_off(&self, region: &str, key: &str) -> Option<Duration> {
        self.budget.put_off(region, key, self.urgency)
    }

    /// How long a mutating call for an object is to be put off because its operation is throttled; none when it may be
    /// sent.
    #[must_use]
    pub fn put_off_call(&self, region: &str, operation: &'static str, key: &str, urgency: Urgency) -> Option<Duration> {
        self.budget.put_off_call(region, operation, key, urgency)
    }

    /// Sends a read through the SDK when it is its turn, and again while it is throttled and somebody waits for it, or it
    /// has time.
    pub(super) async fn read<T, E, F>(
        &self,
        region: &str,
        operation: &'static str,
        send: impl Fn() -> F + Send,
    ) -> Result<T, Fault>
    where
        E: ProvideErrorMetadata + Error + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
    {
        let send = move || send().map_err(|error| classify(&error));
        self.in_turn(region, operation, send).await
    }

    /// Sends a read when it is its turn, and again while it is throttled and somebody waits for it, or it has time.
    pub(super) async fn in_turn<T, F>(
        &self,
        region: &str,
        operation: &'static str,
        send: impl Fn() -> F + Send,
    ) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>> + Send,
    {
        for _ in 1..attempts(self.urgency) {
            match self.read_once(region, operation, &send).await {
                Err(fault) if fault.kind == FaultKind::Throttled => {}
                answered => return answered,
            }
        }
        self.read_once(region, operation, &send).await
    }

    async fn read_once<T, F>(
        &self,
        region: &str,
        operation: &'static str,
        send: &(impl Fn() -> F + Send),
    ) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>> + Send,
    {
        let Some(wait) = self.budget.turn(region, operation, self.urgency) else {
            self.metrics.call_held_back(operation);
            let message = format!("{operation} is throttled, and others come first");
            return Err(Fault::new(FaultKind::Throttled, &message));
        };
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        self.counted(region, operation, send().await)
    }

    /// Counts a call of the SDK, classifies its failure, and learns from it how many calls the service takes.
    pub(super) fn noted<T, E>(
        &self,
        region: &str,
        operation: &'static str,
        result: Result<T, SdkError<E, HttpResponse>>,
    ) -> Result<T, Fault>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        self.counted(region, operation, result.map_err(|error| classify(&error)))
    }

    fn counted<T>(&self, region: &str, operation: &'static str, result: Result<T, Fault>) -> Result<T, Fault> {
        match &result {
            Ok(_) => self.metrics.call_succeeded(operation),
            Err(fault) => self.metrics.call_failed(operation, fault.kind.as_str()),
        }
        if matches!(&result, Err(fault) if fault.kind == FaultKind::Throttled) {
            self.budget.throttled(region, operation);
        }
        result
    }
}
