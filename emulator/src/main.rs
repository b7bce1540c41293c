//! The binary: settings from flags and the environment, then the server until it is told to stop.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;
use managed_flink_emulator::http::{self, Folders};
use managed_flink_emulator::job::script::parse_duration;
use managed_flink_emulator::service::{Service, Settings, State};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Amazon Managed Service for Apache Flink on your laptop.
#[derive(Parser)]
#[command(version)]
struct Flags {
    /// Where to listen; port 0 takes a free one. The first line of the output names it.
    #[arg(long, env = "EMULATOR_LISTEN", default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    listen: String,
    /// A folder to read as a bucket. May be given more than once; in the environment separated by commas.
    #[arg(long, env = "EMULATOR_BUCKET", value_name = "NAME=DIR", value_delimiter = ',')]
    bucket: Vec<Pair>,
    /// How many times faster than the real service everything happens.
    #[arg(long, env = "EMULATOR_SPEED", default_value_t = 1.0, value_parser = parse_speed)]
    speed: f64,
    /// Where clients reach the emulator, when it is not the host they call; pre-signed URLs begin with it.
    #[arg(long, env = "EMULATOR_PUBLIC_URL", value_name = "URL", value_parser = parse_url)]
    public_url: Option<String>,
    /// The account in every ARN.
    #[arg(long, env = "EMULATOR_ACCOUNT", default_value = "111122223333", value_parser = parse_account)]
    account: String,
    /// A switch for behaviour that is not documented; docs/emulator.md lists them. May be given more than once.
    #[arg(long, env = "EMULATOR_RULE", value_name = "NAME=VALUE", value_delimiter = ',')]
    rule: Vec<Pair>,
    /// Applications per region.
    #[arg(long, env = "EMULATOR_APPLICATION_QUOTA", default_value_t = 100)]
    application_quota: usize,
    /// Snapshots per application before a manual one is refused.
    #[arg(long, env = "EMULATOR_SNAPSHOT_QUOTA", default_value_t = 1000)]
    snapshot_quota: usize,
    /// The time from one maintenance of a running application to the next, in the service's time, for instance 12h.
    #[arg(long, env = "EMULATOR_MAINTENANCE_EVERY", value_name = "DURATION", value_parser = parse_interval)]
    maintenance_every: Option<Duration>,
    /// The time from one autoscaling of a running application to the next, in the service's time, for instance 1h.
    #[arg(long, env = "EMULATOR_AUTOSCALING_EVERY", value_name = "DURATION", value_parser = parse_interval)]
    autoscaling_every: Option<Duration>,
    /// A file that keeps the state over a restart.
    #[arg(long, env = "EMULATOR_STATE", value_name = "FILE")]
    state: Option<PathBuf>,
}

#[derive(Clone)]
struct Pair {
    name: String,
    value: String,
}

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok(Self {
                name: name.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err(format!("{text:?} must be two words with = between them")),
        }
    }
}

fn parse_speed(text: &str) -> Result<f64, String> {
    let speed = text
        .parse::<f64>()
        .ok()
        .filter(|speed| speed.is_finite() && *speed > 0.0);
    speed.ok_or_else(|| format!("{text:?} must be a number above zero"))
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    let interval = parse_duration(text).filter(|interval| *interval >= Duration::from_mins(1));
    interval.ok_or_else(|| format!("{text:?} must be a duration of at least 1m, for instance 12h"))
}

fn parse_url(text: &str) -> Result<String, String> {
    if text.starts_with("http://") || text.starts_with("https://") {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} must begin with http:// or https://"))
    }
}

fn parse_account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.chars().all(|letter| letter.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} must be twelve digits"))
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("--bucket {0}: there is no folder {1:?}")]
    NoFolder(String, String),
    #[error("--rule: {0}")]
    Rule(#[from] managed_flink_emulator::service::rules::RuleError),
    #[error("--state: {0}")]
    State(#[from] http::StateFileError),
    #[error("--listen {0}: {1}")]
    Listen(String, std::io::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("EMULATOR_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match run(Flags::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tracing::error!("{failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: Flags) -> Result<(), Failure> {
    let mut folders = Folders::default();
    for Pair { name, value } in flags.bucket {
        if !std::path::Path::new(&value).is_dir() {
            return Err(Failure::NoFolder(name, value));
        }
        folders.insert(name, value);
    }
    let mut settings = Settings {
        account: flags.account,
        speed: flags.speed,
        public_url: flags.public_url,
        application_quota: flags.application_quota,
        snapshot_quota: flags.snapshot_quota,
        maintenance_every: flags.maintenance_every,
        autoscaling_every: flags.autoscaling_every,
        ..Settings::default()
    };
    for Pair { name, value } in flags.rule {
        settings.rules.set(&name, &value)?;
    }
    let state = flags
        .state
        .as_deref()
        .map_or_else(|| Ok(State::default()), http::load)?;
    let service = Service::with_state(settings, Box::new(folders), state);
    let stop = stop_signal()?;
    let listener = TcpListener::bind(&flags.listen)
        .await
        .map_err(|error| Failure::Listen(flags.listen.clone(), error))?;
    let address = listener.local_addr()?;
    let mut output = std::io::stdout();
    writeln!(output, "listening on http://{address}")?;
    output.flush()?;
    http::serve(listener, service, wall_clock, flags.state, stop).await?;
    Ok(())
}

/// Resolves at the first SIGTERM or SIGINT.
fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the emulator's own clock; the core gets the time from here"
)]
fn wall_clock() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
