//! The pre-signed URL of an application's Flink REST API: a bearer credential, so that no type here can be printed.

use std::fmt;

use aws_sdk_kinesisanalyticsv2::types::UrlType;

use crate::aws::Service;
use crate::desired::Identity;
use crate::fault::{Fault, FaultKind};

/// How long a session lasts, in seconds: the shortest that the service offers (facts §1.12).
pub const SESSION_SECONDS: i64 = 1800;

/// The base and the token of a Flink REST API (facts §6.3). It cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizedUrl {
    scheme: String,
    authority: String,
    path: String,
    token: String,
}

impl fmt::Debug for AuthorizedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizedUrl(..)")
    }
}

impl AuthorizedUrl {
    /// Parses what the service returned: a base and a query with an `authToken`. Nothing else is taken for granted.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (before, query) = rest.split_once('?')?;
        let (authority, path) = before.split_once('/').unwrap_or((before, ""));
        let token = query.split('&').find_map(|pair| pair.strip_prefix("authToken="))?;
        let sound = !authority.is_empty() && !authority.contains('@') && !token.is_empty();
        sound.then(|| Self {
            scheme: scheme.to_owned(),
            authority: authority.to_owned(),
            path: path.trim_end_matches('/').to_owned(),
            token: token.split('#').next().unwrap_or_default().to_owned(),
        })
    }

    /// The address of a resource below the base, with the token: a secret.
    #[must_use]
    pub fn address(&self, resource: &str) -> String {
        let Self {
            scheme,
            authority,
            path,
            token,
        } = self;
        let slash = if path.is_empty() { "" } else { "/" };
        let join = if resource.contains('?') { '&' } else { '?' };
        format!("{scheme}://{authority}{slash}{path}{resource}{join}authToken={token}")
    }

    /// Whether the token may be sent there: over TLS to a host of AWS, unless an endpoint of the service is overridden.
    #[must_use]
    pub fn is_trusted(&self, overridden: bool) -> bool {
        let host = self.authority.split(':').next().unwrap_or_default();
        let of_aws = [
            ".amazonaws.com",
            ".amazonaws.com.cn",
            ".amazonaws.eu",
            ".api.aws",
            ".aws.dev",
        ]
        .iter()
        .any(|suffix| host.ends_with(suffix));
        overridden || (self.scheme == "https" && of_aws)
    }
}

impl Service {
    /// Asks for the URL of the Flink REST API; only a RUNNING application has one (facts §1.12).
    ///
    /// # Errors
    /// The fault of the call; `Invalid` when the answer is no URL that the token may be sent to.
    pub async fn authorized_url(&self, identity: &Identity) -> Result<AuthorizedUrl, Fault> {
        let call = self.clients.reader(&identity.region).create_application_presigned_url();
        let call = call
            .application_name(&identity.name)
            .url_type(UrlType::FlinkDashboardUrl)
            .session_expiration_duration_in_seconds(SESSION_SECONDS);
        let output = self
            .read(&identity.region, "CreateApplicationPresignedUrl", || {
                call.clone().send()
            })
            .await?;
        let url = output.authorized_url.as_deref().and_then(AuthorizedUrl::parse);
        url.filter(|url| url.is_trusted(self.clients.is_overridden()))
            .ok_or_else(|| {
                Fault::new(
                    FaultKind::Invalid,
                    "the service returned no pre-signed URL of its own host",
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: &str = "https://abc123.kinesisanalytics.eu-west-1.amazonaws.com/flinkdashboard?authToken=se%2Bcret&x=1";

    #[test]
    fn the_base_and_the_token_are_found_whatever_else_the_url_says() {
        let url = AuthorizedUrl::parse(REAL).unwrap();
        assert_eq!(
            url.address("/jobs"),
            "https://abc123.kinesisanalytics.eu-west-1.amazonaws.com/flinkdashboard/jobs?authToken=se%2Bcret"
        );
        assert_eq!(
            url.address("/jobs/1/metrics?get=fullRestarts"),
            "https://abc123.kinesisanalytics.eu-west-1.amazonaws.com/flinkdashboard/jobs/1/metrics?get=fullRestarts&authToken=se%2Bcret"
        );
        let bare = AuthorizedUrl::parse("http://127.0.0.1:9000?a=b&authToken=t").unwrap();
        assert_eq!(bare.address("/jobs"), "http://127.0.0.1:9000/jobs?authToken=t");
    }

    #[test]
    fn what_is_no_authorized_url_is_none() {
        for url in [
            "",
            "https://host/x",
            "https://host/x?authToken=",
            "https:///x?authToken=t",
            "https://u@host/?authToken=t",
        ] {
            assert_eq!(AuthorizedUrl::parse(url), None, "{url}");
        }
    }

    #[test]
    fn the_token_goes_to_hosts_of_aws_over_tls_only() {
        let trusted = |url: &str| AuthorizedUrl::parse(url).unwrap().is_trusted(false);
        assert!(trusted(REAL));
        assert!(!trusted("http://abc.amazonaws.com/x?authToken=t"));
        assert!(!trusted("https://amazonaws.com.evil.example/x?authToken=t"));
        assert!(!trusted("https://evilamazonaws.com/x?authToken=t"));
        assert!(
            AuthorizedUrl::parse("http://127.0.0.1:1/x?authToken=t")
                .unwrap()
                .is_trusted(true)
        );
    }

    #[test]
    fn a_url_cannot_be_printed() {
        let url = AuthorizedUrl::parse(REAL).unwrap();
        assert!(!format!("{url:?}").contains("cret"));
    }
}
