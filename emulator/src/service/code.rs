//! The code of an application version, as the service stored it (facts §3.3).

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha512};

use super::error::ServiceError;
use super::identity::hex;
use crate::job::script::{Main, Script, ScriptError};

/// Where code objects come from.
pub trait Objects {
    /// The bytes of an object, or of one of its versions; nothing when there is no such object.
    fn read(&self, bucket: &str, key: &str, version: Option<&str>) -> Option<Vec<u8>>;
}

/// Where the code lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Location {
    pub(crate) bucket_arn: String,
    pub(crate) key: String,
    pub(crate) version: Option<String>,
}

/// What the service keeps of the object: enough to describe it and to run it again after the object is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bundle {
    pub(crate) digest: String,
    pub(crate) size: usize,
    program: Program,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Program {
    Script(Script),
    Unreadable(String),
    Invalid(String),
}

/// The code of one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Code {
    pub(crate) content_type: String,
    pub(crate) location: Location,
    pub(crate) bundle: Bundle,
}

/// The refusal when the service cannot read the code with the role it was given (facts §1.1).
pub(crate) fn unreadable_location() -> ServiceError {
    ServiceError::argument(
        "Unable to read the application code. Please check the role provided or validity of S3 location you provided.",
    )
}

impl Bundle {
    /// Reads the object and keeps what is needed of it.
    pub(crate) fn read(objects: &dyn Objects, location: &Location) -> Result<Self, ServiceError> {
        let (_, bucket) = location.bucket_arn.rsplit_once(":::").ok_or_else(unreadable_location)?;
        let bytes = objects
            .read(bucket, &location.key, location.version.as_deref())
            .ok_or_else(unreadable_location)?;
        let program = match Script::parse(&bytes) {
            Ok(script) => Program::Script(script),
            Err(ScriptError::NotAScript) => Program::Unreadable(format!("s3://{bucket}/{}", location.key)),
            Err(ScriptError::Invalid(message)) => Program::Invalid(message),
        };
        Ok(Self {
            digest: hex(&Sha512::digest(&bytes)),
            size: bytes.len(),
            program,
        })
    }

    /// Runs `main()`: the script of the job that results, or the error text of the failed start (facts §2.4, §4.2).
    pub(crate) fn run_main(&self) -> Result<&Script, String> {
        match &self.program {
            Program::Script(script) => match &script.main {
                Main::Ok => Ok(script),
                Main::Throws(exception) => Err(format!(
                    "org.apache.flink.client.program.ProgramInvocationException: The main method caused an error: {exception}"
                )),
            },
            Program::Invalid(message) => Err(format!(
                "org.apache.flink.client.program.ProgramInvocationException: The main method caused an error: {message}"
            )),
            Program::Unreadable(object) => Err(format!(
                "org.apache.flink.client.program.ProgramInvocationException: The program's entry point class of {object} \
                 could not be loaded due to a linkage failure. StackTrace: java.util.concurrent.CompletionException: \
                 java.util.zip.ZipException: zip END header not found"
            )),
        }
    }
}
