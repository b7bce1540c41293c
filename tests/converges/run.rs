//! One run: a script of what people do against the real controller, on virtual time, until everything rests.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sluicegate::aws::Service;
use sluicegate::aws::clients::Clients;
use sluicegate::census::Census;
use sluicegate::clock::Clock;
use sluicegate::desired::identity;
use sluicegate::leader::Leadership;
use sluicegate::metrics::Metrics;
use sluicegate::plan::health::{differs, is_watched};
use sluicegate::plan::{Rules, stages};
use sluicegate::reconcile::record::RecordError;
use sluicegate::reconcile::{Context, PassError, Settings, pass};
use sluicegate::world::Counter;

use crate::clock::VirtualClock;
use crate::history::text;
use crate::invariants::{is_held_back, is_stalled_as, is_true};
use crate::remembered::{Applied, Remembered};
use crate::script::{Act, When, seconds};
use crate::trace::What;
use crate::wires::Shared;
use crate::world::{APP, CLUSTER, Looks, REGION, World};

/// How long a watch takes to tell of a change.
const WATCH: SignedDuration = SignedDuration::from_millis(50);
/// How long a process takes to come up again.
const RESTART: SignedDuration = SignedDuration::from_secs(1);
/// The time between two sweeps of the census.
const CENSUS: SignedDuration = SignedDuration::from_mins(1);
/// The time between two sweeps in the tail, where nothing happens that one could see.
const QUIET_CENSUS: SignedDuration = SignedDuration::from_mins(10);
/// How long everything may take to rest after an act.
const PATIENCE: SignedDuration = SignedDuration::from_hours(6);
/// The most that may happen until everything rests: more is a loop.
const MOST: usize = 50_000;
/// How long nothing may happen at the end.
pub const TAIL: SignedDuration = SignedDuration::from_hours(2);

/// A moment from which a run can go on in another way.
pub struct Checkpoint {
    /// The number of the first point that is still to come.
    pub points: u32,
    world: World,
    driver: Driver,
    now: Timestamp,
}

/// Where the loop of a run stands.
#[derive(Clone)]
struct Driver {
    acts: Arc<[Act]>,
    done: usize,
    acted: Timestamp,
    due: Option<Timestamp>,
    /// Whether the last pass came to its end with the newest version of the object.
    looked: bool,
    census: Timestamp,
    census_pause: SignedDuration,
    /// Passes that are given an older version of the object.
    stale: Vec<u32>,
}

/// A run that has ended.
pub struct Ended {
    /// The world at the end.
    pub world: World,
    /// The end.
    pub now: Timestamp,
    /// Where the quiet tail begins in the trace.
    pub tail: usize,
    /// Why the run did not come to rest.
    pub unrest: Option<String>,
    /// The moments before each pass, when they were asked for.
    pub checkpoints: Vec<Checkpoint>,
}

impl Ended {
    /// The end of the run as the beginning of another.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            points: self.world.points,
            world: self.world.fork(),
            driver: Driver::new(&[], self.now),
            now: self.now,
        }
    }
}

impl Driver {
    fn new(acts: &[Act], now: Timestamp) -> Self {
        Self {
            acts: acts.into(),
            done: 0,
            acted: now,
            due: Some(now),
            looked: false,
            census: now + CENSUS,
            census_pause: CENSUS,
            stale: Vec::new(),
        }
    }
}

impl Checkpoint {
    /// The beginning of everything.
    pub fn genesis(world: World) -> Self {
        Self::genesis_at(world, "2026-01-01T00:00:00Z".parse().unwrap_or_default())
    }

    /// The beginning of everything at a moment.
    pub fn genesis_at(world: World, now: Timestamp) -> Self {
        Self {
            points: 0,
            world,
            driver: Driver::new(&[], now),
            now,
        }
    }

    /// The same moment with a fresh history, a script and no points counted: the beginning of a scenario.
    pub fn begin(&self, acts: &[Act]) -> Self {
        let mut world = self.world.fork();
        world.trace.clear();
        world.kinds.clear();
        world.points = 0;
        world.pass = 0;
        world.process += 1;
        Self {
            points: 0,
            world,
            driver: Driver::new(acts, self.now),
            now: self.now,
        }
    }

    /// The same moment in another process, with something in the world changed.
    pub fn with(&self, change: impl FnOnce(&mut World)) -> Self {
        let mut world = self.world.fork();
        world.process += 1;
        change(&mut world);
        Self {
            points: self.points,
            world,
            driver: self.driver.clone(),
            now: self.now,
        }
    }

