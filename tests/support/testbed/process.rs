//! Child processes that end with this process.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::eventually::within;
use super::place::repository;
use super::{During, TestbedError};

/// The wrapper that every child starts as: the kernel kills it when the thread that started it ends, and it starts
/// nothing if that has already happened.
const WRAPPER: [&str; 6] = [
    "setpriv",
    "--pdeathsig",
    "KILL",
    "sh",
    "-c",
    r#"[ "$PPID" = "$0" ] && exec "$@""#,
];

/// A program with its arguments and its whole environment: nothing is inherited but `PATH`. It runs in
/// the root of the repository.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(String, OsString)>,
}

impl Program {
    /// The program at `path`, with `home` as its home and temporary directory.
    pub(crate) fn new(path: &Path, home: &Path) -> Self {
        let environment = vec![
            ("PATH".to_owned(), std::env::var_os("PATH").unwrap_or_default()),
            ("HOME".to_owned(), home.into()),
            ("TMPDIR".to_owned(), home.into()),
        ];
        Self {
            path: path.to_path_buf(),
            arguments: Vec::new(),
            environment,
        }
    }

    /// Appends arguments.
    pub(crate) fn args<I: IntoIterator<Item = S>, S: Into<OsString>>(mut self, arguments: I) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of the environment.
    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(WRAPPER[0]);
        command
            .args(&WRAPPER[1..])
            .arg(std::process::id().to_string())
            .arg(&self.path)
            .args(&self.arguments);
        command
            .current_dir(repository())
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the program to its end and returns what it printed.
    pub(crate) fn run(&self, stdin: Option<&str>) -> Result<std::process::Output, TestbedError> {
        let what = || format!("run {}", self.path.display());
        let mut command = self.command();
        command.stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .during(what)?;
        let input = child.stdin.take().zip(stdin.map(str::to_owned));
        // Written from a thread of its own: a child that prints before it reads would block us otherwise. A child that
        // does not want all of its input has its reasons, and says them.
        let writer = input.map(|(mut pipe, text)| thread::spawn(move || pipe.write_all(text.as_bytes())));
        let output = child.wait_with_output().during(what);
        drop(writer.map(thread::JoinHandle::join));
        output
    }
}

/// A running program whose output goes into a log file. It is killed and reaped when this value is dropped, and by the
/// kernel when this process ends in any way, `SIGKILL` included.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Mutex<Child>,
    pid: u32,
    log: PathBuf,
}

impl Process {
    /// Starts the program; both of its output streams are appended to `log`.
    ///
    /// The program is in a process group of its own: a Ctrl-C at the terminal reaches this process alone.
    pub(crate) fn start(name: &str, program: &Program, log: &Path) -> Result<Self, TestbedError> {
        Self::start_for(Some(thread::current().id()), name, program, log)
    }

    /// The same with a program that tests on all threads use: the end of its log is in the message of each that fails.
    pub(crate) fn start_for_all(name: &str, program: &Program, log: &Path) -> Result<Self, TestbedError> {
        Self::start_for(None, name, program, log)
    }

    fn start_for(user: Option<ThreadId>, name: &str, program: &Program, log: &Path) -> Result<Self, TestbedError> {
        use std::os::unix::process::CommandExt as _;
        let file = File::options().create(true).append(true).open(log);
        let file = file.during(|| format!("open {}", log.display()))?;
        let twin = file.try_clone().during(|| format!("open {}", log.display()))?;
        let mut command = program.command();
        command.stdin(Stdio::null()).stdout(file).stderr(twin).process_group(0);
        let child = spawn(command).during(|| format!("start {name} through setpriv"))?;
        remember(user, name, log);
        Ok(Self {
            name: name.to_owned(),
            pid: child.id(),
            child: Mutex::new(child),
            log: log.to_path_buf(),
        })
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Where its output goes.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Whether it has not ended yet.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self.child().try_wait(), Ok(None))
    }

    /// Kills it with `SIGKILL` and reaps it.
    pub(crate) fn kill9(&self) {
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Asks it to end with `SIGTERM`.
    pub(crate) fn terminate(&self) -> Result<(), TestbedError> {
        self.signal("TERM")
    }

    /// Sends a signal, named as for `kill -s`. A process that has ended receives nothing.
    pub(crate) fn signal(&self, signal: &str) -> Result<(), TestbedError> {
        let child = self.child();
        let command = format!("kill -s {signal} {}", child.id());
        Command::new("sh")
            .args(["-c", &command])
            .status()
            .during(|| format!("send {signal} to {}", self.name))?;
        drop(child);
        Ok(())
    }

    /// Waits for its end. `None`: it has not ended within that time.
    pub(crate) fn wait(&self, time: Duration) -> Option<ExitStatus> {
        within(time, || self.child().try_wait().ok().flatten())
    }

    /// The error that says what was wrong with this process, with the end of its log.
    pub(crate) fn not_started(&self, what: &str) -> TestbedError {
        let what = if self.is_running() {
            what.to_owned()
        } else {
            format!("{what} and has ended")
        };
        TestbedError::NotStarted {
            name: self.name.clone(),
            what,
            log: tail(&self.log, 20),
        }
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
    }
}

/// A process that was started, for the message of a failed test.
struct Started {
    /// The thread of the test that uses it; none for one that all use.
    user: Option<ThreadId>,
    name: String,
    log: PathBuf,
}

/// The last lines of the logs of the processes that this thread uses, for the message of a failed test.
pub(crate) fn tails(lines: usize) -> String {
    let here = thread::current().id();
    let started = started().lock().unwrap_or_else(PoisonError::into_inner);
    let tails = started
        .iter()
        .filter(|process| process.user.is_none_or(|user| user == here))
        .map(|process| {
            let end = tail(&process.log, lines);
            format!("--- {} ({}):\n{end}", process.name, process.log.display())
        });
    tails.collect::<Vec<_>>().join("\n")
}

fn tail(log: &Path, lines: usize) -> String {
    let text = std::fs::read(log)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn started() -> &'static Mutex<Vec<Started>> {
    static STARTED: Mutex<Vec<Started>> = Mutex::new(Vec::new());
    &STARTED
}

fn remember(user: Option<ThreadId>, name: &str, log: &Path) {
    let mut started = started().lock().unwrap_or_else(PoisonError::into_inner);
    if !started.iter().any(|known| known.log == log) {
        started.push(Started {
            user,
            name: name.to_owned(),
            log: log.to_path_buf(),
        });
    }
}

/// Starts children from one thread that never ends: the kernel's "parent died" means the thread that forked, and the
/// threads of tests come and go.
fn spawn(command: Command) -> io::Result<Child> {
    type Order = (Command, Sender<io::Result<Child>>);
    static SPAWNER: OnceLock<Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = channel::<Order>();
        thread::spawn(move || {
            for (mut command, reply) in inbox {
                let _ = reply.send(command.spawn());
            }
        });
        orders
    });
    let (reply, answer) = channel();
    spawner.send((command, reply)).map_err(io::Error::other)?;
    answer.recv().map_err(io::Error::other)?
}
