//! Elections against a model of the API server, in tokio's paused time.

use std::convert::Infallible;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::*;
use crate::clock::SystemClock;

/// What the model does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Behaviour {
    #[default]
    Sound,
    /// Never answers and does nothing.
    Deaf,
    /// Does what a write says and never answers it.
    LosesAnswers,
}

#[derive(Default)]
struct Store {
    lease: Option<Value>,
    version: u64,
    behaviour: Behaviour,
}

impl Store {
    fn put(&mut self, mut lease: Value) -> Value {
        self.version += 1;
        lease["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.lease = Some(lease.clone());
        lease
    }

    fn version_of(lease: &Value) -> &Value {
        &lease["metadata"]["resourceVersion"]
    }
}

/// One lease behind the API server's rules: creating twice and replacing a stale version are conflicts.
#[derive(Clone, Default)]
struct ApiServer(Arc<Mutex<Store>>);

impl ApiServer {
    fn client(&self) -> Client {
        let leases = "/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases";
        let router = Router::new()
            .route(leases, post(create))
            .route(&format!("{leases}/{{name}}"), get(read).put(replace))
            .with_state(self.clone());
        Client::new(router, "default")
    }

    fn behave(&self, behaviour: Behaviour) {
        self.0.lock().unwrap().behaviour = behaviour;
    }

    fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut store = self.0.lock().unwrap();
        let mut lease = store.lease.clone().unwrap();
        change(&mut lease);
        store.put(lease);
    }

    fn delete(&self) {
        self.0.lock().unwrap().lease = None;
    }

    fn spec(&self) -> LeaseSpec {
        let lease = self.0.lock().unwrap().lease.clone().unwrap();
        serde_json::from_value(lease["spec"].clone()).unwrap()
    }

    fn holder(&self) -> Option<String> {
        self.spec().holder_identity
    }

    /// Runs one request: waits for ever if the model is deaf, or after a write whose answer is lost.
    async fn run(&self, is_write: bool, request: impl FnOnce(&mut Store) -> Response) -> Response {
        let behaviour = self.0.lock().unwrap().behaviour;
        if behaviour == Behaviour::Deaf {
            std::future::pending::<Infallible>().await;
        }
        let answer = request(&mut self.0.lock().unwrap());
        if is_write && behaviour == Behaviour::LosesAnswers {
            std::future::pending::<Infallible>().await;
        }
        answer
    }
}

fn refusal(status: StatusCode, reason: &str) -> Response {
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": reason,
                      "reason": reason, "code": status.as_u16()});
    (status, Json(body)).into_response()
}

async fn read(State(server): State<ApiServer>, Path((_, _)): Path<(String, String)>) -> Response {
    server
        .run(false, |store| match &store.lease {
            Some(lease) => Json(lease.clone()).into_response(),
            None => refusal(StatusCode::NOT_FOUND, "NotFound"),
        })
        .await
}

async fn create(State(server): State<ApiServer>, Json(lease): Json<Value>) -> Response {
    server
        .run(true, |store| match &store.lease {
            Some(_) => refusal(StatusCode::CONFLICT, "AlreadyExists"),
            None => Json(store.put(lease)).into_response(),
        })
        .await
}

async fn replace(State(server): State<ApiServer>, Json(lease): Json<Value>) -> Response {
    server
        .run(true, |store| match &store.lease {
            None => refusal(StatusCode::NOT_FOUND, "NotFound"),
            Some(known) if Store::version_of(known) != Store::version_of(&lease) => {
                refusal(StatusCode::CONFLICT, "Conflict")
            }
            Some(_) => Json(store.put(lease)).into_response(),
        })
        .await
}

fn settings(identity: &str) -> LeaseSettings {
    LeaseSettings {
        election: Election::Lease,
        name: "sluicegate".into(),
        namespace: "sluicegate-system".into(),
        identity: identity.into(),
        duration: SHORTEST_LEASE,
    }
}

