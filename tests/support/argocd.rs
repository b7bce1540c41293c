//! Runs the scripts of `deploy/argocd/` as Argo CD does: Lua 5.1 with the libraries base, package, table and os.

use std::fs;
use std::path::PathBuf;

use mlua::{Lua, LuaOptions, LuaSerdeExt as _, StdLib};
use serde_json::Value;

/// The folder of the scripts, in the form that Argo CD carries itself.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("deploy/argocd/resource_customizations/sluicegate.dev/FlinkApplication")
}

/// A script of the folder.
#[track_caller]
pub(crate) fn script(path: &str) -> String {
    fs::read_to_string(folder().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What a script makes of an object.
#[track_caller]
pub(crate) fn run(script: &str, object: &Value) -> Value {
    let libraries = StdLib::PACKAGE | StdLib::TABLE | StdLib::OS;
    let lua = Lua::new_with(libraries, LuaOptions::default()).unwrap();
    let object = lua.to_value(object).unwrap();
    lua.globals().set("obj", object).unwrap();
    let made: mlua::Value = lua.load(script).eval().unwrap_or_else(|error| panic!("{error}"));
    lua.from_value(made).unwrap()
}

/// The health that Argo CD shows of an object, and the words beside it.
#[track_caller]
pub(crate) fn health(object: &Value) -> (String, String) {
    let health = run(&script("health.lua"), object);
    let text = |member: &str| health[member].as_str().unwrap_or_default().to_owned();
    (text("status"), text("message"))
}
