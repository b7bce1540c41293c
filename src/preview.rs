//! What a person asks at the command line before a resource is applied: the manifest of an application that exists, and
//! what a manifest would change. Nothing is changed by either.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use serde::Deserialize as _;
use serde_yaml::Value;

use crate::api::spec::FlinkApplication;
use crate::aws::Service;
use crate::aws::clients::{CallLimits, Clients};
use crate::cli::{ImportArgs, PlanArgs};
use crate::desired::{Desired, Identity, References, Undesirable, misfits};
use crate::fault::Fault;
use crate::import::{NotImportable, manifest, to_yaml};
use crate::metrics::Metrics;
use crate::plan::preview::preview;
use crate::world::Observed;

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// No region is given.
    #[error("no region: set --region or AWS_REGION")]
    NoRegion,
    /// The file cannot be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// A document of the file is not what it says it is.
    #[error("document {number} of {path}: {error}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The number of the document, the first being 1.
        number: usize,
        /// What is wrong.
        error: serde_yaml::Error,
    },
    /// No document of the file is a `FlinkApplication`.
    #[error("{0} holds no FlinkApplication")]
    Empty(PathBuf),
    /// A spec asks for nothing that can be done.
    #[error("{name}: {problem}")]
    Undesirable {
        /// The resource.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// The service does not let the application be read.
    #[error("{name} cannot be read: {fault}")]
    Service {
        /// The application.
        name: String,
        /// What the service said.
        fault: Fault,
    },
    /// There is no such application.
    #[error("there is no application {name} in {region}")]
    Absent {
        /// The application.
        name: String,
        /// The region.
        region: String,
    },
    /// The application cannot be described.
    #[error("{name} cannot be imported: {why}")]
    NotImportable {
        /// The application.
        name: String,
        /// Why.
        why: NotImportable,
    },
}

/// The manifest of an application that exists, as YAML.
///
/// # Errors
/// Why there is none.
pub async fn import(args: &ImportArgs) -> Result<String, PreviewError> {
    let identity = Identity {
        name: args.name.clone(),
        region: args.place.region().ok_or(PreviewError::NoRegion)?.to_owned(),
    };
    let service = service(&identity.region).await;
    let observed = observe(&service, &identity).await?;
    let observed = observed.ok_or_else(|| PreviewError::Absent {
        name: identity.name.clone(),
        region: identity.region.clone(),
    })?;
    let written = manifest(&observed, &identity).and_then(|app| to_yaml(&app));
    written.map_err(|why| PreviewError::NotImportable {
        name: identity.name.clone(),
        why,
    })
}

/// What a manifest would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The answer for a person.
    pub text: String,
    /// Whether something would change.
    pub changes: bool,
}

/// What the resources in a file would change. The ConfigMaps that they name must be in the file too.
///
/// # Errors
/// Why nothing can be said.
pub async fn plan(args: &PlanArgs) -> Result<Answer, PreviewError> {
    let (apps, references) = documents(&args.file, &read(&args.file)?)?;
    let region = args.place.region().unwrap_or_default().to_owned();
    let mut answer = Answer {
        text: String::new(),
        changes: false,
    };
    for app in apps {
        let name = app.name_any();
        if app.spec.region.is_none() && region.is_empty() {
            return Err(PreviewError::NoRegion);
        }
        let misfits = misfits(&app.spec);
        if !misfits.is_empty() {
            let problem = problem(&Undesirable::Invalid(misfits));
            return Err(PreviewError::Undesirable { name, problem });
        }
        let want = Desired::parse(&app, &region, &references).map_err(|why| PreviewError::Undesirable {
            name: name.clone(),
            problem: problem(&why),
        })?;
        let service = service(&want.identity.region).await;
        let observed = observe(&service, &want.identity).await?;
        let shown = preview(&want, observed.as_ref());
        answer.changes |= !shown.changes.is_empty();
        if shown.changes.is_empty() {
            let _ = writeln!(answer.text, "{name}: no change; {}", shown.job);
        } else {
            let _ = writeln!(answer.text, "{name}: {}", shown.job);
            for change in shown.changes {
                let _ = writeln!(answer.text, "  ~ {change}");
            }
        }
    }
    Ok(answer)
}

async fn service(region: &str) -> Service {
    let clients = Clients::from_environment(Some(region), CallLimits::default()).await;
    Service::new(clients, Arc::new(Metrics::new()))
}

async fn observe(service: &Service, identity: &Identity) -> Result<Option<Observed>, PreviewError> {
    let found = service.describe(identity).await;
    found.map_err(|fault| PreviewError::Service {
        name: identity.name.clone(),
        fault,
    })
}

fn read(path: &Path) -> Result<String, PreviewError> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|error| PreviewError::Unreadable {
        path: path.to_owned(),
        error,
    })
}

fn problem(why: &Undesirable) -> String {
    match why {
        Undesirable::Invalid(violations) => {
            let problems: Vec<String> = violations.iter().map(ToString::to_string).collect();
            problems.join("; ")
        }
        Undesirable::Missing(name) => {
            format!("ConfigMap {name} of spec.propertyGroups is not in the file; put it there")
        }
    }
}

/// The resources of a file and the data of its ConfigMaps.
fn documents(path: &Path, text: &str) -> Result<(Vec<FlinkApplication>, References), PreviewError> {
    let mut apps = Vec::new();
    let mut references = References::new();
    for (index, document) in serde_yaml::Deserializer::from_str(text).enumerate() {
        let malformed = |error| PreviewError::Malformed {
            path: path.to_owned(),
            number: index + 1,
            error,
        };
        let value = Value::deserialize(document).map_err(malformed)?;
        match value.get("kind").and_then(Value::as_str) {
            Some("FlinkApplication") => apps.push(serde_yaml::from_value(value).map_err(malformed)?),
            Some("ConfigMap") => {
                let map: ConfigMap = serde_yaml::from_value(value).map_err(malformed)?;
                references.insert(map.name_any(), map.data.unwrap_or_default());
            }
            _ => {}
        }
    }
    if apps.is_empty() {
        return Err(PreviewError::Empty(path.to_owned()));
    }
    Ok((apps, references))
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = "apiVersion: sluicegate.dev/v1alpha1\nkind: FlinkApplication\nmetadata: {name: orders}\nspec:\n  runtimeEnvironment: FLINK-1_20\n  serviceExecutionRole: arn:aws:iam::111122223333:role/a\n  code: {s3: {bucket: demo, key: a.jar}}\n";

    #[test]
    fn resources_and_their_config_maps_are_read_from_one_file() {
        let text = format!("kind: ConfigMap\nmetadata: {{name: kafka}}\ndata: {{a: b}}\n---\n{APP}---\nkind: Secret\n");
        let (apps, references) = documents(Path::new("x.yaml"), &text).unwrap();
        assert_eq!(apps.len(), 1);
        assert_eq!(references.get("kafka").unwrap()["a"], "b");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_with_its_document() {
        let error = documents(Path::new("x.yaml"), "kind: Secret").unwrap_err();
        assert_eq!(error.to_string(), "x.yaml holds no FlinkApplication");
        let broken = format!("{APP}---\nkind: FlinkApplication\nmetadata: {{name: b}}\nspec: {{code: 3}}\n");
        let error = documents(Path::new("x.yaml"), &broken).unwrap_err().to_string();
        assert!(error.starts_with("document 2 of x.yaml: "), "{error}");
    }
}