async fn elect(server: &ApiServer, identity: &str) -> Term {
    lead(
        server.client(),
        settings(identity),
        Arc::new(SystemClock),
        &CancellationToken::new(),
    )
    .await
    .unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Does the claim of this replica stand when a mutating call could be sent at every one of the next `time` seconds?
async fn holds_throughout(leadership: &Leadership, time: u64, deadline: Duration) -> bool {
    for _ in 0..time {
        sleep(seconds(1)).await;
        if !leadership.holds_for(deadline) {
            return false;
        }
    }
    true
}

#[tokio::test(start_paused = true)]
async fn the_first_replica_creates_the_lease_and_leads() {
    let server = ApiServer::default();
    let term = elect(&server, "a").await;
    assert!(term.leadership().holds_for(seconds(10)));
    let record = server.spec();
    assert_eq!(record.holder_identity.as_deref(), Some("a"));
    assert_eq!(record.lease_duration_seconds, Some(15));
    assert_eq!(record.lease_transitions, Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_leader_always_has_room_for_a_mutating_call() {
    let server = ApiServer::default();
    let term = elect(&server, "a").await;
    assert!(holds_throughout(&term.leadership(), 600, seconds(10)).await);
    assert!(!term.leadership().holds_for(seconds(15)));
}

#[tokio::test(start_paused = true)]
async fn a_rival_waits_while_the_lease_is_renewed() {
    let server = ApiServer::default();
    let _term = elect(&server, "a").await;
    assert!(timeout(seconds(600), elect(&server, "b")).await.is_err());
    assert_eq!(server.holder().as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn a_killed_leader_is_replaced_within_its_lease_and_ten_seconds() {
    let server = ApiServer::default();
    let term = elect(&server, "a").await;
    let rival = tokio::spawn({
        let server = server.clone();
        async move { elect(&server, "b").await }
    });
    sleep(seconds(7)).await;
    drop(term);
    let successor = timeout(SHORTEST_LEASE + seconds(10), rival).await.unwrap().unwrap();
    assert!(successor.leadership().holds_for(seconds(10)));
    assert_eq!(server.spec().lease_transitions, Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_released_lease_is_taken_at_the_next_look() {
    let server = ApiServer::default();
    let term = elect(&server, "a").await;
    let leadership = term.leadership();
    let rival = tokio::spawn({
        let server = server.clone();
        async move { elect(&server, "b").await }
    });
    sleep(seconds(7)).await;
    term.release().await;
    assert!(!leadership.holds_for(Duration::ZERO));
    timeout(seconds(3), rival).await.unwrap().unwrap();
    assert_eq!(server.holder().as_deref(), Some("b"));
}

#[tokio::test(start_paused = true)]
async fn a_leader_cut_off_stops_before_its_rival_may_start() {
    let server = ApiServer::default();
    let term = elect(&server, "a").await;
    let leadership = term.leadership();
    sleep(seconds(5)).await;
    let last_renewal_seen = monotonic();
    server.behave(Behaviour::Deaf);
    leadership.lost().cancelled().await;
    assert!(!leadership.holds_for(Duration::ZERO));
    assert!(monotonic() < last_renewal_seen + SHORTEST_LEASE);
}

#[tokio::test(start_paused = true)]
async fn no_call_starts_in_the_last_seconds_of_an_unrenewed_lease() {
    let server = ApiServer::default();
    let leadership = elect_and_forget(&server).await;
    server.behave(Behaviour::Deaf);
    sleep(seconds(7)).await;
    assert!(leadership.holds_for(seconds(1)));
    assert!(!leadership.holds_for(seconds(10)));
}

async fn elect_and_forget(server: &ApiServer) -> Leadership {
    let term = elect(server, "a").await;
    let leadership = term.leadership();
    std::mem::forget(term);
    leadership
}

#[tokio::test(start_paused = true)]
async fn a_short_interruption_is_survived() {
    let server = ApiServer::default();
    let term = elect(&server, "a").await;
    server.behave(Behaviour::Deaf);
    sleep(seconds(6)).await;
    server.behave(Behaviour::Sound);
    sleep(seconds(20)).await;
    assert!(term.leadership().holds_for(seconds(10)));
}

#[tokio::test(start_paused = true)]
async fn renewals_whose_answers_are_lost_do_not_look_like_a_rival() {
    let server = ApiServer::default();
    let term = elect(&server, "a").await;
    server.behave(Behaviour::LosesAnswers);
    sleep(seconds(6)).await;
    server.behave(Behaviour::Sound);
    sleep(seconds(20)).await;
    assert!(term.leadership().holds_for(seconds(10)));
}

#[tokio::test(start_paused = true)]
async fn a_claim_whose_answer_was_lost_is_found_again_at_once() {
    let server = ApiServer::default();
    server.behave(Behaviour::LosesAnswers);
    let candidate = tokio::spawn({
        let server = server.clone();
        async move { elect(&server, "a").await }
    });
    sleep(seconds(1)).await;
    server.behave(Behaviour::Sound);
    timeout(seconds(6), candidate).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_label_on_the_lease_costs_nobody_the_leadership() {
    let server = ApiServer::default();
    let term = elect(&server, "a").await;
    server.change(|lease| lease["metadata"]["labels"] = json!({"seen": "by-hand"}));
    assert!(holds_throughout(&term.leadership(), 60, seconds(10)).await);
}

#[tokio::test(start_paused = true)]
async fn a_lease_taken_by_another_is_lost_at_the_next_renewal() {
    let server = ApiServer::default();
    let term = elect(&server, "a").await;
    server.change(|lease| lease["spec"]["holderIdentity"] = json!("thief"));
    timeout(seconds(3), term.leadership().lost().cancelled()).await.unwrap();
    assert_eq!(server.holder().as_deref(), Some("thief"));
}

#[tokio::test(start_paused = true)]
async fn two_processes_of_one_identity_do_not_both_lead() {
    let server = ApiServer::default();
    let _term = elect(&server, "same").await;
    assert!(timeout(seconds(600), elect(&server, "same")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_deleted_lease_ends_the_leadership() {
    let server = ApiServer::default();
    let term = elect(&server, "a").await;
    server.delete();
    timeout(seconds(3), term.leadership().lost().cancelled()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn releasing_never_empties_the_lease_of_a_rival() {
    let server = ApiServer::default();
    let term = elect(&server, "a").await;
    server.change(|lease| lease["spec"]["holderIdentity"] = json!("rival"));
    term.release().await;
    assert_eq!(server.holder().as_deref(), Some("rival"));
}

#[tokio::test(start_paused = true)]
async fn releasing_ends_also_when_the_api_server_is_deaf() {
    let server = ApiServer::default();
    let term = elect(&server, "a").await;
    server.behave(Behaviour::Deaf);
    timeout(seconds(10), term.release()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_the_wait_for_the_lease() {
    let server = ApiServer::default();
    let _term = elect(&server, "a").await;
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    assert!(
        lead(server.client(), settings("b"), Arc::new(SystemClock), &shutdown)
            .await
            .is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn a_single_replica_leads_without_a_lease() {
    let server = ApiServer::default();
    let alone = LeaseSettings {
        election: Election::Alone,
        ..settings("a")
    };
    let term = lead(server.client(), alone, Arc::new(SystemClock), &CancellationToken::new())
        .await
        .unwrap();
    assert!(term.leadership().holds_for(Duration::from_hours(24)));
    assert!(server.0.lock().unwrap().lease.is_none());
    term.release().await;
}
