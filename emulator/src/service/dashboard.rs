//! Pre-signed URLs of the Flink dashboard and what is let through them (facts §1.12, §6.3).

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::application::{Session, Status};
use super::call::Call;
use super::error::ServiceError;
use super::flink_rest::{Rest, refusal};
use super::query::parameter;
use super::state::Service;

/// The first part of the path of every dashboard.
const ROOT: &str = "/flinkdashboard/";
/// A URL must be used for the first time within this.
const FIRST_USE: Duration = Duration::from_mins(3);
/// How long a session lasts unless the call says it.
const SESSION_SECONDS: u64 = 12 * 60 * 60;
/// For how long Flink remembers a job that ended.
const REMEMBERED: Duration = Duration::from_hours(1);

impl Session {
    fn opens(&self, now: Timestamp) -> bool {
        now < self.expires && (self.used || now <= self.first_use_until)
    }
}

impl Service {
    pub(crate) fn create_application_presigned_url(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let seconds = call.input.get("SessionExpirationDurationInSeconds");
        let lasts = Duration::from_secs(seconds.and_then(Value::as_u64).unwrap_or(SESSION_SECONDS));
        let (settings, ids, application) = self.parts(call)?;
        application.in_status("CreateApplicationPresignedUrl", &[Status::Running])?;
        let session = Session {
            token: ids.session(),
            first_use_until: call.now + settings.scaled(FIRST_USE),
            expires: call.now + settings.scaled(lasts),
            used: false,
        };
        let base = match (&settings.public_url, call.host) {
            (Some(url), _) => url.trim_end_matches('/').to_owned(),
            (None, Some(host)) => format!("http://{host}"),
            (None, None) => "http://localhost".to_owned(),
        };
        let url = format!(
            "{base}{ROOT}{}/{}?authToken={}",
            call.region, application.name, session.token
        );
        application.sessions.retain(|session| session.opens(call.now));
        application.sessions.push(session);
        Ok(json!({ "AuthorizedUrl": url }))
    }

    /// Answers a `GET` of Flink's REST API through a pre-signed URL: the status and the JSON body.
    ///
    /// `path` begins with `/flinkdashboard/<region>/<application>`, and `query` carries `authToken`. 403 without a token
    /// that opens this application; 404 for what is not there and while the application is not `RUNNING`; the status of
    /// [`Faults::flink_rest`](super::faults::Faults::flink_rest) while that fault is in force. Each call is counted as
    /// `FlinkRest`.
    pub fn flink_rest(&mut self, now: Timestamp, path: &str, query: &str) -> (u16, Value) {
        self.advance(now);
        let mut parts = path.strip_prefix(ROOT).unwrap_or_default().splitn(3, '/');
        let (Some(region), Some(name)) = (parts.next(), parts.next()) else {
            return refusal(404, "There is no dashboard at this path");
        };
        let answer = self.through_dashboard(now, region, name, parts.next().unwrap_or_default(), query);
        let input = json!({ "ApplicationName": name });
        let call = Call {
            now,
            region,
            host: None,
            input: &input,
        };
        let outcome = if answer.0 == 200 {
            "ok".to_owned()
        } else {
            answer.0.to_string()
        };
        self.calls.record(&call, "FlinkRest", &outcome);
        answer
    }

    fn through_dashboard(
        &mut self,
        now: Timestamp,
        region: &str,
        name: &str,
        resource: &str,
        query: &str,
    ) -> (u16, Value) {
        let part = resource.rsplit('/').next().unwrap_or_default();
        let faults = &self.faults;
        let fault = faults
            .flink_rest
            .get(name)
            .or_else(|| faults.flink_rest_resources.get(part));
        if let Some(status) = fault {
            return refusal(*status, "The REST API of this application is out of order on purpose");
        }
        let token = parameter(query, "authToken").unwrap_or_default();
        let application = self
            .state
            .applications
            .get_mut(region)
            .and_then(|applications| applications.get_mut(name));
        let opened = application.and_then(|application| {
            let mut sessions = application.sessions.iter();
            let session = sessions.position(|session| session.token == token && session.opens(now))?;
            Some((application, session))
        });
        let Some((application, session)) = opened else {
            return refusal(403, "Forbidden");
        };
        if application.status != Status::Running {
            return refusal(404, &application.refuse_in("the Flink dashboard").message);
        }
        if let Some(session) = application.sessions.get_mut(session) {
            session.used = true;
        }
        let rest = Rest {
            application,
            now,
            remembers: self.settings.scaled(REMEMBERED),
        };
        rest.get(resource, query)
    }
}
