//! Log lines: their format, their filter, and what never becomes one.
//!
//! The SDK, the HTTP stack and the Kubernetes client print requests at the verbose levels: pre-signed URLs, property
//! values, tokens. Their lines below WARN are dropped whatever the filter says (S21).

use std::{fmt, io::IsTerminal};

use tracing::{Level, Metadata, Subscriber, subscriber::set_global_default};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, ParseError, filter_fn},
    fmt::MakeWriter,
    layer::SubscriberExt,
    registry::Registry,
};

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For reading at a terminal.
    Human,
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "json",
            Self::Human => "human",
        })
    }
}

/// May a line for reading at a terminal have colours?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// The writer is a terminal.
    Terminal,
    /// The writer is not, or may not be, a terminal.
    Never,
}

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter has a mistake in it.
    #[error("log level `{filter}` is not a filter such as `info` or `info,sluicegate=debug`: {cause}")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        cause: ParseError,
    },
    /// Logging was started before.
    #[error("logging is already started")]
    Started(#[from] tracing::subscriber::SetGlobalDefaultError),
}

/// Starts logging to standard error for the whole process; call it once.
///
/// Lines of the `log` crate are not collected: they would escape the clamp.
///
/// # Errors
/// When the filter cannot be parsed or logging was started before.
pub fn init(format: LogFormat, filter: &str) -> Result<(), TelemetryError> {
    let colours = if std::io::stderr().is_terminal() {
        Colours::Terminal
    } else {
        Colours::Never
    };
    Ok(set_global_default(subscriber(
        format,
        filter,
        colours,
        std::io::stderr,
    )?)?)
}

/// A subscriber that writes lines to `writer`, filtered and clamped as [`init`] does it.
///
/// # Errors
/// When the filter cannot be parsed.
pub fn subscriber<W>(
    format: LogFormat,
    filter: &str,
    colours: Colours,
    writer: W,
) -> Result<impl Subscriber + Send + Sync, TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let chosen = EnvFilter::try_new(filter).map_err(|cause| TelemetryError::Filter {
        filter: filter.to_owned(),
        cause,
    })?;
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
        LogFormat::Human => lines.with_ansi(colours == Colours::Terminal).boxed(),
    };
    Ok(Registry::default().with(lines.with_filter(chosen.and(filter_fn(is_safe)))))
}

/// May this line or span be shown?
fn is_safe(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::WARN || !prints_requests(metadata.target())
}

/// Is this the target of a library that prints requests, answers or credentials?
fn prints_requests(target: &str) -> bool {
    let library = target.split("::").next().unwrap_or(target);
    library.starts_with("aws_")
        || library.starts_with("hyper")
        || matches!(
            library,
            "h2" | "http" | "kube_client" | "reqwest" | "rustls" | "tower" | "tower_http" | "log"
        )
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    use tracing::{debug, info, trace, trace_span, warn};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: &str, what: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(format, filter, Colours::Never, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, what);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn libraries_that_print_requests_stay_silent_below_warn_even_when_the_filter_asks_for_them() {
        let lines = logged(
            LogFormat::Human,
            "trace,aws_config=trace,kube_client=debug,hyper_util::client=trace",
            || {
                trace!(target: "aws_smithy_runtime::client::orchestrator", "canary");
                debug!(target: "aws_config::provider", "canary");
                debug!(target: "hyper::proto::h1", "canary");
                trace!(target: "hyper_util::client::legacy", "canary");
                debug!(target: "kube_client::client::builder", "canary");
                trace!(target: "h2::codec", "canary");
                debug!(target: "rustls::client", "canary");
                info!(target: "tower::buffer", "canary");
                info!(target: "tower_http::trace", "canary");
                let _span = trace_span!(target: "aws_sdk_kinesisanalyticsv2", "call", url = "canary").entered();
                info!("inside");
            },
        );
        assert!(!lines.contains("canary"), "{lines}");
        assert!(lines.contains("inside"), "{lines}");
    }

    #[test]
    fn warnings_of_these_libraries_are_shown() {
        let lines = logged(
            LogFormat::Human,
            "info",
            || warn!(target: "aws_config::profile", "no profile"),
        );
        assert!(lines.contains("no profile"), "{lines}");
    }

    #[test]
    fn our_own_lines_follow_the_filter() {
        let lines = logged(LogFormat::Human, "info,sluicegate=debug", || {
            debug!("own detail");
            trace!("too fine");
            debug!(target: "axum::serve", "other detail");
        });
        assert!(
            lines.contains("own detail") && !lines.contains("too fine") && !lines.contains("other detail"),
            "{lines}"
        );
    }

    #[test]
    fn json_lines_are_objects_with_the_fields_at_the_top() {
        let lines = logged(LogFormat::Json, "info", || info!(application = "orders", "created"));
        let line: serde_json::Value = serde_json::from_str(lines.trim()).unwrap();
        assert_eq!(line["application"], "orders");
        assert_eq!(line["message"], "created");
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn a_wrong_filter_is_refused_with_an_example_of_a_right_one() {
        let refused = subscriber(LogFormat::Json, "sluicegate=loud", Colours::Never, io::sink)
            .err()
            .unwrap();
        assert!(refused.to_string().contains("`info,sluicegate=debug`"), "{refused}");
    }
}
