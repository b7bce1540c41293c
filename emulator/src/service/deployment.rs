//! What becomes of a script when it is deployed: a job with its course, in the caller's time.

use std::time::Duration;

use jiff::Timestamp;

use super::application::Application;
use super::identity::Ids;
use super::settings::Settings;
use crate::job::script::{Script, Then};
use crate::job::{Checkpointing, Job, JobState, Trouble, Vertex};

/// The pause before the first restart.
const DELAY: Duration = Duration::from_secs(1);
/// What the pause grows to where it grows.
const LONGEST_DELAY: Duration = Duration::from_mins(1);
/// A job that processed this long without a failure starts with the first pause again.
const FORGETS: Duration = Duration::from_hours(1);
/// How long a restore takes at least until it fails.
const FAILED_RESTORE: Duration = Duration::from_secs(1);

impl Application {
    /// Deploys the job of a script on the current version.
    pub(crate) fn deploy(
        &mut self,
        at: Timestamp,
        restore: Option<String>,
        script: &Script,
        settings: &Settings,
        ids: &mut Ids,
    ) {
        let restore = restore.filter(|_| !script.state.ignored);
        let trouble = self.trouble(restore.as_deref(), script, settings);
        let fails_to_restore = trouble.as_ref().is_some_and(|trouble| trouble.runs.is_zero());
        let checkpoints = self.checkpointing(script, settings);
        self.push_job(at, restore, ids, script.vertices.clone());
        if let Some(job) = self.jobs.last_mut() {
            job.processing = match &trouble {
                Some(trouble) if fails_to_restore => at + trouble.first,
                _ => at + settings.scaled(script.initializing),
            };
            job.ends = match &script.then {
                Then::EndsAfter(span) if !fails_to_restore => Some(job.processing + settings.scaled(*span)),
                _ => None,
            };
            job.trouble = trouble;
            job.checkpoints = checkpoints;
        }
    }

    /// Adds a job of the current version that is healthy and processes at once.
    pub(crate) fn push_job(
        &mut self,
        at: Timestamp,
        restored_from: Option<String>,
        ids: &mut Ids,
        vertices: Vec<Vertex>,
    ) {
        let whole = Vertex {
            name: "Source -> Sink".to_owned(),
            parallelism: self.current_parallelism,
        };
        let snapshot = restored_from.as_deref().and_then(|name| self.snapshot(name));
        self.jobs.push(Job {
            id: ids.job(),
            version: self.current,
            first_checkpoint: snapshot.map_or(0, |snapshot| snapshot.sequence),
            restored_from,
            allow_non_restored_state: self.run.as_ref().is_some_and(|run| run.allow_non_restored_state),
            launched: at,
            processing: at,
            ends: None,
            ended: None,
            state: JobState::Running,
            vertices: if vertices.is_empty() { vec![whole] } else { vertices },
            trouble: None,
            checkpoints: None,
            logged_failures: 0,
        });
    }

    /// What makes the job fail. A restore that fails comes first: such a job never processes (facts §2.2 row 6, §4.3).
    fn trouble(&self, restore: Option<&str>, script: &Script, settings: &Settings) -> Option<Trouble> {
        if let Some(exception) = restore.and_then(|name| self.unreadable_state(name, script)) {
            let restores = script.initializing.max(FAILED_RESTORE);
            return Some(self.looping(restores, restores, Duration::ZERO, exception, None, settings));
        }
        let Then::Fails(failing) = &script.then else {
            return None;
        };
        let first = script
            .initializing
            .saturating_add(failing.after)
            .saturating_add(failing.every);
        let (exception, times) = (failing.exception.clone(), failing.times);
        Some(self.looping(first, script.initializing, failing.every, exception, times, settings))
    }

    /// Failures with the pauses of the runtime: growing from Flink 1.19 on, always the same before (facts §4.4).
    fn looping(
        &self,
        first: Duration,
        restores: Duration,
        runs: Duration,
        exception: String,
        times: Option<u64>,
        settings: &Settings,
    ) -> Trouble {
        let runtime = self
            .version()
            .map(|version| version.runtime.as_str())
            .unwrap_or_default();
        let grows = flink_version(runtime).is_none_or(|version| version >= (1, 19));
        let longest_delay = if grows && restores.saturating_add(runs) < FORGETS {
            LONGEST_DELAY
        } else {
            DELAY
        };
        let shortest = |duration: Duration| {
            let scaled = settings.scaled(duration);
            if duration.is_zero() {
                scaled
            } else {
                scaled.max(Duration::from_nanos(1))
            }
        };
        Trouble {
            exception,
            first: shortest(first),
            restores: shortest(restores),
            runs: shortest(runs),
            times,
            delay: settings.scaled(DELAY),
            longest_delay: settings.scaled(longest_delay),
        }
    }

    /// Why the script cannot read the state of a snapshot; none when it can.
    fn unreadable_state(&self, snapshot: &str, script: &Script) -> Option<String> {
        let version = self.versions.get(&self.snapshot(snapshot)?.version)?;
        let key = &version.configuration.code.as_ref()?.location.key;
        (!script.state.reads(key)).then(|| {
            format!(
                "org.apache.flink.util.StateMigrationException: The new state serializer must not be incompatible with \
                 the old state serializer; snapshot {snapshot} was written by {key}"
            )
        })
    }

    /// The checkpoints of the script, at the interval of the configuration unless it names its own.
    fn checkpointing(&self, script: &Script, settings: &Settings) -> Option<Checkpointing> {
        let configured = || {
            let checkpoint = &self.configuration().ok()?.checkpoint;
            checkpoint.enabled.then(|| Duration::from_millis(checkpoint.interval))
        };
        script.checkpoints.every.or_else(configured).map(|every| Checkpointing {
            every: settings.scaled(every),
            fails: script.checkpoints.fail,
        })
    }
}

/// The Flink version of a runtime such as `FLINK-1_20`.
pub(crate) fn flink_version(runtime: &str) -> Option<(u32, u32)> {
    let (major, minor) = runtime.strip_prefix("FLINK-")?.split_once('_')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Whether state of one runtime would have to be read by an older one (facts §10).
pub(crate) fn is_downgrade(from: &str, to: &str) -> bool {
    flink_version(from)
        .zip(flink_version(to))
        .is_some_and(|(from, to)| to < from)
}
