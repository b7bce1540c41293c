//! The HTTP client for pages on loopback.

use std::sync::OnceLock;
use std::time::Duration;

use ureq::{Agent, Body};

const PATIENCE: Duration = Duration::from_secs(10);

/// Connections that are kept for the next request: to more servers than tests run at a time.
const KEPT: usize = 64;

/// The answer of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    /// The status code.
    pub(crate) status: u16,
    /// The body, as text.
    pub(crate) body: String,
}

/// GET of an address.
pub(crate) fn get(url: &str) -> Result<Response, ureq::Error> {
    read(agent().get(url).call()?)
}

/// POST of a JSON body.
pub(crate) fn post(url: &str, json: &str) -> Result<Response, ureq::Error> {
    post_with(url, &[], json)
}

/// POST of a JSON body with headers of the caller's.
pub(crate) fn post_with(url: &str, headers: &[(&str, &str)], json: &str) -> Result<Response, ureq::Error> {
    let request = agent().post(url).header("Content-Type", "application/json");
    let request = headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value));
    read(request.send(json)?)
}

fn agent() -> &'static Agent {
    static AGENT: OnceLock<Agent> = OnceLock::new();
    AGENT.get_or_init(|| {
        let settings = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .proxy(None)
            .max_idle_connections(KEPT);
        settings.build().into()
    })
}

fn read(mut answer: ureq::http::Response<Body>) -> Result<Response, ureq::Error> {
    Ok(Response {
        status: answer.status().as_u16(),
        body: answer.body_mut().with_config().limit(u64::MAX).read_to_string()?,
    })
}
