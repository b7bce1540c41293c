//! One `GET` with a deadline and a bound on the answer; it follows no redirect.

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// How long one request may take, from the connection to the last byte.
const DEADLINE: Duration = Duration::from_secs(5);

/// The most bytes of one answer.
const MOST: usize = 1024 * 1024;

/// Why a resource could not be fetched. It never names the address, which is a secret.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server answered with another status than 200; a redirect is not followed.
    #[error("the Flink REST API answered {0}")]
    Status(u16),
    /// No answer in time.
    #[error("the Flink REST API did not answer within {} seconds", DEADLINE.as_secs())]
    TimedOut,
    /// The answer is longer than a sound one.
    #[error("the answer of the Flink REST API is longer than {MOST} bytes")]
    TooLong,
    /// The connection failed.
    #[error("the Flink REST API cannot be reached")]
    Unreachable,
}

/// Fetches an address.
pub trait Fetch: Send + Sync {
    /// The body of the answer to one `GET`.
    ///
    /// # Errors
    /// Why there is none.
    fn get(&self, address: String) -> BoxFuture<'_, Result<Vec<u8>, FetchError>>;
}

/// Fetches over HTTP and HTTPS, with the certificates that the machine trusts.
pub struct HttpsFetch {
    client: Client<HttpsConnector<HttpConnector>, Empty<axum::body::Bytes>>,
}

impl fmt::Debug for HttpsFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpsFetch")
    }
}

impl HttpsFetch {
    /// A transport. Needs an installed crypto provider.
    ///
    /// # Errors
    /// When the machine has no certificates of authorities that it trusts.
    pub fn new() -> std::io::Result<Self> {
        let tls = rustls::ClientConfig::builder()
            .with_native_roots()?
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
        })
    }

    async fn fetch(&self, address: String) -> Result<Vec<u8>, FetchError> {
        let uri = address.parse().map_err(|_| FetchError::Unreachable)?;
        let response = self.client.get(uri).await.map_err(|_| FetchError::Unreachable)?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(FetchError::Status(status));
        }
        let body = Limited::new(response.into_body(), MOST).collect().await;
        let body = body.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                FetchError::TooLong
            } else {
                FetchError::Unreachable
            }
        })?;
        Ok(body.to_bytes().to_vec())
    }
}

impl Fetch for HttpsFetch {
    fn get(&self, address: String) -> BoxFuture<'_, Result<Vec<u8>, FetchError>> {
        Box::pin(async move {
            let fetched = tokio::time::timeout(DEADLINE, self.fetch(address)).await;
            fetched.unwrap_or(Err(FetchError::TimedOut))
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that gives every connection the same answer, or none; its address.
    async fn server(answer: impl Into<Option<String>>) -> String {
        let answer = answer.into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let Ok((mut connection, _)) = listener.accept().await else {
                    return;
                };
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut request = [0; 1024];
                    let _ = connection.read(&mut request).await;
                    match answer {
                        Some(answer) => drop(connection.write_all(answer.as_bytes()).await),
                        None => std::future::pending().await,
                    }
                });
            }
        });
        format!("http://{address}/jobs?authToken=secret")
    }

    fn answer(status: &str, headers: &str, body: &str) -> String {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}")
    }

    fn fetch() -> HttpsFetch {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        HttpsFetch::new().unwrap()
    }

    #[tokio::test]
    async fn a_body_is_fetched() {
        let address = server(answer("200 OK", "", "{\"jobs\":[]}")).await;
        assert_eq!(fetch().get(address).await.unwrap(), b"{\"jobs\":[]}");
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let elsewhere = server(answer("200 OK", "", "stolen")).await;
        let address = server(answer("302 Found", &format!("location: {elsewhere}\r\n"), "")).await;
        assert!(matches!(fetch().get(address).await, Err(FetchError::Status(302))));
    }

    #[tokio::test]
    async fn an_answer_that_is_too_long_is_cut_off() {
        let address = server(answer("200 OK", "", &"x".repeat(MOST + 1))).await;
        assert!(matches!(fetch().get(address).await, Err(FetchError::TooLong)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_hangs_is_given_up() {
        let address = server(None).await;
        assert!(matches!(fetch().get(address).await, Err(FetchError::TimedOut)));
    }

    #[tokio::test]
    async fn no_error_names_the_address() {
        for error in [
            fetch().get("http://127.0.0.1:1/jobs?authToken=secret".into()).await,
            fetch().get("no address?authToken=secret".into()).await,
            fetch().get(server(answer("500 Oops", "", "")).await).await,
        ] {
            let error = error.unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"));
        }
    }
}
