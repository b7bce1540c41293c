//! The command line: every setting is a flag and an environment variable.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::{
    leader::{Election, LeaseSettings, SHORTEST_LEASE},
    telemetry::LogFormat,
};

/// Operates Amazon Managed Service for Apache Flink from Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "sluicegate", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the controller until it is told to stop.
    Run(Box<RunArgs>),
    /// Print the `CustomResourceDefinition` as YAML.
    Crd,
    /// Print the manifest of an application that exists; applying it changes nothing.
    Import(ImportArgs),
    /// Print what the resources of a file would change, and whether their jobs restart, without changing anything.
    ///
    /// Ends with 0 when nothing would change, with 2 when something would, and with 1 when nothing can be said.
    Plan(PlanArgs),
    /// Print how the tasks of an application went from one state to another, from its log, the oldest first.
    Transitions(TransitionsArgs),
}

/// Whose transitions are printed, and from when on.
#[derive(Debug, Clone, Args)]
pub struct TransitionsArgs {
    /// Name of the application in the service.
    #[arg(value_name = "NAME")]
    pub name: String,

    /// How far back the log is searched.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = positive_duration)]
    pub since: Duration,

    /// Where it is.
    #[command(flatten)]
    pub place: Place,
}

/// Which application is imported.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// Name of the application in the service.
    #[arg(long, value_name = "NAME")]
    pub name: String,

    /// Where it is.
    #[command(flatten)]
    pub place: Place,
}

/// Which file is planned.
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// A file with resources and the `ConfigMaps` that they name; `-` is the standard input.
    #[arg(short, long, value_name = "FILE")]
    pub file: PathBuf,

    /// Where applications are that name no region.
    #[command(flatten)]
    pub place: Place,
}

/// A region.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// Region of the service; without it `AWS_REGION` counts.
    #[arg(long, env = "SLUICEGATE_REGION", value_name = "REGION")]
    region: Option<String>,

    /// The SDK's own variable for the region.
    #[arg(long, env = "AWS_REGION", hide = true)]
    aws_region: Option<String>,
}

impl Place {
    /// The region: `--region`, else `AWS_REGION`, if either is set.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        first_set([&self.region, &self.aws_region])
    }
}