    /// The same moment in another process, with passes to come that are given an older version of the object.
    pub fn with_stale_passes(&self, passes: &[u32]) -> Self {
        self.with(|_| {}).stale(passes)
    }

    /// This moment, with passes to come that are given an older version of the object.
    pub fn stale(mut self, passes: &[u32]) -> Self {
        self.driver.stale = passes.to_vec();
        self
    }

    /// Goes on from here to the end of the script and through the quiet tail.
    pub fn run(&self, keep_checkpoints: bool) -> Ended {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        match runtime {
            Ok(runtime) => runtime.block_on(self.go_on(keep_checkpoints)),
            Err(error) => panic!("no runtime: {error}"),
        }
    }

    async fn go_on(&self, keep_checkpoints: bool) -> Ended {
        let clock = VirtualClock::starting_at(self.now);
        let shared = Shared::new(self.world.fork(), clock);
        let mut run = Run {
            driver: self.driver.clone(),
            clients: shared.clients(),
            shared,
            process: None,
            vouched: false,
            checkpoints: keep_checkpoints.then(Vec::new),
        };
        let unrest = run.play_out().await;
        let tail = run.shared.world().trace.len();
        if unrest.is_none() {
            run.through_the_tail().await;
        }
        let now = clock.now();
        let world = run.shared.world().taken();
        Ended {
            world,
            now,
            tail,
            unrest,
            checkpoints: run.checkpoints.unwrap_or_default(),
        }
    }
}

struct Run {
    shared: Shared,
    /// The SDK's clients, which keep nothing that a process knows.
    clients: Clients,
    driver: Driver,
    /// The process: it dies with a crash.
    process: Option<Process>,
    /// Whether every second process begins with a census; the first and the last one of a run look at everything.
    vouched: bool,
    checkpoints: Option<Vec<Checkpoint>>,
}

impl Run {
    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Runs until the script is over and everything rests; otherwise tells what does not.
    async fn play_out(&mut self) -> Option<String> {
        loop {
            let now = self.now();
            self.shared.world().advance(now);
            self.act(now);
            let over = self.driver.done == self.driver.acts.len();
            if over && self.is_settled(now) {
                return None;
            }
            if now > self.driver.acted + PATIENCE {
                let name = self.driver.done.checked_sub(1).map(|last| self.driver.acts[last].name);
                return Some(format!(
                    "nothing rests {PATIENCE:#} after {}",
                    name.unwrap_or("the beginning")
                ));
            }
            if self.shared.world().trace.len() > MOST {
                return Some(format!("more than {MOST} things happened, and nothing rests"));
            }
            self.step(now).await;
        }
    }

    /// Lets the quiet time pass without faults, and then has a new process look once more.
    async fn through_the_tail(&mut self) {
        self.shared.world().calm();
        self.driver.stale.clear();
        self.driver.census_pause = QUIET_CENSUS;
        let end = self.now() + TAIL;
        while self.now() < end {
            let now = self.now();
            self.shared.world().advance(now);
            self.step(now).await;
        }
        self.process = None;
        self.vouched = false;
        self.shared.world().process += 1;
        self.driver.due = Some(self.now());
        let now = self.now();
        self.step(now).await;
    }

    fn act(&mut self, now: Timestamp) {
        while let Some(act) = self.driver.acts.get(self.driver.done).cloned() {
            let is_due = match act.when {
                When::Settled => self.is_settled(now),
                When::After(after) => now >= self.driver.acted + seconds(after),
                When::Told(member) => self.is_told(member),
                When::Within(member, after) => now >= self.driver.acted + seconds(after) || self.is_told(member),
            };
            if !is_due {
                return;
            }
            let mut world = self.shared.world();
            let before = world.cluster.version();
            act.perform(&mut world, now);
            if before != world.cluster.version() {
                wake(&mut self.driver.due, now + WATCH);
            }
            drop(world);
            self.driver.done += 1;
            self.driver.acted = now;
        }
    }

    /// Whether the status of the resource has a member.
    fn is_told(&self, member: &str) -> bool {
        let object = self.shared.world().object();
        object.is_some_and(|object| object["status"].pointer(member).is_some())
    }

