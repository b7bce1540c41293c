//! Whose application it is, by its tags.

use crate::api::status::Tags;

/// The tag that names the cluster.
pub const CLUSTER: &str = "sluicegate.dev/cluster";
/// The tag that names the namespace of the resource.
pub const NAMESPACE: &str = "sluicegate.dev/namespace";
/// The tag that names the resource.
pub const NAME: &str = "sluicegate.dev/name";
/// The tag that names the incarnation of the resource.
pub const UID: &str = "sluicegate.dev/uid";

/// A resource as the owner of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The cluster.
    pub cluster: String,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The uid, which tells one incarnation of the same name from another.
    pub uid: String,
}

/// What the tags of an application say about a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// It belongs to this resource.
    Ours,
    /// It belongs to an earlier resource of the same name: it is taken over without consent.
    Earlier,
    /// It belongs to another resource; the sentence says to which.
    Foreign(String),
    /// It carries no tags of ours.
    Untagged,
}

impl Owner {
    /// The tags that prove the ownership.
    #[must_use]
    pub fn tags(&self) -> Tags {
        [
            (CLUSTER, &self.cluster),
            (NAMESPACE, &self.namespace),
            (NAME, &self.name),
            (UID, &self.uid),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect()
    }

    /// What tags say about this resource.
    #[must_use]
    pub fn judge(&self, tags: &Tags) -> Ownership {
        let get = |key: &str| tags.get(key).map(String::as_str);
        match (get(CLUSTER), get(NAMESPACE), get(NAME)) {
            (None, None, None) => Ownership::Untagged,
            (Some(cluster), Some(namespace), Some(name))
                if cluster == self.cluster && namespace == self.namespace && name == self.name =>
            {
                if get(UID) == Some(&self.uid) {
                    Ownership::Ours
                } else {
                    Ownership::Earlier
                }
            }
            (cluster, namespace, name) => Ownership::Foreign(format!(
                "FlinkApplication {}/{} of cluster {}",
                namespace.unwrap_or("?"),
                name.unwrap_or("?"),
                cluster.unwrap_or("?")
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner {
            cluster: "c".into(),
            namespace: "n".into(),
            name: "a".into(),
            uid: "1".into(),
        }
    }

    #[test]
    fn only_the_tags_of_this_incarnation_make_an_application_ours() {
        let tags = owner().tags();
        assert_eq!(owner().judge(&tags), Ownership::Ours);
        assert_eq!(
            Owner {
                uid: "2".into(),
                ..owner()
            }
            .judge(&tags),
            Ownership::Earlier
        );
        assert!(matches!(
            Owner {
                cluster: "d".into(),
                ..owner()
            }
            .judge(&tags),
            Ownership::Foreign(_)
        ));
        assert!(matches!(
            Owner {
                namespace: "m".into(),
                ..owner()
            }
            .judge(&tags),
            Ownership::Foreign(_)
        ));
        assert_eq!(
            owner().judge(&Tags::from([("team".into(), "x".into())])),
            Ownership::Untagged
        );
    }

    #[test]
    fn half_the_tags_prove_nothing() {
        let mut tags = owner().tags();
        tags.remove(NAME);
        assert!(matches!(owner().judge(&tags), Ownership::Foreign(_)));
    }
}