/// Settings of the controller.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Region of applications that name none; without it `AWS_REGION` counts.
    #[arg(long, env = "SLUICEGATE_REGION", value_name = "REGION")]
    pub region: Option<String>,

    /// Name of this cluster in ownership tags; without it the uid of the namespace kube-system.
    #[arg(long, env = "SLUICEGATE_CLUSTER_ID", value_name = "ID")]
    pub cluster_id: Option<String>,

    /// Namespaces to watch, repeated or separated by commas; without it all of them.
    #[arg(
        long = "namespace",
        env = "SLUICEGATE_NAMESPACE",
        value_name = "NAMESPACE",
        value_delimiter = ','
    )]
    pub namespaces: Vec<String>,

    /// Namespaces in which `spec.management.adoption` may take existing applications over, repeated or separated by
    /// commas; `*` is every namespace. Default: none.
    #[arg(
        long = "adoption-namespaces",
        env = "SLUICEGATE_ADOPTION_NAMESPACES",
        value_name = "NAMESPACE",
        value_delimiter = ','
    )]
    pub adoption_namespaces: Vec<String>,

    /// Address of `/metrics`, `/healthz` and `/readyz`.
    #[arg(
        long,
        env = "SLUICEGATE_HTTP_LISTEN",
        value_name = "ADDRESS",
        default_value = "0.0.0.0:8080"
    )]
    pub http_listen: SocketAddr,

    /// Format of log lines.
    #[arg(long, env = "SLUICEGATE_LOG_FORMAT", value_name = "FORMAT", default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,

    /// Which log lines are shown: a level, or a filter such as `info,sluicegate=debug`.
    #[arg(long, env = "SLUICEGATE_LOG_LEVEL", value_name = "FILTER", default_value = "info")]
    pub log_level: String,

    /// The most applications that are worked on at a time.
    #[arg(long, env = "SLUICEGATE_CONCURRENCY", value_name = "COUNT", default_value_t = 16,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,

    /// Pause between two sweeps over the applications of a region.
    #[arg(long, env = "SLUICEGATE_CENSUS_INTERVAL", value_name = "DURATION", default_value = "60s",
          value_parser = positive_duration)]
    pub census_interval: Duration,

    /// Pause between two readings of the restart counters of running jobs.
    #[arg(long, env = "SLUICEGATE_METRICS_INTERVAL", value_name = "DURATION", default_value = "60s",
          value_parser = positive_duration)]
    pub metrics_interval: Duration,

    /// The longest an application goes without a full look at it.
    #[arg(long, env = "SLUICEGATE_RESYNC_INTERVAL", value_name = "DURATION", default_value = "6h",
          value_parser = positive_duration)]
    pub resync_interval: Duration,

    /// How long a refusal for permission, role, location or quota is taken for a passing one.
    #[arg(long, env = "SLUICEGATE_REFUSAL_GRACE", value_name = "DURATION", default_value = "10m",
          value_parser = duration)]
    pub refusal_grace: Duration,

    /// How often a call that was refused for good is tried again.
    #[arg(long, env = "SLUICEGATE_REFUSAL_RECHECK", value_name = "DURATION", default_value = "5m",
          value_parser = positive_duration)]
    pub refusal_recheck: Duration,

    /// How long a `ConfigMap` that an application refers to may be missing before it counts as an error.
    #[arg(long, env = "SLUICEGATE_REFERENCE_GRACE", value_name = "DURATION", default_value = "2m",
          value_parser = duration)]
    pub reference_grace: Duration,

    /// Act only while holding the lease; `false` is for a single replica.
    #[arg(long, env = "SLUICEGATE_LEADER_ELECT", value_name = "BOOL", default_value_t = true,
          action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub leader_elect: bool,

    /// Name of the lease.
    #[arg(
        long,
        env = "SLUICEGATE_LEASE_NAME",
        value_name = "NAME",
        default_value = "sluicegate"
    )]
    pub lease_name: String,

    /// Namespace of the lease; without it `POD_NAMESPACE`, or `sluicegate-system`.
    #[arg(long, env = "SLUICEGATE_LEASE_NAMESPACE", value_name = "NAMESPACE")]
    pub lease_namespace: Option<String>,

    /// How long leadership outlasts its last renewal; whole seconds, at least 15s.
    #[arg(long, env = "SLUICEGATE_LEASE_DURATION", value_name = "DURATION", default_value = "15s",
          value_parser = lease_duration)]
    pub lease_duration: Duration,

    /// Name of this replica in the lease; without it `POD_NAME` or the host name, and a random part.
    #[arg(long, env = "SLUICEGATE_IDENTITY", value_name = "NAME")]
    pub identity: Option<String>,

    /// How long work under way may take to end at shutdown.
    #[arg(long, env = "SLUICEGATE_SHUTDOWN_GRACE", value_name = "DURATION", default_value = "25s",
          value_parser = duration)]
    pub shutdown_grace: Duration,

    /// The SDK's own variable for the region.
    #[arg(long, env = "AWS_REGION", hide = true)]
    aws_region: Option<String>,

    /// The pod's namespace, by the downward API.
    #[arg(long, env = "POD_NAMESPACE", hide = true)]
    pod_namespace: Option<String>,

    /// The pod's name, by the downward API.
    #[arg(long, env = "POD_NAME", hide = true)]
    pod_name: Option<String>,

    /// The host's name.
    #[arg(long, env = "HOSTNAME", hide = true)]
    hostname: Option<String>,
}

impl RunArgs {
    /// Region of applications that name none: `--region`, else `AWS_REGION`, if either is set.
    #[must_use]
    pub fn default_region(&self) -> Option<&str> {
        first_set([&self.region, &self.aws_region])
    }

    /// The settings of leader election, defaults filled in.
    ///
    /// Without `--identity` every call makes another identity, also after a restart in the same pod: a lease that an
    /// earlier process left behind is waited for, never taken for one's own.
    #[must_use]
    pub fn lease(&self) -> LeaseSettings {
        LeaseSettings {
            election: if self.leader_elect {
                Election::Lease
            } else {
                Election::Alone
            },
            name: self.lease_name.clone(),
            namespace: first_set([&self.lease_namespace, &self.pod_namespace])
                .unwrap_or("sluicegate-system")
                .to_owned(),
            identity: first_set([&self.identity]).map_or_else(|| self.unique_identity(), str::to_owned),
            duration: self.lease_duration,
        }
    }

    fn unique_identity(&self) -> String {
        let place = first_set([&self.pod_name, &self.hostname]).unwrap_or("sluicegate");
        let random = RandomState::new().build_hasher().finish();
        format!("{place}_{random:016x}")
    }
}

/// The first value that is set and not empty: an empty environment variable counts as none.
fn first_set<const N: usize>(values: [&Option<String>; N]) -> Option<&str> {
    values
        .into_iter()
        .filter_map(|value| value.as_deref())
        .find(|value| !value.is_empty())
}