    /// Whether nothing is under way: the conditions say so, no call is awaited, and no look is due soon.
    fn is_settled(&self, now: Timestamp) -> bool {
        let mut world = self.shared.world();
        let Some(object) = world.object() else {
            return world.next_late().is_none();
        };
        if world.away_until.is_some() {
            return false;
        }
        let due_soon = self.driver.due.is_some_and(|due| due <= now + seconds(1));
        let status = &object["status"];
        // What the service began by itself, and what is done beside a stalled resource, ends by itself.
        let service_is_busy = matches!(text(status, "/aws/applicationStatus"), "AUTOSCALING" | "MAINTENANCE")
            && !status.to_string().contains("DeadlineExceeded");
        let is_aside = matches!(text(status, "/intent/step"), "BackUp" | "DeleteSnapshot");
        // Somebody else's rollback is stalled at once and verified beside that.
        let is_verified = status["wayBack"]["elsewhere"] == true
            && status["wayBack"]["failure"].is_null()
            && !status["rollout"]["gate"].is_null()
            && is_stalled_as(status, "RolledBack");
        !due_soon
            && !service_is_busy
            && !is_verified
            && !is_aside
            && self.driver.looked
            && world.next_late().is_none()
            && status["observedGeneration"] == object["metadata"]["generation"]
            && (is_true(status, "Stalled")
                || is_observed(&object) && hangs(status, now)
                || (is_true(status, "Ready") || is_held_back(status) || is_observed(&object))
                    && status["intent"].is_null())
            && !world.census_wakes(now)
            && !self.health_is_to_change(&object, &mut world, now)
    }

    /// Whether the counter that was read last says what the status does not, a loop that has begun is still to be found, or
    /// one that is over still known.
    fn health_is_to_change(&self, object: &Arc<Value>, world: &mut World, now: Timestamp) -> bool {
        let Some(process) = &self.process else {
            return false;
        };
        let app = self.shared.read(object);
        let restarts = process.context.feed().of(&identity(&app, REGION));
        if differs(&app, &restarts) {
            return true;
        }
        let Some(journal) = app.status.as_ref().map(|status| &status.journal) else {
            return false;
        };
        let readable = !matches!(restarts.counter, Counter::Unreadable(_));
        readable && world.watches && is_watched(journal) && world.job_fails(now) != journal.restart_loop().is_some()
    }

    /// One step: a pass that is due, or the time to the next thing that happens.
    async fn step(&mut self, now: Timestamp) {
        self.come_back(now);
        if now >= self.driver.census {
            self.driver.census = now + self.driver.census_pause;
            if self.shared.world().census_wakes(now) || Box::pin(self.counter_wakes(now)).await {
                wake(&mut self.driver.due, now);
            }
        }
        let object = self.shared.world().object();
        match (object, self.driver.due) {
            (Some(object), Some(due)) if due <= now => self.pass(&object).await,
            (object, due) => {
                let due = due.filter(|_| object.is_some());
                let act = self.driver.acts.get(self.driver.done).and_then(|act| match act.when {
                    When::Settled | When::Told(_) => None,
                    When::After(after) | When::Within(_, after) => Some(self.driver.acted + seconds(after)),
                });
                let late = self.shared.world().next_late();
                let next = [due, act, late]
                    .into_iter()
                    .flatten()
                    .fold(self.driver.census, Timestamp::min);
                self.shared
                    .clock
                    .sleep_until(next.max(now + SignedDuration::from_millis(1)))
                    .await;
            }
        }
    }

    /// Ends the process while the controller is to be away, and puts everything off until it is back.
    fn come_back(&mut self, now: Timestamp) {
        let until = self.shared.world().away_until;
        let Some(until) = until else { return };
        if now >= until {
            self.shared.world().away_until = None;
            return;
        }
        if self.process.take().is_some() {
            self.vouched = true;
            self.shared.world().process += 1;
        }
        self.driver.due = Some(until);
        self.driver.census = self.driver.census.max(until);
    }

    /// Reads the restart counter, and the log where it is watched, as the feed does; whether they say what the status does not.
    async fn counter_wakes(&mut self, now: Timestamp) -> bool {
        let object = {
            let world = self.shared.world();
            world.watches.then(|| world.object()).flatten()
        };
        let Some(object) = object else { return false };
        let apps = [self.shared.read(&object)];
        let Process { context, service } = self.process(now);
        let feed = context.feed();
        let by_counter = feed.sweep(service, &context.metrics_handle(), &apps, now).await;
        let by_log = feed.tail(service, &apps, now).await;
        !by_counter.is_empty() || !by_log.is_empty()
    }

