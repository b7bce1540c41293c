//! The story of the application `orders`: created, changed, broken, mended, saved and stopped.

use std::thread;
use std::time::Duration;

use crate::console::{CONDITIONS, FAILURE, Outcome, SNAPSHOTS, diff, exactly, shell, until_there_is};
use crate::stage::{Stage, say};

impl Stage {
    pub(crate) fn create(&self) -> Outcome {
        say("A person applies a FlinkApplication.");
        shell("cat", &["examples/demo/1-orders.yaml"])?;
        self.apply("1-orders.yaml")?;
        self.until("orders", "condition=Ready")?;
        self.look("orders")?;
        self.counts();
        Ok(())
    }

    pub(crate) fn change_one_field(&self) -> Outcome {
        say("One field changes: the parallelism. The service gets exactly one update for it.");
        diff("1-orders.yaml", "2-more-parallel.yaml")?;
        let before = self.emulator.count("UpdateApplication");
        self.apply("2-more-parallel.yaml")?;
        self.until("orders", "condition=Ready")?;
        self.look("orders")?;
        exactly(
            1,
            self.emulator.count("UpdateApplication") - before,
            "UpdateApplication",
        )
    }

    pub(crate) fn ship_a_broken_release(&self) -> Outcome {
        say(
            "A release is shipped whose job fails and restarts for ever. The service reports RUNNING; the controller asks Flink, and goes back to the good release with its state.",
        );
        diff("2-more-parallel.yaml", "3-broken-release.yaml")?;
        let before = self.emulator.count("UpdateApplication");
        self.apply("3-broken-release.yaml")?;
        self.until("orders", "condition=Stalled")?;
        self.look("orders")?;
        self.kubectl(&["get", "msfapp", "orders", "-o", CONDITIONS])?;
        self.kubectl(&["get", "msfapp", "orders", "-o", FAILURE])?;
        let application = self.emulator.describe("orders").ok_or("the application is gone")?;
        let restored = application["job"]["restoredFrom"].as_str();
        println!(
            "\nThe job of the good release runs again, restored from snapshot {}.",
            restored.ok_or("the job runs without its state")?
        );
        exactly(1, self.emulator.count("RollbackApplication"), "RollbackApplication")?;
        say(
            "The broken revision is sent to the service once, not again and again: this is the count three seconds later.",
        );
        thread::sleep(Duration::from_secs(3));
        exactly(
            1,
            self.emulator.count("UpdateApplication") - before,
            "UpdateApplication",
        )
    }

    pub(crate) fn mend_it(&self) -> Outcome {
        say("The release is mended.");
        diff("3-broken-release.yaml", "4-mended-release.yaml")?;
        self.apply("4-mended-release.yaml")?;
        self.until("orders", "condition=Ready")?;
        self.look("orders")
    }

    pub(crate) fn take_a_snapshot(&self) -> Outcome {
        say(
            "There is a snapshot to go back to since the first release was proven. A person asks for another one; the job goes on.",
        );
        self.kubectl(&["annotate", "msfapp", "orders", "sluicegate.dev/snapshot-requested-at=1"])?;
        self.until("orders", "jsonpath={.status.handled.snapshot}=1")?;
        self.kubectl(&["get", "msfapp", "orders", "-o", SNAPSHOTS])?;
        self.look("orders")
    }

    pub(crate) fn let_the_clock_take_a_snapshot(&self) -> Outcome {
        say("The manifest of the first application has asked for a snapshot every minute since it was created.");
        until_there_is("a snapshot by the clock", || {
            let application = self.emulator.describe("orders")?;
            let snapshots = application["snapshots"].as_array()?.iter();
            let mut names = snapshots.filter_map(|snapshot| snapshot["SnapshotName"].as_str());
            names.find(|name| name.contains("-schedule-")).map(str::to_owned)
        })?;
        self.kubectl(&["get", "msfapp", "orders", "-o", SNAPSHOTS])
    }

    pub(crate) fn stop(&self) -> Outcome {
        say("The job is stopped; the service takes a snapshot of its state.");
        diff("4-mended-release.yaml", "5-stopped.yaml")?;
        self.apply("5-stopped.yaml")?;
        self.until("orders", "condition=Ready")?;
        self.look("orders")
    }
}