/// What is wrong with a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not of the form number, unit, number, unit...
    #[error("`{0}` is not a duration such as `90s`, `1h30m` or `250ms`")]
    Form(String),
    /// A unit that is not ms, s, m or h.
    #[error("`{0}` is not a unit of time; use ms, s, m or h")]
    Unit(String),
    /// Longer than a year.
    #[error("`{0}` is longer than a year")]
    Long(String),
    /// Zero where some time is needed.
    #[error("the duration must be longer than zero")]
    Zero,
    /// A lease that cannot work.
    #[error("the lease must last a whole number of seconds, from {}s to 1h", SHORTEST_LEASE.as_secs())]
    Lease,
}

const LONGEST_DURATION: Duration = Duration::from_hours(366 * 24);

/// Parses a duration in Go's form: numbers with the units ms, s, m and h, one after the other, as in `1h30m`.
///
/// # Errors
/// When the text has another form or says more than a year.
pub fn duration(text: &str) -> Result<Duration, DurationError> {
    let form = || DurationError::Form(text.to_owned());
    let mut rest = text;
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return Err(form());
    }
    while !rest.is_empty() {
        let (number, after) = split_where(rest, |c| !(c.is_ascii_digit() || c == '.'));
        let (unit, after) = split_where(after, |c| c.is_ascii_digit() || c == '.');
        if !is_number(number) {
            return Err(form());
        }
        let seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "" => return Err(form()),
            _ => return Err(DurationError::Unit(unit.to_owned())),
        };
        let number: f64 = number.parse().map_err(|_| form())?;
        let part = Duration::try_from_secs_f64(number * seconds).unwrap_or(Duration::MAX);
        total = total.saturating_add(part);
        rest = after;
    }
    if total > LONGEST_DURATION {
        Err(DurationError::Long(text.to_owned()))
    } else {
        Ok(total)
    }
}

fn split_where(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

fn is_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    }
}

fn positive_duration(text: &str) -> Result<Duration, DurationError> {
    duration(text).and_then(|parsed| {
        if parsed.is_zero() {
            Err(DurationError::Zero)
        } else {
            Ok(parsed)
        }
    })
}

