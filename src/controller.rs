//! The wiring: watches, concurrency, leadership and shutdown.

mod cached;

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::controller::{Action, Config as ControllerConfig, Controller};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::api::spec::FlinkApplication;
use crate::aws::Service;
use crate::aws::clients::{CallLimits, Clients};
use crate::census::{self, Census};
use crate::cli::RunArgs;
use crate::clock::{Clock, SystemClock};
use crate::controller::cached::Cached;
use crate::desired::config_map_names;
use crate::flink_rest::{FlinkRest, HttpsFetch};
use crate::http::{self, Readiness};
use crate::leader;
use crate::metrics::Metrics;
use crate::metrics_feed;
use crate::plan::Rules;
use crate::reconcile::record::RecordError;
use crate::reconcile::{self, Context, PassError, Settings};

/// A resource, or the error that it could not be read as one.
type Guarded = DeserializeGuard<Cached>;

/// Why the controller cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration of the Kubernetes client cannot be found or read.
    #[error("no access to a Kubernetes cluster: {0}")]
    Cluster(String),
    /// No region is given.
    #[error("no region: set --region or AWS_REGION to the region of applications that name none")]
    NoRegion,
    /// The server of metrics and health cannot listen.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// The name of the cluster cannot be read.
    #[error(
        "cannot read the uid of namespace kube-system, the name of this cluster; grant it or set --cluster-id: {0}"
    )]
    ClusterId(String),
    /// The trusted certificates cannot be read.
    #[error("cannot read the certificates of trusted authorities, needed to look at Flink jobs: {0}")]
    Certificates(std::io::Error),
    /// Leadership was lost: another replica goes on.
    #[error("leadership was lost; this replica ends so that it acts no more")]
    LostLeadership,
}

/// Runs the controller until `shutdown` is cancelled.
///
/// # Errors
/// What keeps it from running, or the loss of leadership.
pub async fn run(args: RunArgs, shutdown: CancellationToken) -> Result<(), RunError> {
    let region = args.default_region().ok_or(RunError::NoRegion)?.to_owned();
    let client = client().await?;
    let metrics = Arc::new(Metrics::new());
    let readiness = Readiness::default();
    let server = serve(&args, Arc::clone(&metrics), readiness.clone(), shutdown.clone()).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let cluster = cluster(&client, args.cluster_id.clone()).await?;
    readiness.standing_by();
    let Some(term) = leader::lead(client.clone(), args.lease(), Arc::clone(&clock), &shutdown).await else {
        return Ok(());
    };
    metrics.took_lead();
    readiness.listing();
    let settings = Settings {
        cluster,
        rules: rules(&args),
        resync: args.resync_interval,
        region: region.clone(),
    };
    let service = Service::new(
        Clients::from_environment(Some(&region), CallLimits::default()).await,
        Arc::clone(&metrics),
    );
    let context = Context::new(
        client.clone(),
        service.clone(),
        FlinkRest::new(Arc::new(HttpsFetch::new().map_err(RunError::Certificates)?)),
        clock,
        term.leadership(),
        Arc::clone(&metrics),
        settings,
    );
    let context = Arc::new(context.with_census(Census::awaited()));
    let lost = term.leadership().lost().clone();
    let stop = CancellationToken::new();
    let work = work(&args, client, service, context, readiness, stop.clone());
    let ended = tokio::select! {
        () = work_until(work, &stop, &shutdown, args.shutdown_grace) => Ok(()),
        () = lost.cancelled() => Err(RunError::LostLeadership),
    };
    metrics.lost_lead();
    if ended.is_ok() {
        term.release().await;
    }
    server.abort();
    ended
}

async fn client() -> Result<Client, RunError> {
    let mut config = kube::Config::infer()
        .await
        .map_err(|error| RunError::Cluster(error.to_string()))?;
    config.default_retry = false;
    Client::try_from(config).map_err(|error| RunError::Cluster(error.to_string()))
}

