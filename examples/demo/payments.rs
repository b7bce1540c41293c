//! The story of the application `payments`: it cannot start, then loops, then works, and loops again long after.

use crate::console::{FAILURE, HEALTH, MESSAGE, Outcome, diff, exactly, shell, until_there_is};
use crate::stage::{Stage, say};

impl Stage {
    pub(crate) fn start_what_cannot_start(&self) -> Outcome {
        say("A second application is applied. Its main method throws, so no job of it starts; the condition says why.");
        shell("cat", &["examples/demo/6-payments.yaml"])?;
        let before = self.emulator.count("StartApplication");
        self.apply("6-payments.yaml")?;
        self.until("payments", "condition=Stalled")?;
        self.look("payments")?;
        self.kubectl(&["get", "msfapp", "payments", "-o", MESSAGE])?;
        exactly(1, self.emulator.count("StartApplication") - before, "StartApplication")
    }

    pub(crate) fn stop_a_loop_by_force(&self) -> Outcome {
        say(
            "The fix starts, but its job fails again and again. Its manifest says rollout.onFailure: Hold, so the job is left as it is until a person decides.",
        );
        diff("6-payments.yaml", "7-starts-and-loops.yaml")?;
        self.apply("7-starts-and-loops.yaml")?;
        self.until("payments", "jsonpath={.status.lastFailure.reason}=RestartLoop")?;
        self.look("payments")?;
        self.kubectl(&["get", "msfapp", "payments", "-o", FAILURE])?;
        say(
            "A person has the looping job stopped by force: no graceful stop and no snapshot works while a job is down.",
        );
        self.kubectl(&[
            "annotate",
            "msfapp",
            "payments",
            "sluicegate.dev/force-stop-requested-at=1",
        ])?;
        self.until("payments", "jsonpath={.status.aws.applicationStatus}=READY")?;
        self.look("payments")?;
        self.kubectl(&["get", "msfapp", "payments", "-o", MESSAGE])
    }

    pub(crate) fn make_it_work(&self) -> Outcome {
        say("The next fix works. From now on the log of the job is watched.");
        diff("7-starts-and-loops.yaml", "8-works-and-is-watched.yaml")?;
        self.apply("8-works-and-is-watched.yaml")?;
        self.until("payments", "condition=Ready")?;
        self.look("payments")
    }

    pub(crate) fn find_a_loop_later(&self) -> Outcome {
        say(
            "Long after it was proven, the job begins to fail again and again. Nobody looks at it; its log tells of the restarts. The manifest says health.onUnhealthy: Restart.",
        );
        let failing = self.emulator.describe("payments").ok_or("the application is gone")?;
        self.until(
            "payments",
            "jsonpath={.status.conditions[?(@.type==\"JobHealthy\")].reason}=RestartLoop",
        )?;
        self.kubectl(&["get", "msfapp", "payments", "-o", HEALTH])?;
        self.look("payments")?;
        println!("\nIt is stopped by force and started again from the newest snapshot of before.");
        until_there_is("a job that was started again from it", || {
            let application = self.emulator.describe("payments")?;
            let job = &application["job"];
            let is_new = job["id"] != failing["job"]["id"];
            is_new
                .then(|| job["restoredFrom"].as_str().map(str::to_owned))
                .flatten()
        })
    }

    pub(crate) fn see_it_run_again(&self) -> Outcome {
        say("Meanwhile the job that was started again is proven too.");
        self.until("payments", "condition=Ready")?;
        self.look("payments")
    }
}
