//! `make play`: it comes up, what it prints works when it is pasted, and it ends as it says.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::testbed::{Process, Program, built, eventually, get, scratch};

/// Far more than anything here takes: it ends a test that would wait for ever.
const PATIENCE: Duration = Duration::from_mins(2);

/// What tells the playground where the Kubernetes binaries are.
const PLACES: [&str; 3] = ["HOME", "SLUICEGATE_CACHE", "KUBEBUILDER_ASSETS"];

#[test]
fn the_line_that_play_prints_makes_kubectl_ready_and_ctrl_c_ends_everything() {
    let play = Play::start("pasted");
    let line = play.line("export KUBECONFIG=");

    let suggested = play.line("kubectl apply -f examples/demo/1-orders.yaml");
    let pasted = paste(&[
        &line,
        &suggested,
        "kubectl wait --for=condition=Ready msfapp/orders --timeout=120s",
    ]);
    assert!(pasted.contains("orders condition met"), "{pasted}");

    let page = get(&play.word_that_ends_with("/_emulator/")).unwrap();
    assert!(page.status == 200 && page.body.contains("orders"), "{page:?}");
    let metrics = get(&play.word_that_ends_with("/metrics")).unwrap();
    assert!(metrics.body.contains("sluicegate_"), "{metrics:?}");

    let children = children(play.process.pid());
    assert_eq!(children.len(), 4, "{children:?}");
    play.process.signal("INT").unwrap();
    let status = play.process.wait(PATIENCE).expect("it ends");
    assert!(status.success(), "{status}: {}", play.text());
    eventually("the children are gone", PATIENCE, || {
        children.iter().all(|pid| !alive(*pid))
    });
}

#[test]
fn play_fails_and_names_the_part_that_died() {
    let play = Play::start("widowed");
    play.line("export KUBECONFIG=");
    let emulator = children(play.process.pid())
        .into_iter()
        .find(|pid| command(*pid).contains("managed-flink-emulator"))
        .expect("the emulator is a child");
    kill9(emulator);
    let status = play.process.wait(PATIENCE).expect("it ends");
    assert_eq!(status.code(), Some(1), "{}", play.text());
    assert!(
        play.text().contains("managed-flink-emulator has ended"),
        "{}",
        play.text()
    );
}

/// A playground. It ends when this value is dropped, at the latest with this process.
struct Play {
    process: Process,
}

impl Play {
    fn start(name: &str) -> Self {
        let dir = scratch(&format!("play-{name}")).unwrap();
        let program = Program::new(&built("examples/play").unwrap(), &dir);
        let program = PLACES
            .into_iter()
            .fold(program, |program, name| match std::env::var_os(name) {
                Some(value) => program.env(name, value),
                None => program,
            });
        let process = Process::start("play", &program, &dir.join("play.log")).unwrap();
        Self { process }
    }

    fn text(&self) -> String {
        fs::read_to_string(self.process.log()).unwrap_or_default()
    }

    /// The first line that starts so, waited for.
    #[track_caller]
    fn line(&self, start: &str) -> String {
        eventually(&format!("a line {start:?}"), PATIENCE, || {
            assert!(self.process.is_running(), "play has ended: {}", self.text());
            let text = self.text();
            let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
            whole.lines().find(|line| line.starts_with(start)).map(str::to_owned)
        })
    }

    /// The last word that ends so, waited for.
    #[track_caller]
    fn word_that_ends_with(&self, end: &str) -> String {
        eventually(&format!("a word that ends with {end:?}"), PATIENCE, || {
            let text = self.text();
            let mut words = text.split_whitespace().rev();
            words.find(|word| word.ends_with(end)).map(str::to_owned)
        })
    }
}

/// Runs lines in one shell, in the root of the repository, and returns what they printed. All of them must succeed.
#[track_caller]
fn paste(lines: &[&str]) -> String {
    let script = format!("set -e\n{}\n", lines.join("\n"));
    let home = scratch("play-shell").unwrap();
    let output = Program::new(Path::new("/bin/bash"), &home)
        .args(["-s"])
        .run(Some(&script))
        .unwrap();
    assert!(output.status.success(), "{script}{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The processes that were started by this one, as `/proc` knows them.
fn children(parent: u32) -> Vec<u32> {
    let pids = fs::read_dir("/proc").unwrap().flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| stat(*pid).is_some_and(|(_, of)| of == parent))
        .collect()
}

/// A zombie is not alive: it waits for init alone.
fn alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'))
}

/// The state and the parent of a process.
fn stat(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

fn command(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default()
}

fn kill9(pid: u32) {
    let status = std::process::Command::new("kill")
        .args(["-s", "KILL", &pid.to_string()])
        .status();
    assert!(status.unwrap().success());
}