async fn serve(
    args: &RunArgs,
    metrics: Arc<Metrics>,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> Result<tokio::task::JoinHandle<()>, RunError> {
    let listener = tokio::net::TcpListener::bind(args.http_listen)
        .await
        .map_err(|error| RunError::Listen {
            address: args.http_listen,
            error,
        })?;
    Ok(tokio::spawn(async move {
        if let Err(error) = http::serve(listener, metrics, readiness, shutdown).await {
            error!(%error, "the server of metrics and health ended");
        }
    }))
}

async fn cluster(client: &Client, given: Option<String>) -> Result<String, RunError> {
    if let Some(id) = given.filter(|id| !id.is_empty()) {
        return Ok(id);
    }
    let api: Api<Namespace> = Api::all(client.clone());
    let read = tokio::time::timeout(Duration::from_secs(10), api.get("kube-system")).await;
    let namespace = match read {
        Ok(Ok(namespace)) => namespace,
        Ok(Err(error)) => return Err(RunError::ClusterId(error.to_string())),
        Err(_) => return Err(RunError::ClusterId("no answer from the API server".to_owned())),
    };
    namespace
        .uid()
        .ok_or_else(|| RunError::ClusterId("it has none".to_owned()))
}

fn rules(args: &RunArgs) -> Rules {
    let signed = |duration: Duration| jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::MAX);
    Rules {
        refusal_grace: signed(args.refusal_grace),
        refusal_recheck: signed(args.refusal_recheck),
        reference_grace: signed(args.reference_grace),
        adoption_namespaces: args.adoption_namespaces.clone(),
    }
}

/// Lets the work go on until shutdown, and then gives what is under way a while to end.
async fn work_until(
    work: impl Future<Output = ()>,
    stop: &CancellationToken,
    shutdown: &CancellationToken,
    grace: Duration,
) {
    tokio::pin!(work);
    tokio::select! {
        () = &mut work => return,
        () = shutdown.cancelled() => stop.cancel(),
    }
    info!("shutting down; passes under way may end");
    if tokio::time::timeout(grace, work).await.is_err() {
        warn!("passes under way did not end in time; the next process settles what they began");
    }
}

/// Watches and reconciles every namespace that is asked for.
async fn work(
    args: &RunArgs,
    client: Client,
    service: Service,
    context: Arc<Context>,
    readiness: Readiness,
    stop: CancellationToken,
) {
    let namespaces: Vec<Option<String>> = if args.namespaces.is_empty() {
        vec![None]
    } else {
        args.namespaces.iter().cloned().map(Some).collect()
    };
    let concurrency = args.concurrency;
    let mut lists = Vec::new();
    let mut stores = Vec::new();
    let mut wakers = Vec::new();
    let mut controllers = Vec::new();
    for namespace in namespaces {
        let (wake, woken) = mpsc::channel(64);
        let listed = Arc::new(Notify::new());
        lists.push(Arc::clone(&listed));
        let controller = controller(&client, namespace.as_deref(), woken, listed, concurrency, &stop);
        stores.push(controller.store());
        wakers.push((namespace, wake));
        controllers.push(
            controller
                .run(reconcile, error_policy, Arc::clone(&context))
                .for_each(|_| async {}),
        );
    }
    let listed = CancellationToken::new();
    let all_listed = listed.clone();
    tokio::spawn(async move {
        for listed in lists {
            listed.notified().await;
        }
        all_listed.cancel();
        readiness.listed();
        info!("the first list of applications is complete");
    });
    let (wake, woken) = mpsc::channel(64);
    let stores = Arc::new(stores);
    let known_to_feed = Arc::clone(&stores);
    let feed = metrics_feed::take(
        context.feed(),
        service.clone(),
        context.metrics_handle(),
        context.clock(),
        args.metrics_interval,
        move || known(&known_to_feed, |_| true),
        wake.clone(),
    );
    let known_to_tail = Arc::clone(&stores);
    let tail = metrics_feed::tail(
        context.feed(),
        service.clone(),
        context.clock(),
        move || known(&known_to_tail, metrics_feed::is_tailed),
        wake.clone(),
    );
    let census = census::take(
        context.census(),
        service,
        context.metrics_handle(),
        args.census_interval,
        move || known(&stores, |_| true),
        wake,
    );
    let all = futures::future::join_all(controllers);
    tokio::select! {
        _ = all => {}
        () = async { listed.cancelled().await; tokio::join!(census, feed, tail, forward(woken, wakers)); } => {}
    }
}

