//! Who may talk to the test API server: keys, tokens, kubeconfig files.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use serde_json::json;

use super::{During, TestbedError};

/// Writes a kubeconfig file that knows one server and one bearer token.
pub(crate) fn write(path: &Path, server: &str, authority: &Path, token: &str) -> Result<(), TestbedError> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority": authority}}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": "default"}}],
        "current-context": "test",
    });
    write_private(path, &format!("{config:#}\n"))
}

/// Writes the key with which the API server signs the tokens of `ServiceAccounts`.
pub(crate) fn write_signing_key(path: &Path) -> Result<(), TestbedError> {
    let failed = |_| std::io::Error::other("the RSA key could not be generated");
    let what = || "generate the signing key".to_owned();
    let key = KeyPair::generate(KeySize::Rsa2048).map_err(failed).during(what)?;
    let der: Pkcs8V1Der<'_> = key.as_der().map_err(failed).during(what)?;
    write_private(path, &pem::encode(&pem::Pem::new("PRIVATE KEY", der.as_ref())))
}

/// A token nobody can guess.
pub(crate) fn random_token() -> Result<String, TestbedError> {
    let mut bytes = [0_u8; 16];
    let mut source = fs::File::open("/dev/urandom").during(|| "open /dev/urandom".to_owned())?;
    source
        .read_exact(&mut bytes)
        .during(|| "read /dev/urandom".to_owned())?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// Writes a file that only its owner may read. Whoever reads it meanwhile gets the old or the new text in whole: several
/// processes of one account share a file.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), TestbedError> {
    use std::io::Write as _;
    let what = || format!("write {}", path.display());
    let partial = path.with_extension(random_token()?);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)
        .during(what)?;
    file.write_all(text.as_bytes()).during(what)?;
    fs::rename(&partial, path).during(what)
}
