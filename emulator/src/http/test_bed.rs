//! The routes under `/_emulator/`.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::page;
use crate::service::{ApplicationView, CallRecord, Faults};

/// Where an application is; without a region the first one of the name is meant.
#[derive(Deserialize)]
pub(super) struct Place {
    region: Option<String>,
}

/// Which calls are asked for: those after a sequence number.
#[derive(Deserialize)]
pub(super) struct Since {
    since: Option<u64>,
}

fn refusal(status: StatusCode, message: impl Into<String>) -> Response {
    (status, Json(json!({ "message": message.into() }))).into_response()
}

/// `GET /_emulator/`: all applications for a person.
pub(super) async fn page(State(shared): State<Shared>) -> Html<String> {
    let now = (shared.clock)();
    let mut service = shared.lock();
    service.advance(now);
    Html(page::render(&service.applications(), now))
}

/// `GET /_emulator/faults`.
pub(super) async fn faults(State(shared): State<Shared>) -> Json<Faults> {
    Json(shared.lock().faults().clone())
}

/// `POST /_emulator/faults`: replaces all faults.
pub(super) async fn set_faults(State(shared): State<Shared>, body: String) -> Response {
    match serde_json::from_str::<Faults>(&body) {
        Ok(faults) => {
            shared.lock().set_faults(faults);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => refusal(StatusCode::BAD_REQUEST, error.to_string()),
    }
}

/// `GET /_emulator/calls`: what was received, with the count of each operation.
pub(super) async fn calls(State(shared): State<Shared>, Query(since): Query<Since>) -> Json<Value> {
    let service = shared.lock();
    let after = since.since.unwrap_or_default();
    let calls: Vec<&CallRecord> = service
        .calls()
        .calls
        .iter()
        .filter(|call| call.sequence > after)
        .collect();
    Json(json!({ "calls": calls, "counts": service.calls().counts }))
}

/// `GET /_emulator/applications/{name}`: with jobs and what they restored.
pub(super) async fn application(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Query(place): Query<Place>,
) -> Response {
    let now = (shared.clock)();
    let mut service = shared.lock();
    service.advance(now);
    match find(service.applications(), &name, &place) {
        Some(view) => {
            let observed = view.job.as_ref().map(|job| job.observed(now));
            let mut answer = json!(view);
            if let (Some(state), Some(job)) = (observed, answer.get_mut("job").and_then(Value::as_object_mut)) {
                job.insert("state".to_owned(), json!(state));
            }
            Json(answer).into_response()
        }
        None => refusal(StatusCode::NOT_FOUND, format!("There is no application {name}")),
    }
}

/// `POST /_emulator/applications/{name}/{action}`: what the service does by itself.
pub(super) async fn act(
    State(shared): State<Shared>,
    Path((name, action)): Path<(String, String)>,
    Query(place): Query<Place>,
) -> Response {
    let now = (shared.clock)();
    let mut service = shared.lock();
    service.advance(now);
    let Some(view) = find(service.applications(), &name, &place) else {
        return refusal(StatusCode::NOT_FOUND, format!("There is no application {name}"));
    };
    let outcome = match action.as_str() {
        "maintenance" => service.begin_maintenance(now, &view.region, &name),
        "autoscaling" => service.begin_autoscaling(now, &view.region, &name),
        other => {
            let message = format!("There is no action {other:?}; the actions are maintenance and autoscaling");
            return refusal(StatusCode::NOT_FOUND, message);
        }
    };
    shared.save(&service);
    match outcome {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(error) => refusal(StatusCode::CONFLICT, error.to_string()),
    }
}

fn find(applications: Vec<ApplicationView>, name: &str, place: &Place) -> Option<ApplicationView> {
    let here = |region: &str| place.region.as_deref().is_none_or(|wanted| wanted == region);
    applications
        .into_iter()
        .find(|view| view.name == name && here(&view.region))
}