async fn forward(
    mut woken: mpsc::Receiver<Arc<FlinkApplication>>,
    wakers: Vec<(Option<String>, mpsc::Sender<ObjectRef<Guarded>>)>,
) {
    while let Some(app) = woken.recv().await {
        let namespace = app.namespace();
        let reference = ObjectRef::new(&app.name_any()).within(namespace.as_deref().unwrap_or_default());
        for (_, wake) in wakers
            .iter()
            .filter(|(watched, _)| watched.is_none() || *watched == namespace)
        {
            // A controller that has ended wakes nobody.
            let _ = wake.send(reference.clone()).await;
        }
    }
}

fn known(stores: &[Store<Guarded>], wanted: impl Fn(&FlinkApplication) -> bool) -> Vec<Arc<FlinkApplication>> {
    let objects = stores.iter().flat_map(Store::state);
    let found = objects.filter_map(|object| {
        let app = object.0.as_ref().ok()?.app();
        wanted(app).then(|| Arc::clone(app))
    });
    found.collect()
}

/// The controller of one namespace, or of all; `listed` is told of each complete list.
///
/// The store's own wait for its first list has room for one waiter, and that is the controller itself.
fn controller(
    client: &Client,
    namespace: Option<&str>,
    woken: mpsc::Receiver<ObjectRef<Guarded>>,
    listed: Arc<Notify>,
    concurrency: u16,
    stop: &CancellationToken,
) -> Controller<Guarded> {
    let watch = || watcher::Config::default().timeout(60).page_size(500);
    let applications: Api<Guarded> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let config_maps: Api<PartialObjectMeta<ConfigMap>> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let (store, writer) = reflector::store();
    let applications = watcher(applications, watch())
        .reflect(writer)
        .inspect_ok(move |event| {
            if matches!(event, watcher::Event::InitDone) {
                listed.notify_one();
            }
        })
        .applied_objects();
    Controller::for_stream(applications, store.clone())
        .watches(config_maps, watch(), move |config_map| referring(&store, &config_map))
        .reconcile_on(stream::unfold(woken, |mut woken| async {
            woken.recv().await.map(|reference| (reference, woken))
        }))
        .with_config(ControllerConfig::default().concurrency(concurrency))
        .graceful_shutdown_on(stop.clone().cancelled_owned())
}

/// The resources of the namespace that name a ConfigMap.
fn referring(store: &Store<Guarded>, config_map: &PartialObjectMeta<ConfigMap>) -> Vec<ObjectRef<Guarded>> {
    let name = config_map.name_any();
    let apps = store.state();
    let apps = apps.iter().filter_map(|object| Some(object.0.as_ref().ok()?.app()));
    apps.filter(|app| app.namespace() == config_map.namespace() && config_map_names(&app.spec).contains(&name))
        .map(|app| ObjectRef::new(&app.name_any()).within(app.namespace().as_deref().unwrap_or_default()))
        .collect()
}

async fn reconcile(object: Arc<Guarded>, context: Arc<Context>) -> Result<Action, PassError> {
    match &object.0 {
        Ok(cached) => Box::pin(reconcile::pass(&context, cached.app()))
            .await
            .map(Action::requeue),
        Err(invalid) => {
            warn!(object = %invalid.metadata.name.clone().unwrap_or_default(), "an object does not fit the schema of this version; it is left alone");
            Ok(Action::await_change())
        }
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that the controller runtime takes"
)]
fn error_policy(object: Arc<Guarded>, error: &PassError, context: Arc<Context>) -> Action {
    let Ok(cached) = &object.0 else {
        return Action::await_change();
    };
    let app = cached.app();
    if matches!(error, PassError::Record(RecordError::Stale)) {
        return Action::requeue(Duration::from_secs(1));
    }
    let pause = context.pause(app, error);
    warn!(object = %app.name_any(), namespace = app.namespace(), %error, ?pause, "the pass failed");
    Action::requeue(pause)
}
