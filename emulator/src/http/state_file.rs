//! The service's state in a file.

use std::path::Path;

use crate::service::State;

/// Why a state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// The file system says no.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The content is not a state of this version of the emulator.
    #[error("{path} is not a state of this emulator: {source}")]
    Content {
        /// Which file.
        path: String,
        /// Why.
        source: serde_json::Error,
    },
}

/// Reads a state; a file that does not exist is an empty one.
///
/// # Errors
/// When the file cannot be read or is not a state.
pub fn load(path: &Path) -> Result<State, StateFileError> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| StateFileError::Content {
            path: path.display().to_string(),
            source,
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(State::default()),
        Err(source) => Err(StateFileError::File {
            path: path.display().to_string(),
            source,
        }),
    }
}

/// Writes a state so that the file is the old one or the new one, never a part.
pub(super) fn save(path: &Path, state: &State) -> Result<(), StateFileError> {
    let failed = |source| StateFileError::File {
        path: path.display().to_string(),
        source,
    };
    let bytes = serde_json::to_vec(state).map_err(|source| StateFileError::Content {
        path: path.display().to_string(),
        source,
    })?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, bytes).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)
}