fn lease_duration(text: &str) -> Result<Duration, DurationError> {
    let parsed = duration(text)?;
    let fits = (SHORTEST_LEASE..=Duration::from_hours(1)).contains(&parsed) && parsed.subsec_nanos() == 0;
    if fits { Ok(parsed) } else { Err(DurationError::Lease) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn run(arguments: &[&str]) -> Result<RunArgs, clap::Error> {
        let cli = Cli::try_parse_from(["sluicegate", "run"].iter().chain(arguments))?;
        match cli.command {
            Command::Run(args) => Ok(*args),
            other => unreachable!("`run` was asked for, not {other:?}"),
        }
    }

    #[test]
    fn import_and_transitions_take_a_name_and_plan_a_file() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' ')).map(|cli| cli.command);
        let import = parse("sluicegate import --name orders --region eu-west-1").unwrap();
        assert!(
            matches!(&import, Command::Import(args) if args.name == "orders" && args.place.region() == Some("eu-west-1"))
        );
        let plan = parse("sluicegate plan -f - --region=eu-west-1").unwrap();
        assert!(matches!(&plan, Command::Plan(args) if args.file == std::path::Path::new("-")));
        assert!(parse("sluicegate import").is_err());
        assert!(parse("sluicegate plan").is_err());
        let transitions = parse("sluicegate transitions orders --since 30m").unwrap();
        assert!(matches!(&transitions, Command::Transitions(args) if args.since == Duration::from_mins(30)));
        assert!(parse("sluicegate transitions").is_err());
    }

    #[test]
    fn the_definition_of_the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_setting_has_an_environment_variable_named_after_its_flag() {
        let command = Cli::command();
        let run = command.find_subcommand("run").unwrap();
        let settings: Vec<_> = run.get_arguments().filter(|setting| !setting.is_hide_set()).collect();
        assert!(settings.len() >= 17);
        for setting in settings {
            let flag = setting.get_long().unwrap();
            let expected = format!("SLUICEGATE_{}", flag.to_uppercase().replace('-', "_"));
            assert_eq!(
                setting.get_env().and_then(|name| name.to_str()),
                Some(expected.as_str()),
                "--{flag}"
            );
        }
    }

    #[test]
    fn durations_read_as_in_go() {
        let table = [
            ("0s", Duration::ZERO),
            ("250ms", Duration::from_millis(250)),
            ("90s", Duration::from_secs(90)),
            ("1h30m", Duration::from_mins(90)),
            ("1h2m3s4ms", Duration::from_millis(3_723_004)),
            ("1.5h", Duration::from_mins(90)),
            ("0.5s", Duration::from_millis(500)),
        ];
        for (text, expected) in table {
            assert_eq!(duration(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_an_example_or_the_units() {
        for text in ["", "5", "s", "-5s", "1.s", ".5s", "1..5s", "1.2.3s", "1h30"] {
            assert_eq!(duration(text), Err(DurationError::Form(text.to_owned())), "{text:?}");
        }
        assert_eq!(duration("5d"), Err(DurationError::Unit("d".into())));
        assert_eq!(duration("5 s"), Err(DurationError::Unit(" s".into())));
        assert_eq!(duration("5s "), Err(DurationError::Unit("s ".into())));
        assert_eq!(duration("9000h"), Err(DurationError::Long("9000h".into())));
        let endless = format!("{}h", "9".repeat(400));
        assert_eq!(duration(&endless), Err(DurationError::Long(endless.clone())));
        assert!(duration("5").unwrap_err().to_string().contains("`1h30m`"));
    }

    #[test]
    fn intervals_of_zero_are_refused() {
        assert!(
            run(&["--census-interval=0s"])
                .unwrap_err()
                .to_string()
                .contains("longer than zero")
        );
        assert!(run(&["--refusal-grace=0s"]).is_ok());
    }

    #[test]
    fn a_lease_too_short_for_a_call_is_refused() {
        for text in ["14s", "15.5s", "2h"] {
            let refused = run(&[&format!("--lease-duration={text}")]).unwrap_err();
            assert!(refused.to_string().contains("from 15s to 1h"), "{refused}");
        }
        assert_eq!(
            run(&["--lease-duration=20s"]).unwrap().lease().duration,
            Duration::from_secs(20)
        );
    }

    #[test]
    fn leader_election_is_on_unless_it_is_said_otherwise() {
        assert_eq!(run(&[]).unwrap().lease().election, Election::Lease);
        assert_eq!(run(&["--leader-elect"]).unwrap().lease().election, Election::Lease);
        assert_eq!(
            run(&["--leader-elect=false"]).unwrap().lease().election,
            Election::Alone
        );
    }

    #[test]
    fn namespaces_are_repeated_or_separated_by_commas() {
        let args = run(&["--namespace", "a,b", "--namespace=c"]).unwrap();
        assert_eq!(args.namespaces, ["a", "b", "c"]);
        let args = run(&["--adoption-namespaces=a,b"]).unwrap();
        assert_eq!(args.adoption_namespaces, ["a", "b"]);
    }

    #[test]
    fn an_identity_is_unique_to_the_process_unless_it_is_given() {
        let args = run(&["--pod-name=sluicegate-0"]).unwrap();
        let (one, other) = (args.lease().identity, args.lease().identity);
        assert!(one.starts_with("sluicegate-0_"), "{one}");
        assert_ne!(one, other);
        assert_eq!(run(&["--identity=left"]).unwrap().lease().identity, "left");
    }

    #[test]
    fn a_setting_of_ours_goes_before_the_surroundings() {
        let args = run(&["--aws-region=us-east-1", "--pod-namespace=pods"]).unwrap();
        assert_eq!(args.default_region(), Some("us-east-1"));
        assert_eq!(args.lease().namespace, "pods");
        let args = run(&["--region=eu-west-1", "--aws-region=us-east-1", "--lease-namespace=ours"]).unwrap();
        assert_eq!(args.default_region(), Some("eu-west-1"));
        assert_eq!(args.lease().namespace, "ours");
        assert_eq!(
            run(&["--region=", "--aws-region=us-east-1"]).unwrap().default_region(),
            Some("us-east-1")
        );
    }

    #[test]
    fn documented_defaults_hold() {
        let args = run(&[]).unwrap();
        assert_eq!(args.http_listen.to_string(), "0.0.0.0:8080");
        assert_eq!(args.concurrency, 16);
        assert_eq!(args.census_interval, Duration::from_mins(1));
        assert_eq!(args.metrics_interval, Duration::from_mins(1));
        assert_eq!(args.resync_interval, Duration::from_hours(6));
        assert_eq!(args.refusal_grace, Duration::from_mins(10));
        assert_eq!(args.refusal_recheck, Duration::from_mins(5));
        assert_eq!(args.reference_grace, Duration::from_mins(2));
        assert_eq!(args.lease_name, "sluicegate");
        assert_eq!(args.shutdown_grace, Duration::from_secs(25));
    }
}
