//! Buckets that are local folders.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::Objects;

/// Folders by bucket name. Version `V` of the object `K` is the file `K@V` beside it.
#[derive(Clone, Debug, Default)]
pub struct Folders(BTreeMap<String, PathBuf>);

impl Folders {
    /// Makes a folder readable as a bucket.
    pub fn insert(&mut self, bucket: impl Into<String>, folder: impl Into<PathBuf>) {
        self.0.insert(bucket.into(), folder.into());
    }
}

impl Objects for Folders {
    fn read(&self, bucket: &str, key: &str, version: Option<&str>) -> Option<Vec<u8>> {
        let folder = self.0.get(bucket)?;
        let name = version.map_or_else(|| key.to_owned(), |version| format!("{key}@{version}"));
        let inside = Path::new(&name)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        let path = folder.join(&name);
        (inside && path.is_file()).then(|| std::fs::read(path).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_file_beside_and_nothing_outside_the_folder_is_read() {
        let folder = std::env::temp_dir().join(format!("emulator-objects-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("orders")).unwrap();
        std::fs::write(folder.join("orders/a.yaml"), "main: ok").unwrap();
        std::fs::write(folder.join("orders/a.yaml@7"), "main: ok # 7").unwrap();
        let mut folders = Folders::default();
        folders.insert("demo", folder.join("orders"));
        folders.insert("all", folder.clone());
        assert_eq!(folders.read("demo", "a.yaml", None).unwrap(), b"main: ok");
        assert_eq!(
            folders.read("all", "orders/a.yaml", Some("7")).unwrap(),
            b"main: ok # 7"
        );
        assert_eq!(folders.read("all", "orders/a.yaml", Some("8")), None);
        assert_eq!(folders.read("demo", "../orders/a.yaml", None), None);
        assert_eq!(folders.read("demo", "", None), None);
        assert_eq!(folders.read("other", "a.yaml", None), None);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