    async fn pass(&mut self, newest: &Arc<Value>) {
        let given = self.prepare(newest);
        let app = self.shared.read(&given);
        let now = self.now();
        let shared = self.shared.clone();
        let context = &self.process(now).context;
        let result = tokio::select! {
            biased;
            () = shared.died.notified() => None,
            result = Box::pin(pass(context, &app)) => Some(result),
        };
        let looked = matches!(result, Some(Ok(_)));
        let pause = result.map(|result| match result {
            Ok(pause) => pause,
            Err(PassError::Record(RecordError::Stale)) => Duration::from_secs(1),
            Err(error) => context.pause(&app, &error),
        });
        self.driver.looked = looked;
        let now = self.now();
        match pause {
            None => {
                self.process = None;
                self.vouched = true;
                self.shared.world().process += 1;
                self.driver.due = Some(now + RESTART);
            }
            Some(pause) => {
                self.driver.due = Some(now + SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX));
                if self.shared.world().object().as_ref() != Some(&given) {
                    self.driver.looked = false;
                    wake(&mut self.driver.due, now + WATCH);
                }
            }
        }
    }

    /// The process, which begins where there is none.
    fn process(&mut self, now: Timestamp) -> &Process {
        let (shared, clients, vouched) = (&self.shared, &self.clients, self.vouched);
        self.process
            .get_or_insert_with(|| Process::begin(shared, clients, now, vouched))
    }

    /// Counts the pass, keeps the moment before it, and gives the version of the object that the pass works with.
    fn prepare(&mut self, newest: &Arc<Value>) -> Arc<Value> {
        let now = self.now();
        let mut world = self.shared.world();
        if let Some(checkpoints) = &mut self.checkpoints {
            checkpoints.push(Checkpoint {
                points: world.points,
                world: world.fork(),
                driver: self.driver.clone(),
                now,
            });
        }
        world.pass += 1;
        let older = (self.driver.stale.contains(&world.pass)).then(|| world.cluster.older_version(APP));
        let given = older.flatten().unwrap_or_else(|| Arc::clone(newest));
        world.note(now, What::Pass(Arc::clone(&given)));
        self.driver.due = None;
        given
    }
}

/// Whether a resource only watches its application.
fn is_observed(object: &Value) -> bool {
    object["spec"]["management"]["mode"] == "ObserveOnly"
}

/// Whether a call is awaited that comes to no end, as it does where a job gives no snapshot.
fn hangs(status: &Value, now: Timestamp) -> bool {
    let declared_at = text(status, "/intent/declaredAt").parse::<Timestamp>();
    declared_at.is_ok_and(|at| now > at + SignedDuration::from_hours(1))
}

fn wake(due: &mut Option<Timestamp>, at: Timestamp) {
    *due = Some(due.map_or(at, |due| due.min(at)));
}

/// A process of the controller.
struct Process {
    context: Context,
    /// What it calls the service with.
    service: Service,
}

/// The stages of the planner that decided in any run so far.
static REACHED: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// The stages of the planner that decided in no run so far.
pub fn unreached() -> Vec<&'static str> {
    let reached = REACHED.lock().unwrap_or_else(PoisonError::into_inner);
    let names = stages().map(|(name, _)| name);
    names.filter(|name| !reached.contains(name)).collect()
}

impl Drop for Process {
    fn drop(&mut self) {
        let metrics = self.context.metrics_handle();
        let decided = stages().filter(|(name, _)| metrics.decisions_of(name) > 0);
        let mut reached = REACHED.lock().unwrap_or_else(PoisonError::into_inner);
        reached.extend(decided.map(|(name, _)| name));
    }
}

impl Process {
    /// A process that has just begun. Where the census vouches, every second one begins with it; the others look at everything.
    fn begin(shared: &Shared, clients: &Clients, now: Timestamp, vouched: bool) -> Self {
        let mut world = shared.world();
        let census = Census::default();
        if vouched && world.watches && world.process % 2 == 1 {
            census.keep(REGION, &world.listed(now));
        }
        let looks = world.looks;
        drop(world);
        let metrics = Arc::new(Metrics::new());
        let mut service = Service::new(clients.clone(), Arc::clone(&metrics));
        if looks == Looks::Remembered {
            service = service.with_reads(Arc::new(Remembered::new(shared.clone(), clients.clone())));
        }
        let settings = Settings {
            region: REGION.to_owned(),
            cluster: CLUSTER.to_owned(),
            rules: Rules {
                adoption_namespaces: vec!["*".to_owned()],
                ..Rules::default()
            },
            resync: Duration::from_hours(6),
        };
        let kubernetes = shared.kubernetes();
        let mut context = Context::new(
            kubernetes.clone(),
            service.clone(),
            shared.flink(),
            Arc::new(shared.clock),
            Leadership::undisputed(),
            metrics,
            settings,
        );
        if looks == Looks::Remembered {
            context = context.with_statuses(Arc::new(Applied::new(shared.clone(), kubernetes)));
        }
        Self {
            context: context.with_census(census),
            service,
        }
    }
}
